import { randomUUID } from 'node:crypto';
import { commands, type Disposable, type ExtensionContext, env, window, workspace } from 'vscode';
import type { GrantId } from '../protocol/ids.ts';
import { Answers } from './answers.ts';
import { announceApprovals } from './approvals/announce.ts';
import { ApprovalsView } from './approvals/approvals-view.ts';
import { createAuditPanel } from './audit/panel.ts';
import { type HandlerParts, handlers, showApprovals } from './commands/handlers.ts';
import { ContextKeys, contextOf } from './context-keys.ts';
import { COMMANDS } from './contributions.ts';
import type { Connection } from './daemon/connection.ts';
import type { DaemonLinkParts } from './daemon/daemon-link.ts';
import { Pace } from './daemon/pace.ts';
import { DaemonLog, LOG_SCHEME } from './documents/daemon-log.ts';
import { REQUEST_SCHEME, RequestDocuments } from './documents/request-document.ts';
import { Notices } from './notices.ts';
import { setting } from './settings.ts';
import { SignIn } from './sign-in/sign-in.ts';
import { StatusItem } from './status-item.ts';
import { Store } from './store.ts';
import { BalancersView } from './tree/balancers-view.ts';
import { TreeSource } from './tree/source.ts';
import { mine } from './view.ts';
import { timeWords } from './words/time.ts';

/** This machine and its person, as far as the daemon is concerned. */
export type Machine = Omit<DaemonLinkParts, 'node' | 'client' | 'onLink'> & { editorNode: string };

/** Remembered between windows: something was held, so that a reloaded window without a daemon does not look innocent. */
const HELD = 'portcullis.held';

/** Wires one editor window. Everything is registered before this returns; the daemon is looked for afterwards. */
export function openWindow(context: ExtensionContext, machine: Machine): void {
  const { clock } = machine;
  const memory = context.globalState;
  const own = <T extends Disposable>(disposable: T): T => {
    context.subscriptions.push(disposable);
    return disposable;
  };
  const log = own(window.createOutputChannel('Portcullis', { log: true }));
  const report = (doing: string, error: unknown) => log.error(doing, error instanceof Error ? error.message : String(error));
  const notices = new Notices(log);
  const time = timeWords();
  const pace = new Pace(clock);
  own({ dispose: () => pace.close() });
  const store = new Store(memory.get(HELD) === true, () => pace.turn());
  const source = new TreeSource(store.ask);

  const keys = new ContextKeys((key, value) => void commands.executeCommand('setContext', key, value));
  const tellKeys = () => keys.update(contextOf(store.view, source.filter !== ''));
  const audit = own(
    createAuditPanel({
      ask: store.ask,
      onAudit: (listener) => store.onAudit(listener),
      onContact: (listener) => store.onContact(listener),
      onState: (listener) => store.onChange(listener),
      state: () => store.view.state,
      clock,
      version: versionOf(context),
      report: (error) => report('Audit panel', error),
      extensionUri: context.extensionUri,
    }),
  );
  const showInAudit = (grantId: GrantId | undefined) => audit.reveal(grantId ? { grantId } : undefined);
  const answers = own(new Answers(store, notices, showInAudit));
  const documents = own(new RequestDocuments(store, clock, time));
  const daemonLog = own(new DaemonLog(machine.places.logFile));
  own(workspace.registerTextDocumentContentProvider(REQUEST_SCHEME, documents));
  own(workspace.registerTextDocumentContentProvider(LOG_SCHEME, daemonLog));
  own(new StatusItem(store, clock, time));
  own({ dispose: store.onChange(tellKeys) });
  own({ dispose: store.onChange(() => rememberHeld(store, context)) });

  const link = backgroundLink(context, machine, store, report);
  own(link);
  const parts: HandlerParts = {
    store,
    clock,
    time,
    notices,
    memory,
    source,
    balancers: own(new BalancersView(store, source, clock, time, tellKeys)),
    approvals: own(new ApprovalsView(store)),
    documents,
    log: daemonLog,
    signIn: own(new SignIn({ store, clock, memory, notices, report })),
    newKey: randomUUID,
    requested: (requestId) => answers.expect(requestId),
    showInAudit,
    showAudit: () => audit.reveal(),
    async startDaemon() {
      await link.open();
      const { link: now } = store.view;
      if (now.state === 'absent') notices.refused('Start daemon', { code: 'unreachable', message: now.problem, wayOut: now.wayOut });
    },
    defaultMinutes: () => setting('portcullis.defaultMinutes'),
  };
  const act = handlers(parts);
  for (const { id, title } of COMMANDS) {
    own(
      commands.registerCommand(id, (argument: unknown) =>
        run(
          () => act[id](argument),
          (error) => notices.failed(title, error),
        ),
      ),
    );
  }
  own({
    dispose: announceApprovals({
      store,
      memory,
      focused: () => window.state.focused,
      onFocus: (listener) => {
        const subscription = window.onDidChangeWindowState(listener);
        return () => subscription.dispose();
      },
      asked: (message, action) => notices.asked(message, action),
      open: (request) => documents.open(request),
      showApprovals,
    }),
  });
  tellKeys();
  void link.open();
}

/** A mistake of ours ends this one act, and the person learns of it. */
async function run(act: () => unknown, failed: (error: unknown) => void): Promise<void> {
  try {
    await act();
  } catch (error) {
    failed(error);
  }
}

/** The socket and all that belongs to it is loaded after the window is there. */
function backgroundLink(
  context: ExtensionContext,
  machine: Machine,
  store: Store,
  report: (doing: string, error: unknown) => void,
): Disposable & { open(): Promise<void> } {
  let connection: Connection | undefined;
  let disposed = false;
  const version = versionOf(context);
  async function open(): Promise<void> {
    const { daemonLink } = await import('./daemon/daemon-link.ts');
    if (disposed) return;
    connection ??= daemonLink({
      ...machine,
      node: () => setting('portcullis.daemon.node') || machine.editorNode,
      client: () => ({
        name: env.appName.slice(0, 100),
        version,
        kind: 'editor',
        whenLastWindowCloses: setting('portcullis.whenLastWindowCloses'),
      }),
      onLink: (link, client) => store.setLink(link, client),
    });
    await connection.open();
  }
  const settings = workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration('portcullis.whenLastWindowCloses')) {
      connection?.renew().catch((error: unknown) => report('Connection', error));
    }
  });
  return {
    open: () => open().catch((error: unknown) => report('Connection', error)),
    dispose: () => {
      disposed = true;
      settings.dispose();
      connection?.close();
    },
  };
}

function rememberHeld(store: Store, { globalState }: ExtensionContext): void {
  if (store.view.link.state !== 'connected' || store.view.heldBefore) return;
  const held = mine(store.view).length > 0;
  if (held !== (globalState.get(HELD) === true)) void globalState.update(HELD, held);
}

const versionOf = (context: ExtensionContext): string => String(context.extension.packageJSON.version ?? '0');
