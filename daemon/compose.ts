import type { Cancel } from '../protocol/clock.ts';
import { HOUR, SECOND } from '../protocol/clock.ts';
import { jumpWords, watchClock } from '../protocol/clock-watch.ts';
import { VERSIONS } from '../protocol/door.ts';
import type { GrantId } from '../protocol/ids.ts';
import type { Person } from '../protocol/model.ts';
import type { DaemonState } from '../protocol/state.ts';
import { Authorities, type Authority, type Truth } from './authority.ts';
import type { CentralAuthority } from './central/authority.ts';
import { composeCentral } from './central/compose.ts';
import { Door } from './door/door.ts';
import { hmacOf } from './door/secrets.ts';
import { atMost, Ending } from './ending.ts';
import { Forgetting } from './forget.ts';
import { handlers } from './handlers.ts';
import { Health, NOT_READ } from './health.ts';
import { Inventory } from './inventory/inventory.ts';
import { Journal } from './journal/journal.ts';
import { LiveState } from './live-state.ts';
import type { Daemon, DaemonParts } from './parts.ts';
import { PimAuthority } from './pim/authority.ts';
import { durableOnly } from './record/central-record.ts';
import { Heartbeat } from './record/heartbeat.ts';
import { AzureSignIn } from './sign-in/azure.ts';
import { signIns } from './sign-ins.ts';
import { watchState } from './state-watch.ts';
import { Windows } from './windows.ts';

const REFRESHED_WITHIN = 10 * SECOND;

export function composeDaemon(parts: DaemonParts): Daemon {
  const { clock, log, instance, azure } = parts;
  const ended = new AbortController();
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
    onSignInFailed: () => azureSignIn.check(),
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
  const central =
    parts.central && parts.authorities.includes('central')
      ? composeCentral({ ...parts, target: parts.central, journal, truth, onForked: () => health.tell() })
      : undefined;
  onRecorded = () => central?.record.recorded();
  const authorities = new Authorities(
    [central?.authority, pim].filter((authority): authority is Authority & (CentralAuthority | PimAuthority) => authority !== undefined),
    clock,
  );

  const heldNow = () => authorities.all.reduce((sum, authority) => sum + authority.held().length, 0);
  const health = new Health({ clock, live, journal, authorities: authorities.all, forked: () => central?.record.forked });
  const heartbeat = new Heartbeat({ clock, journal, held: heldNow });
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
  const ending = new Ending({
    authorities: authorities.all,
    truth,
    clock,
    log,
    say: (line) => parts.say?.(line),
    closeDoor: (why) => door.close(why),
    onEnded: letGo,
  });
  const windows = new Windows({
    clock,
    held: heldNow,
    // Without a limit: nobody waits, and a revocation is never dropped.
    onLastGone: () => void Promise.all(authorities.all.map((authority) => authority.endAll('window closed'))),
    onIdle: () => void ending.stop(),
  });
  const door = new Door({
    instance,
    prove: (text) => parts.secret.use((key) => hmacOf(key, text)),
    live,
    clock,
    log,
    handlers: handlers({
      live,
      truth,
      authorities,
      inventory,
      onRefresh: () => (pim ? atMost(clock, pim.refresh(), REFRESHED_WITHIN) : Promise.resolve()),
      journal,
      receipted: central?.record ?? durableOnly(journal),
      centralRecord: central?.record,
      signIns: signIns({ ...parts, azure: azureSignIn, sessionScopes: azure.sessionScopes, central, authorities, ending, truth }),
      signal: ended.signal,
      onStop: () => void ending.stop(),
      onHandOver: () => void ending.handOver(),
    }),
    onClients: (clients, left) => {
      if (!left) ending.clientCame();
      windows.changed(clients, left);
      pim?.watched(clients.length > 0);
      if (!left) inventory.stale();
    },
  });
  let cancelState: Cancel = () => {};

  function onAzurePerson(person: Person | undefined): void {
    inventory.person(person?.id);
    void pim?.refresh();
    // Central may take its person from this very identity.
    if (person && parts.central?.signIn === 'azure') central?.authority.kick();
  }

  function letGo(): void {
    ended.abort();
    windows.stop();
    door.close('The daemon has stopped');
    for (const authority of authorities.all) authority.stop();
    central?.browser?.signOut();
    parts.secret.wipe();
    central?.record.stop();
    heartbeat.stop();
    azureSignIn.stop();
    inventory.stop();
    forgetting.stop();
    health.stop();
    cancelWatch();
    cancelState();
    journal.close();
  }

  /** What was held stays held: its timers run, and its end is in memory. Nothing new may rest on a record that is lost. */
  function stateVanished(): void {
    log.error('the state folder has vanished');
    parts.say?.('The state folder has vanished. This daemon takes nothing new, and ends when nothing is held.');
    journal.lose('The state folder has vanished; a new daemon makes it anew');
    windows.orphaned();
  }

  return {
    live,
    accept: (wire) => (ended.signal.aborted ? wire.cut() : door.accept(wire)),
    start() {
      journal.may((leases) => leases.prune(clock.now() - 24 * HOUR));
      journal.record({
        kind: 'daemon.started',
        text: `Daemon ${parts.version} started`,
        data: { pid: parts.pid, protocol: Math.max(...VERSIONS) },
      });
      if (parts.stateStands) cancelState = watchState(clock, parts.stateStands, stateVanished);
      for (const authority of authorities.all) authority.start();
      heartbeat.start();
      health.tell();
      void azureSignIn.attempt();
    },
    stop: () => ending.stop(),
    leave: () => ending.leave(),
    stopped: ending.stopped,
  };
}
