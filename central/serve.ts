import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Logger } from 'pino';
import { type Granting, type Provider, providerOf, type StandingRights } from '../cloud/provider.ts';
import type { AuditKind } from '../protocol/audit.ts';
import type { Discovery } from '../protocol/central-api.ts';
import { type Clock, HOUR, MINUTE, type Millis, SECOND } from '../protocol/clock.ts';
import { jumpWords, watchClock } from '../protocol/clock-watch.ts';
import { Fault } from '../protocol/fault.ts';
import type { ResourceId } from '../protocol/ids.ts';
import { CALL_TIMEOUT, CloudCalls } from './grants/calls.ts';
import { grantMachine } from './grants/machine.ts';
import { GrantRunner } from './grants/runner.ts';
import { addFeed } from './http/feed-route.ts';
import { handlers } from './http/handlers.ts';
import { buildServer, type ServerParts } from './http/server.ts';
import { troubleIn } from './log.ts';
import type { Directory } from './people/directory.ts';
import { TokenVerifier } from './people/tokens.ts';
import { PolicyEngine } from './policy/engine.ts';
import { isGood, type Report } from './policy/folder.ts';
import { LivePolicy } from './policy/live.ts';
import type { RoleTree } from './policy/roles.ts';
import { type Anchor, Anchors } from './record/anchors.ts';
import { stamp } from './record/body.ts';
import { Checkpoints } from './record/checkpoints.ts';
import { Deposits } from './record/deposits.ts';
import { FileAnchor } from './record/file-anchor.ts';
import { HttpsAnchor } from './record/https-anchor.ts';
import { loadRecordKey } from './record/key.ts';
import { Proofs } from './record/proofs.ts';
import { Previews } from './requests/previews.ts';
import { Requests } from './requests/requests.ts';
import { Resources } from './resources.ts';
import { openStore } from './store/open.ts';
import type { OpenSqlite } from './store/sqlite-thread.ts';
import { Drift } from './sweeps/drift.ts';
import { Reconcile } from './sweeps/reconcile.ts';
import { cron, type Schedule, type Sweep, startSweeps } from './sweeps/sweeps.ts';
import { Views } from './views.ts';
import { watchFolder } from './watch.ts';

/** What an operator sets. Lengths of time in milliseconds. */
export interface CentralSettings {
  listen: { host: string; port: number; cert: string | Buffer; key: string | Buffer };
  storeFile: string;
  issuer: string;
  /** PEM, when the system does not know the issuer's authority. */
  issuerCa?: string | undefined;
  audience: string;
  clientId: string;
  scopes: readonly string[];
  /** The issuer wants `audience` as `resource` (RFC 8707). */
  resourceIndicator: boolean;
  tokenType: 'at+jwt' | 'JWT';
  policyDir: string;
  /** Of `weekday` and `minuteOfDay` in policies. */
  timeZone: string;
  /** No grant is longer, whatever the policy says. */
  longestGrant: Millis;
  heartbeatGrace: Millis;
  requestLapse: Millis;
  longestRequestLife: Millis;
  callsPerMinute: number;
  record?: RecordSettings | undefined;
  version: string;
}

/** How the record is signed, and where its checkpoints are kept. */
export interface RecordSettings {
  /** PEM of an Ed25519 key; made when there is none. Beside the store when not named. */
  keyFile?: string | undefined;
  /** Whose record it is, in every signature: a name that no other record has. */
  name?: string | undefined;
  anchors?: readonly AnchorSettings[];
}

export type AnchorSettings = { kind: 'file'; file: string } | { kind: 'https'; url: string; ca?: string | undefined };

export const RECORD_NAME = 'portcullis';

export const DEFAULTS = {
  scopes: ['openid', 'profile', 'offline_access', 'elevate'],
  resourceIndicator: false,
  tokenType: 'at+jwt',
  timeZone: 'UTC',
  longestGrant: 8 * HOUR,
  heartbeatGrace: 5 * MINUTE,
  requestLapse: HOUR,
  longestRequestLife: 10 * MINUTE,
  callsPerMinute: 600,
} as const satisfies Partial<CentralSettings>;

