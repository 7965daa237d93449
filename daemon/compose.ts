import type { DatabaseSync } from 'node:sqlite';
import type { Agent } from 'undici';
import type { Approving, Provider, SelfService } from '../cloud/provider.ts';
import type { Cancel, Clock, Millis } from '../protocol/clock.ts';
import { HOUR, SECOND, sleep } from '../protocol/clock.ts';
import { jumpWords, watchClock } from '../protocol/clock-watch.ts';
import { LINGERS, VERSIONS } from '../protocol/door.ts';
import type { GrantId } from '../protocol/ids.ts';
import type { AuthorityId, Person } from '../protocol/model.ts';
import type { NoteKey } from '../protocol/note.ts';
import { no, yes } from '../protocol/refusal.ts';
import type { DaemonState, SignIn } from '../protocol/state.ts';
import { Authorities, type Authority, type EndBecause, type Truth } from './authority.ts';
import { CentralAuthority } from './central/authority.ts';
import { type CentralHttp, centralHttp, type Tokens } from './central/http.ts';
import { Door } from './door/door.ts';
import type { DoorWire } from './door/wire.ts';
import { Forgetting } from './forget.ts';
import { handlers, type SignIns } from './handlers.ts';
import { Health, NOT_READ } from './health.ts';
import type { Seen } from './inventory/disk.ts';
import { Inventory } from './inventory/inventory.ts';
import type { Ballast } from './journal/ballast.ts';
import { Journal } from './journal/journal.ts';
import { LiveState } from './live-state.ts';
import type { Log } from './log.ts';
import { PimAuthority } from './pim/authority.ts';
import { CentralRecord, durableOnly } from './record/central-record.ts';
import { Heartbeat } from './record/heartbeat.ts';
import { AzureSignIn } from './sign-in/azure.ts';
import { BrowserSignIn } from './sign-in/browser.ts';
import type { HandedOverSession } from './sign-in/session.ts';
import { azureTokens, type Credential } from './sign-in/tokens.ts';
import { Windows } from './windows.ts';

export interface AzureParts {
  provider: Provider;
  selfService: SelfService;
  approving: Approving;
  credential: Credential;
  /** Which of the chain gave the last token for a scope; Azure's own unless told. */
  by(scope?: string): string;
  session: HandedOverSession;
  /** Scopes of VS Code's session; undefined where its sign-in cannot reach this cloud. */
  sessionScopes: string[] | undefined;
}

export interface CentralTarget {
  url: string;
  signIn: 'browser' | 'azure';
  azureScope?: string | undefined;
  /** Central's key for its record; undefined: the first one that it shows counts from then on. */
  recordKey?: NoteKey | undefined;
  dispatcher: Agent;
  /** Stands in for the HTTPS client. */
  http?: ((tokens: Tokens) => CentralHttp) | undefined;
}

/** Everything that this daemon is made of, so that a test can run the whole of it on doubles. */
export interface DaemonParts {
  instance: string;
  secret: string;
  version: string;
  pid: number;
  bootId: string | undefined;
  authorities: AuthorityId[];
  azure: AzureParts;
  central?: CentralTarget | undefined;
  /** @param suspect The open journal has shown damage. */
  openJournal(suspect: boolean): DatabaseSync;
  ballast: Ballast;
  seen: { read(): Seen | undefined; write(seen: Seen): void };
  clock: Clock;
  random(): number;
  log: Log;
  /** False when the folder of its state is not there any more: what it writes is lost, and no client can find it. */
  stateStands?: (() => boolean) | undefined;
  /** Told to whoever looks at this process while it waits with its end. */
  say?: ((line: string) => void) | undefined;
}

export interface Daemon {
  readonly live: LiveState;
  /** Takes a connection of the door. */
  accept(wire: DoorWire): void;
  /** Takes up the journal, signs in silently, follows the authorities. */
  start(): void;
  /**
   * Ends what is held, and then this daemon: within five seconds, unless a cloud does not take something back yet that nobody
   * else would end. Then it stays, takes nothing new, and ends with that; or at once for whoever comes to the door, for their
   * own daemon takes over.
   */
  stop(): Promise<void>;
  /** Stops without waiting for anything: the journal has what is left, for the next daemon. */
  leave(): void;
  /** Resolves once this daemon has stopped, whoever wanted it. */
  readonly stopped: Promise<void>;
}

