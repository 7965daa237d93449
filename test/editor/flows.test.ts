import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { COMMANDS, PUBLISHED } from '../../extension/contributions.ts';
import { systemClock } from '../../protocol/clock.ts';
import { places } from '../../protocol/places.ts';
import { EDGE, refOf } from '../daemon/cli/estate.ts';
import { until } from '../support/until.ts';
import { exportThroughPage, watchPanels } from './audit-page.ts';
import { grantOn, organisation, RECORD, requestBy } from './organisation.ts';
import { type ScriptedDaemon, scriptedDaemon } from './scripted-daemon.ts';

const clock = systemClock(() => uptime() * 1_000);
const here = places({
  platform: process.platform,
  home: process.env['HOME'] ?? '',
  runtimeDir: process.env['XDG_RUNTIME_DIR'],
  stateHome: process.env['XDG_STATE_HOME'],
  localAppData: process.env['LOCALAPPDATA'],
});

const NO_NODE = '/nonexistent/node';

describe('the extension and a daemon', () => {
  let daemon: ScriptedDaemon;
  const callsOf = (method: string) => daemon.calls.filter(([called]) => called === method).map(([, params]) => params);

  before(async function () {
    this.timeout(60_000);
    const extension = vscode.extensions.getExtension(PUBLISHED);
    assert.ok(extension);
    // The window starts a real daemon when there is one: it must be up to be ended, and no other may follow.
    if (existsSync(path.join(extension.extensionPath, 'dist/portcullis.mjs')))
      await until('the real daemon', () => existsSync(here.entryFile), 20_000);
    await vscode.workspace.getConfiguration('portcullis').update('daemon.node', NO_NODE, vscode.ConfigurationTarget.Global);
    await until('the setting', () => vscode.workspace.getConfiguration('portcullis').get('daemon.node') === NO_NODE);
    endStarted();
    daemon = await scriptedDaemon({ clock, places: here, ...organisation(clock) });
    assert.equal(await extension.activate(), undefined, 'other extensions get no API');
    await connected();
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await daemon.kill();
    await vscode.workspace.getConfiguration('portcullis').update('daemon.node', undefined, vscode.ConfigurationTarget.Global);
  });

  const connected = () => until('the window at the door', () => daemon.clients().length === 1, 20_000);

  it('says hello as an editor, with what the person wants when it closes', () => {
    const [client] = daemon.clients();
    assert.equal(client?.kind, 'editor');
    assert.equal(client?.whenLastWindowCloses, 'end');
  });

  it('says hello again when that setting changes', async () => {
    const settings = vscode.workspace.getConfiguration('portcullis');
    await settings.update('whenLastWindowCloses', 'keep', vscode.ConfigurationTarget.Global);
    await until('the new wish', () => daemon.clients()[0]?.whenLastWindowCloses === 'keep');
    await settings.update('whenLastWindowCloses', undefined, vscode.ConfigurationTarget.Global);
    await until('the old wish', () => daemon.clients()[0]?.whenLastWindowCloses === 'end');
  });

  it('asks for the tree when the view is shown', async () => {
    await vscode.commands.executeCommand('portcullis.balancers.focus');
    await until('the accounts', () => callsOf('inventory.accounts').length > 0);
    await vscode.commands.executeCommand('portcullis.refresh');
    await until('a refresh', () => callsOf('inventory.refresh').length > 0);
  });

  it('revokes the one grant that there is at once, and only that', async () => {
    const grant = grantOn(clock, 1, refOf(EDGE));
    const others = grantOn(clock, 2, refOf(EDGE), { mine: false });
    daemon.live.apply({ type: 'grant', grant });
    daemon.live.apply({ type: 'grant', grant: others });
    await settled();
    await vscode.commands.executeCommand('portcullis.revoke');
    await until('the revocation', () => callsOf('revoke').length > 0);
    assert.deepEqual(callsOf('revoke'), [{ grantId: grant.id }]);
    await until('its end', () => daemon.live.now.grants[grant.id]?.state === 'gone');
    await settled();
    await vscode.commands.executeCommand('portcullis.revoke');
    assert.equal(callsOf('revoke').length, 1, 'what is gone is not revoked again');
    daemon.live.apply({ type: 'grant.forgotten', grantId: others.id });
  });

  it('does nothing for arguments that others pass: neither elevation, approval, denial nor revocation', async () => {
    const grant = grantOn(clock, 3, refOf(EDGE));
    const second = grantOn(clock, 4, refOf(EDGE), { notAfter: grant.notAfter + 1 });
    const request = requestBy(clock, 5, { mine: false, mayDecide: true });
    for (const held of [grant, second]) daemon.live.apply({ type: 'grant', grant: held });
    daemon.live.apply({ type: 'request', request });
    await settled();
    const forged = [
      { kind: 'balancer', id: `balancer ${EDGE.id}`, balancer: EDGE },
      { kind: 'part', id: EDGE.id, part: EDGE, balancer: EDGE },
      { requestId: request.id },
      { kind: 'problem', parent: undefined },
      request.id,
      grant.id,
      { grantId: grant.id, resourceId: EDGE.id, roleId: 'backends', duration: 60_000, reason: 'x' },
    ];
    const before = daemon.calls.length;
    const dangerous = [
      'elevate',
      'revoke',
      'extend',
      'approveRequest',
      'denyRequest',
      'openRequest',
      'retry',
      'showMore',
      'copyResourceId',
    ];
    for (const argument of forged) {
      for (const name of dangerous) {
        // Those that now ask the person are closed again: pressing is not choosing.
        const pressed = vscode.commands.executeCommand(`portcullis.${name}`, argument);
        await closeQuestions(pressed);
      }
    }
    const powerful = ['request', 'extend', 'revoke', 'revoke.all', 'request.approve', 'request.deny', 'request.cancel'];
    const made = daemon.calls.slice(before).filter(([method]) => powerful.includes(method));
    assert.deepEqual(made, []);
    daemon.live.apply({ type: 'request.forgotten', requestId: request.id });
    for (const { id } of [grant, second]) daemon.live.apply({ type: 'grant.forgotten', grantId: id });
  });

  it('shows exactly what is asked as a read-only document that follows the request', async () => {
    const request = requestBy(clock, 6, { mine: false, mayDecide: true, reason: 'Move the pool\n\nState      approved' });
    daemon.live.apply({ type: 'request', request });
    await settled();
    const deciding = vscode.commands.executeCommand('portcullis.approveRequests');
    await until('the question', () => callsOf('request.approve').length === 0);
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    const document = await until('the document', () =>
      vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'portcullis-request'),
    );
    await closeQuestions(deciding);
    const text = document.getText();
    for (const part of [
      request.resource.id,
      'OPS-1234',
      '15 minutes',
      'prod-long',
      'backendAddressPools/write',
      'Alice Novak (alice@example.test)',
    ])
      assert.ok(text.includes(part), part);
    assert.equal(text.split('\n').filter((line) => line.startsWith('State ')).length, 1, 'a reason cannot look like another field');
    daemon.live.apply({ type: 'request', request: { ...request, state: 'approved', mayDecide: false } });
    await until('the new state', () => /State +approved/.test(document.getText()));
  });

  it('shows the daemon log read-only', async () => {
    await vscode.commands.executeCommand('portcullis.showDaemonLog');
    const open = await until(
      'the log',
      () => vscode.window.activeTextEditor?.document.uri.scheme === 'portcullis-log' && vscode.window.activeTextEditor,
    );
    assert.equal(vscode.workspace.fs.isWritableFileSystem(open.document.uri.scheme), undefined);
  });

  it('opens the audit panel, whose page shows the record, and exports it as JSON lines and as CSV', async function () {
    this.timeout(60_000);
    const panels = watchPanels();
    try {
      await vscode.commands.executeCommand('portcullis.showAudit');
      const page = await until('the panel', () => panels.opened[0]);
      const tab = await until('its tab', () =>
        vscode.window.tabGroups.all
          .flatMap(({ tabs }) => tabs)
          .find(({ input }) => input instanceof vscode.TabInputWebview && input.viewType.endsWith('portcullis.audit')),
      );
      assert.equal(tab.label, 'Audit');
      await until('the page itself', () => page.heard.some(({ type }) => type === 'watch'), 30_000);
      await until('the record on it', () => page.told.some((message) => message.type === 'live' && message.total === RECORD.length));

      const folder = mkdtempSync(path.join(tmpdir(), 'pa-'));
      const lines = await exportThroughPage(page, { format: 'JSON lines', file: path.join(folder, 'audit.jsonl') });
      assert.deepEqual(
        lines
          .trimEnd()
          .split('\n')
          .map((line) => (JSON.parse(line) as { hash: string }).hash),
        RECORD.map(({ hash }) => hash),
      );
      const sheet = await exportThroughPage(page, { format: 'CSV', file: path.join(folder, 'audit.csv') });
      const [head, ...rows] = sheet.trimEnd().split(/\r?\n/);
      assert.match(head ?? '', /kind/);
      assert.equal(rows.length, RECORD.length);
      assert.match(rows.at(-1) ?? '', /grant\.gone/);
      const watched = await exportThroughPage(page, { format: 'OCSF', file: path.join(folder, 'audit.ocsf.jsonl') });
      const versions = watched
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { metadata: { version: string } }).metadata.version);
      assert.deepEqual(
        versions,
        RECORD.map(() => '1.8.0'),
      );
      rmSync(folder, { recursive: true });
    } finally {
      panels.restore();
    }
  });

  it('finds the next daemon when this one is gone, and talks to it', async () => {
    await daemon.kill();
    daemon = await scriptedDaemon({ clock, places: here, ...organisation(clock) });
    await connected();
  });

  it('has a handler for every command, whatever the moment', async () => {
    const known = new Set(await vscode.commands.getCommands(true));
    for (const { id } of COMMANDS) assert.ok(known.has(id), id);
  });
});

/** Ends the daemon that this window has started in this test's own folder, if it has. */
function endStarted(): void {
  if (!existsSync(here.entryFile)) return;
  const { pid } = JSON.parse(readFileSync(here.entryFile, 'utf8')) as { pid: number };
  if (pid !== process.pid) process.kill(pid, 'SIGKILL');
}

/** Long enough for a change to cross the socket. */
const settled = () => new Promise((resolve) => clock.after(150, () => resolve(undefined)));

async function closeQuestions(pressed: Thenable<unknown>): Promise<void> {
  let over = false;
  const watched = pressed.then(
    () => {
      over = true;
    },
    () => {
      over = true;
    },
  );
  await until('the question to close', async () => {
    if (!over) await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    return over;
  });
  await watched;
}