export interface CentralParts {
  settings: CentralSettings;
  clock: Clock;
  /** With central's own identity: reads resources and locks. */
  provider: Provider;
  granting: Granting & StandingRights;
  directory: Directory & { reload?(): Promise<void> };
  /** The directory's file, watched for changes. */
  directoryFile?: string | undefined;
  roles: RoleTree;
  logger: Logger;
  /** Names this start of the machine; undefined where the system does not say. */
  bootId?: string | undefined;
  /** 0 to 1, for spreading retries. */
  random: () => number;
  /** Opens the file of the store; in a thread of its own where none is given. */
  sqlite?: OpenSqlite | undefined;
  /** Runs the slow sweeps; cron where none is given. */
  schedule?: Schedule | undefined;
}

export interface Central {
  url: string;
  reloadPolicy(): Promise<Report>;
  /** Whatever is due is ended now: what cron does once a minute. */
  sweep(): Promise<void>;
  /** Resolves when its store is no good any more: it has to be closed and started again, which rebuilds it from the cloud. */
  storeLost: Promise<void>;
  /** Ends nothing that was granted: the next start takes it up. */
  close(): Promise<void>;
}

/** Central from its parts: refuses to start on a bad policy, directory or store, then listens and takes up what it left. */
export async function startCentral({
  settings,
  clock,
  provider,
  granting,
  directory,
  directoryFile,
  roles,
  logger,
  bootId,
  random,
  sqlite,
  schedule = cron,
}: CentralParts): Promise<Central> {
  const trouble = troubleIn(logger);
  if (settings.longestRequestLife < CALL_TIMEOUT + MINUTE) {
    throw new Fault('configuration-invalid', 'longestRequestLife: must be at least two minutes, for calls to the cloud take up to one');
  }
  await directory.reload?.();
  const closers: (() => unknown)[] = [];
  const close = async () => {
    const failed: unknown[] = [];
    // What cannot end well keeps nothing else from its end: another start needs the port and the file.
    for (const closer of closers.splice(0).reverse()) await (async () => closer())().catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
  };
  try {
    const { store, lost, ballast, setAside, replaced } = await openStore(settings.storeFile, clock.now(), sqlite);
    closers.push(() => store.close());
    const record = (kind: AuditKind, text: string, data: Record<string, string | number>) =>
      store.write((tx) => tx.append({ ...stamp(clock, kind, text), data }));

    const {
      keyFile = path.join(path.dirname(settings.storeFile), 'record-key.pem'),
      name = RECORD_NAME,
      anchors = [],
    } = settings.record ?? {};
    const key = loadRecordKey(keyFile, name);
    const proofs = new Proofs(store, key);
    const anchorOf = (anchor: AnchorSettings): Anchor => {
      if (anchor.kind === 'file') return new FileAnchor(anchor.file, store, key.key);
      const witness = new HttpsAnchor(anchor.url, anchor.ca, { proofs, clock });
      closers.push(() => witness.close());
      return witness;
    };
    const kept = new Anchors(anchors.map(anchorOf), { store, clock, random, trouble });
    closers.push(() => kept.close());
    const checkpoints = new Checkpoints({ store, clock, key, anchors: kept, trouble });
    closers.push(() => checkpoints.close());

    const policy = new PolicyEngine(roles, settings.timeZone, settings.longestGrant);
    const live = new LivePolicy(settings.policyDir, policy, clock, {
      loading: async ({ version = '', rules }) => {
        await record('policy.loaded', `Policy ${version.slice(0, 12)} with ${rules} ${rules === 1 ? 'rule' : 'rules'} is in force`, {
          version,
          rules,
        });
        logger.info({ version, rules }, 'policy loaded');
      },
      refused: (report) => logger.error({ problems: inWords(report) }, 'policy refused; the old one stays'),
      failed: (error) => trouble(error, 'a new policy is not in force yet'),
    });
    const first = await live.reload();
    if (!isGood(first)) {
      throw new Fault('configuration-invalid', `policyDir: the policy set cannot be used: ${inWords(first).join('; ')}`, {
        wayOut: 'portcullis policy check',
      });
    }
    live.watch();
    closers.push(() => live.close());
    if (directoryFile)
      closers.push(
        watchFolder(path.dirname(directoryFile), clock, () => void directory.reload?.().catch((error) => trouble(error, 'directory'))),
      );

    const rules = { propagation: granting.propagation, longestRequestLife: settings.longestRequestLife, grace: settings.heartbeatGrace };
    const grantingFor = (resource: ResourceId) => {
      if (providerOf(resource) === provider.id) return granting;
      throw new Fault('not-supported-here', `Central grants nothing in the cloud of ${resource}`);
    };
    const calls = new CloudCalls(grantingFor, clock, CALL_TIMEOUT);
    const runner = new GrantRunner({ store: store.forEnds(), calls, machine: grantMachine, clock, bootId, random, rules, trouble });
    closers.push(() => runner.close());
    const views = new Views(policy, directory);
    const resources = new Resources(provider, clock);
    const shared = { store, clock, policy, directory, resources, granting, provider, runner, views };
    const requests = new Requests({ ...shared, lapse: settings.requestLapse, trouble });
    closers.push(() => requests.close());
    const verifier = new TokenVerifier(settings, clock);
    closers.push(() => verifier.close());

    const { issuer, clientId, scopes, audience, resourceIndicator, version } = settings;
    const discovery: Discovery = { issuer, clientId, scopes: [...scopes], audience, resourceIndicator, version, recordKey: key.published };
    const serverParts: ServerParts = {
      ...settings.listen,
      discovery,
      verifier,
      directory,
      handlers: handlers({
        ...shared,
        requests,
        proofs,
        deposits: new Deposits({ store, clock, key }),
        previews: new Previews(shared),
        grace: settings.heartbeatGrace,
      }),
      callsPerMinute: settings.callsPerMinute,
      trouble,
    };
    const server = await buildServer(serverParts);
    addFeed(server, serverParts, { store, views, clock });
    closers.push(() => server.close());

    if (setAside !== undefined) {
      await record('store.damaged', 'The store was damaged and set aside: what it held is rebuilt from the cloud alone', {
        file: setAside,
      });
      logger.error({ file: setAside }, 'the store was damaged and set aside');
    }
    if (replaced) {
      await record('store.restored', 'The store is older than the one that was used last: grants may have been forgotten', replaced);
      logger.error(replaced, 'the store is older than the one that was used last');
    }
    await record('central.started', 'Central started', { version });
    // An anchor that holds another record says so now, and not after the first ten seconds.
    await checkpoints.sign();
    await runner.load();
    await requests.start();
    await server.listen({ host: settings.listen.host, port: settings.listen.port });
    // Listening first: a long backlog does not keep anybody out.
    runner.resume();
    const reconcile = new Reconcile({ granting, runner, store, clock, trouble });
    const drift = new Drift({ granting, runner, store, clock });
    const sweep = () => runner.sweep();
    const all: Sweep[] = [
      { name: 'due', when: '* * * * *', limit: 50 * SECOND, run: sweep },
      { name: 'ballast', when: '* * * * *', limit: 50 * SECOND, run: async () => void (ballast.isSpent && ballast.restore()) },
      { name: 'retry', when: '* * * * *', limit: 50 * SECOND, run: (signal) => reconcile.again(signal) },
      { name: 'reconcile', when: '*/5 * * * *', limit: 4 * MINUTE, atStart: true, run: (signal) => reconcile.run(signal) },
      { name: 'drift', when: '*/15 * * * *', limit: 10 * MINUTE, run: (signal) => drift.run(signal) },
    ];
    closers.push(
      watchClock(clock, (by) => {
        logger.warn({ ms: by }, 'clock jumped');
        const told = { ...stamp(clock, 'clock.jumped', jumpWords(by)), data: { by } };
        store.write((tx) => tx.append(told)).catch((error: unknown) => trouble(error, 'a jump of the clock is not in the record'));
        sweep().catch((error: unknown) => trouble(error, 'sweep'));
      }),
    );
    closers.push(startSweeps(all, { clock, schedule, trouble }));
    const url = urlOf(settings.listen.host, server.server.address() as AddressInfo);
    return { url, reloadPolicy: () => live.reload(), sweep, storeLost: lost, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const urlOf = (host: string, { port }: { port: number }): string => `https://${host.includes(':') ? `[${host}]` : host}:${port}`;

export const inWords = ({ findings, cases }: Report): string[] => [
  ...findings.map(({ where, problem, wayOut }) => `${where}: ${problem}${wayOut ? ` (${wayOut})` : ''}`),
  ...cases.filter(({ ok }) => !ok).map(({ name, expected, found }) => `case "${name}": expected ${expected}, found ${found}`),
];