export const ENDS_WITHIN = 5 * SECOND;
const REFRESHED_WITHIN = 10 * SECOND;
const STATE_WATCHED_EVERY = 5 * SECOND;

export function composeDaemon(parts: DaemonParts): Daemon {
  const { clock, log, instance, azure } = parts;
  const ending = new AbortController();
  const atFirst: DaemonState = {
    daemon: { instance, version: parts.version, pid: parts.pid, startedAt: clock.now(), stopping: false },
    signIns: [],
    central: { state: parts.central ? 'connecting' : 'not used', since: clock.now() },
    requests: {},
    grants: {},
    inventory: { revision: 0, refreshing: false },
    heldUnknown: NOT_READ,
  };
  /** The journal tells its health while it is being made, before anybody can be told. */
  let onHealth = (): void => {};
  let remembers = (): boolean => false;
  let onRecorded = (): void => {};
  const live = new LiveState(clock, atFirst, log);
  const journal = new Journal({
    open: parts.openJournal,
    ballast: parts.ballast,
    remembers: () => remembers(),
    clock,
    bootId: parts.bootId,
    source: instance,
    log,
    onHealth: () => onHealth(),
    onEvent: (event) => {
      live.apply({ type: 'audit', event });
      onRecorded();
    },
  });
  const truth: Truth = {
    now: () => live.now,
    apply: (change) => {
      live.apply(change);
      if (change.type === 'central') health.tell();
    },
    record: (body) => journal.record(body),
  };

  const azureSignIn: AzureSignIn = new AzureSignIn({
    ...azure,
    access: azure.provider.access,
    truth,
    clock,
    log,
    onPerson: (person) => onAzurePerson(person),
  });
  const inventory = new Inventory({
    provider: azure.provider,
    truth,
    clock,
    log,
    ...parts.seen,
    onSignInFailed: () => void azureSignIn.attempt(),
  });

  const pim = parts.authorities.includes('pim')
    ? new PimAuthority({
        ...parts,
        selfService: azure.selfService,
        access: azure.provider.access,
        approving: azure.approving,
        resolve: (id, signal) => inventory.resolve(id, signal),
        person: () => azureSignIn.person,
        lost: () => journal.setAside !== undefined,
        onRecovered: () => health.tell(),
        journal,
        truth,
      })
    : undefined;
  const central = parts.central && parts.authorities.includes('central') ? composeCentral(parts.central) : undefined;
  onRecorded = () => central?.record.recorded();
  const authorities = new Authorities(
    [central?.authority, pim].filter((authority): authority is Authority & (CentralAuthority | PimAuthority) => authority !== undefined),
  );

  const health = new Health({ clock, live, journal, authorities: authorities.all, forked: () => central?.record.forked });
  const heartbeat = new Heartbeat({ clock, journal, held: () => heldNow() });
  onHealth = () => {
    if (journal.unhealthy === undefined) for (const authority of authorities.all) authority.healed();
    health.tell();
  };
  remembers = () => authorities.all.every(({ resumed }) => resumed);
  const forgetting = new Forgetting(clock, live, (id) => pim?.forget(id as GrantId));
  const cancelWatch = watchClock(clock, (by) => {
    log.warn('clock jumped', { ms: by });
    journal.record({
      kind: 'clock.jumped',
      text: jumpWords(by),
      data: { by },
    });
    for (const authority of authorities.all) authority.clockJumped();
  });
  const windows = new Windows({
    clock,
    held: () => heldNow(),
    // Without a limit: nobody waits, and a revocation is never dropped.
    onLastGone: () => void Promise.all(authorities.all.map((authority) => authority.endAll('window closed'))),
    onIdle: () => void stop(),
  });
  const door = new Door({
    instance,
    secret: parts.secret,
    live,
    clock,
    log,
    handlers: handlers({
      live,
      truth,
      authorities,
      inventory,
      onRefresh: () => (pim ? within(pim.refresh(), REFRESHED_WITHIN) : Promise.resolve()),
      journal,
      receipted: central?.record ?? durableOnly(journal),
      centralRecord: central?.record,
      signIns: signIns(),
      signal: ending.signal,
      onStop: () => void stop(),
    }),
    onClients: (clients, left) => {
      // Whoever comes now wants a daemon that serves: theirs takes the rest up from the journal.
      if (lingering && !left) leaving.abort();
      windows.changed(clients, left);
      pim?.watched(clients.length > 0);
      if (!left) inventory.stale();
    },
  });
  const heldNow = () => authorities.all.reduce((sum, authority) => sum + authority.held().length, 0);
  let stopping: Promise<void> | undefined;
  let lingering = false;
  let cancelState: Cancel = () => {};
  const leaving = new AbortController();
  let onStopped: () => void = () => {};
  const stopped = new Promise<void>((resolve) => {
    onStopped = resolve;
  });

  function onAzurePerson(person: Person | undefined): void {
    inventory.person(person?.id);
    void pim?.refresh();
    // Central may take its person from this very identity.
    if (person && parts.central?.signIn === 'azure') central?.authority.kick();
  }

  function composeCentral(target: CentralTarget): {
    authority: CentralAuthority;
    browser: BrowserSignIn | undefined;
    record: CentralRecord;
  } {
    const show = (signIn: Omit<SignIn, 'to'>) => live.apply({ type: 'sign-in', signIn: { to: 'central', ...signIn } });
    const browser: BrowserSignIn | undefined =
      target.signIn === 'browser'
        ? new BrowserSignIn({
            ...target,
            clock,
            onSignedIn: () => authority.kick(),
            onFailed: (problem) => show({ state: 'signed out', problem }),
          })
        : undefined;
    const tokens = browser ?? azureTokens(azure.credential, target.azureScope ?? '');
    const http = target.http?.(tokens) ?? centralHttp({ url: target.url, dispatcher: target.dispatcher, tokens, clock });
    const record = new CentralRecord({ ...parts, http, url: target.url, pinned: target.recordKey, journal, onForked: () => health.tell() });
    const authority: CentralAuthority = new CentralAuthority({
      ...parts,
      http,
      url: target.url,
      access: (resource) => (resource.startsWith(`${azure.provider.id}:`) ? azure.provider.access : undefined),
      journal,
      truth,
      onPerson: (person) => {
        const known = live.now.signIns.find(({ to }) => to === 'central')?.person;
        if (known?.id !== person.id) journal.record({ kind: 'signed-in', text: 'Signed in to central', person });
        show({ state: 'signed in', person, by: browser ? 'browser' : azure.by(target.azureScope) });
        record.reached();
      },
      onSignedOut: (problem) => show({ state: 'signed out', problem }),
      onEvent: (event) => {
        live.apply({ type: 'audit', event });
        record.grew();
      },
    });
    return { authority, browser, record };
  }

  function signIns(): SignIns {
    return {
      async begin(to) {
        if (to === 'azure') {
          void azureSignIn.attempt();
          return yes(azure.sessionScopes ? { scopes: azure.sessionScopes } : {});
        }
        if (to !== 'central' || !central)
          return no('unsupported', `This machine is not enrolled for ${to}`, { field: 'to', wayOut: 'Change the enrolment file.' });
        if (!central.browser) {
          await azureSignIn.attempt();
          central.authority.kick();
          return yes({});
        }
        const open = await central.browser.begin();
        live.apply({ type: 'sign-in', signIn: { to: 'central', state: 'signing in', by: 'browser' } });
        return yes({ open });
      },
      async session(token, expiresAt) {
        if (expiresAt <= clock.now())
          return no('bad-input', 'This session has already ended', { field: 'expiresAt', wayOut: 'Sign in again.' });
        void azureSignIn.session(token, expiresAt);
        return yes({});
      },
      async signOut(to) {
        // Without an identity nothing could be given back: that comes first.
        const affected = to === 'azure' ? authorities.all : central ? [central.authority] : [];
        await endWithin(affected, 'revoked');
        const open = stillHeld(affected);
        if (open) return open;
        if (to === 'azure') azureSignIn.signOut();
        else if (to === 'central' && central) {
          central.browser?.signOut();
          live.apply({ type: 'sign-in', signIn: { to: 'central', state: 'signed out' } });
          central.authority.kick();
        } else return no('unsupported', `This machine is not enrolled for ${to}`, { field: 'to' });
        return yes({});
      },
    };
  }

  /** Waits until every end is accepted, or as long as somebody may be kept waiting. The rest goes on by journal and central. */
  function endWithin(which: Authority[], because: EndBecause): Promise<void> {
    return within(Promise.all(which.map((authority) => authority.endAll(because))), ENDS_WITHIN);
  }

  /** Refuses while something is being taken back: only who is signed in can give it back, and see that it is gone. */
  function stillHeld(which: Authority[]): ReturnType<typeof no> | undefined {
    const grants = which.flatMap((authority) => authority.held()).flatMap((id) => live.now.grants[id] ?? []);
    // What central granted ends in the cloud at its instant even when central is never heard of again.
    const first = grants.find(({ authority, notAfter }) => authority !== 'central' || notAfter > clock.now());
    if (!first) return undefined;
    const why = first.awaiting ? `: ${first.awaiting}` : '';
    return no('still-held', `${first.role.title} on ${first.resource.name} is still being taken back${why}`, {
      wayOut: 'Sign out when it is gone.',
    });
  }

  async function within(work: Promise<unknown>, limit: Millis): Promise<void> {
    const waited = new AbortController();
    const late = sleep(clock, limit, waited.signal).catch(() => {});
    await Promise.race([work, late]);
    waited.abort();
  }

  /** Azure takes nothing back in the first minutes: without anybody to ask again it would stand until its own end. */
  async function linger(): Promise<void> {
    const left = () => authorities.all.flatMap((authority) => authority.endsHere());
    const [first, ...more] = left();
    if (!first || leaving.signal.aborted) return;
    const what = `${first.role.title} on ${first.resource.name}${more.length > 0 ? ` and ${more.length} more` : ''}`;
    log.warn('stays until the cloud takes back what is held', { grantId: first.id, problem: first.awaiting });
    parts.say?.(`Azure has not taken back ${what} yet. This daemon stays until it has; a second signal leaves that to the next one.`);
    door.close(LINGERS);
    lingering = true;
    while (left().length > 0 && !leaving.signal.aborted) await sleep(clock, SECOND / 4, leaving.signal).catch(() => {});
    log.info(leaving.signal.aborted ? 'leaves what is held to the next daemon' : 'nothing is held any more');
  }

  function stop(): Promise<void> {
    stopping ??= (async () => {
      live.apply({ type: 'stopping' });
      journal.record({ kind: 'daemon.stopping', text: 'The daemon stops and ends what it holds' });
      await Promise.race([endWithin(authorities.all, 'daemon stopped'), aborted(leaving.signal)]);
      await linger();
      ending.abort();
      windows.stop();
      door.close('The daemon has stopped');
      for (const authority of authorities.all) authority.stop();
      central?.browser?.stop();
      central?.record.stop();
      heartbeat.stop();
      azureSignIn.stop();
      inventory.stop();
      forgetting.stop();
      health.stop();
      cancelWatch();
      cancelState();
      journal.close();
      onStopped();
    })();
    return stopping;
  }

  /** What was held stays held: its timers run, and its end is in memory. Nothing new may rest on a record that is lost. */
  function watchState(stands: () => boolean): Cancel {
    let cancel: Cancel = () => {};
    const look = () => {
      if (stands()) {
        cancel = clock.after(STATE_WATCHED_EVERY, look);
        return;
      }
      log.error('the state folder has vanished');
      parts.say?.('The state folder has vanished. This daemon takes nothing new, and ends when nothing is held.');
      journal.lose('The state folder has vanished; a new daemon makes it anew');
      windows.orphaned();
    };
    cancel = clock.after(STATE_WATCHED_EVERY, look);
    return () => cancel();
  }

  return {
    live,
    accept: (wire) => door.accept(wire),
    start() {
      journal.may((leases) => leases.prune(clock.now() - 24 * HOUR));
      journal.record({
        kind: 'daemon.started',
        text: `Daemon ${parts.version} started`,
        data: { pid: parts.pid, protocol: Math.max(...VERSIONS) },
      });
      if (parts.stateStands) cancelState = watchState(parts.stateStands);
      for (const authority of authorities.all) authority.start();
      heartbeat.start();
      health.tell();
      void azureSignIn.attempt();
    },
    stop,
    leave() {
      leaving.abort();
      void stop();
    },
    stopped,
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
