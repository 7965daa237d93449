import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { CommandLine } from '../../../daemon/cli/command-line.ts';
import { linesOf } from '../../../daemon/cli/lines.ts';
import { newFile } from '../../../daemon/cli/new-file.ts';
import { reachRunning } from '../../../daemon/cli/reach.ts';
import { run } from '../../../daemon/cli/run.ts';
import { Door } from '../../../daemon/door/door.ts';
import type { Handlers } from '../../../daemon/door/methods.ts';
import { hmac } from '../../../daemon/door/secrets.ts';
import { listen } from '../../../daemon/door/server.ts';
import { LiveState } from '../../../daemon/live-state.ts';
import { recordCrypto } from '../../../daemon/record/crypto.ts';
import type { AuditEvent } from '../../../protocol/audit.ts';
import { systemClock } from '../../../protocol/clock.ts';
import type { ElevationRequest } from '../../../protocol/model.ts';
import { no, yes } from '../../../protocol/refusal.ts';
import type { DaemonState } from '../../../protocol/state.ts';
import { recordOf } from '../../support/audit-events.ts';
import { scratch } from '../../support/scratch.ts';
import { ACCOUNT, API, BACKENDS, daemonState, EDGE, NOON, PARTS, PREVIEW, PROBES, refOf, TWINS, uuid } from './estate.ts';

export interface Ran {
  status: number;
  out: string;
  err: string;
  /** Standard output, which must be one JSON document. */
  json: unknown;
}

export interface Stage {
  run(...argv: string[]): Promise<Ran>;
  live: LiveState;
  /** Method and params of each call that reached the daemon, hello aside. */
  calls: [string, unknown][];
  dir: string;
  /** What has come on standard error up to now. */
  said(): string;
  interrupt(): void;
  /** The daemon is gone from one moment to the next. */
  kill(): Promise<void>;
}

interface Options {
  state?: Partial<DaemonState>;
  handlers?: Partial<Handlers>;
  events?: AuditEvent[];
  line?: Partial<CommandLine>;
}

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** The command line in this process, against the daemon's real door on a real socket, with scripted handlers behind it. */
export async function stage(t: Pick<TestContext, 'after'>, options: Options = {}): Promise<Stage> {
  const dir = scratch(t);
  const clock = systemClock(() => performance.now());
  const atNoon = { ...clock, now: () => NOON };
  const live = new LiveState(atNoon, daemonState(options.state));
  const calls: [string, unknown][] = [];
  const handlers = recorded({ ...scripted(live, options.events ?? []), ...options.handlers }, calls);
  const secret = randomBytes(32).toString('hex');
  const instance = randomUUID();
  const door = new Door({ instance, prove: (text) => hmac(secret, text), live, handlers, clock, log: quiet, onClients: () => {} });
  const socket = path.join(dir, 's');
  const server = await listen(
    socket,
    clock,
    (wire) => door.accept(wire),
    (mask) => process.umask(mask),
  );
  t.after(() => server.close());

  let err = '';
  const interrupts = new Set<() => void>();
  const reach = {
    clock: atNoon,
    version: '0.1.0',
    readEntry: () => ({ schema: 1 as const, instance, pid: process.pid, socket, secret, version: '0.1.0', versions: [1], startedAt: NOON }),
    start: () => Promise.reject(new Error('No test starts a daemon here')),
    progress: () => {},
  };
  const connected = async () => {
    const client = await reachRunning(reach);
    if (!client) throw new Error('Nobody listens');
    return client;
  };

  return {
    live,
    calls,
    dir,
    said: () => err,
    interrupt: () => {
      for (const listener of interrupts) listener();
    },
    kill: () => server.close(),
    run: async (...argv) => {
      let out = '';
      err = '';
      const line: CommandLine = {
        clock: atNoon,
        version: '0.1.0',
        out: (text) => {
          out += text;
        },
        pour: async (text) => {
          out += text;
        },
        err: (text) => {
          err += text;
        },
        colour: { out: false, err: false },
        zone: 'UTC',
        connect: connected,
        connectIfRunning: connected,
        onInterrupt: (listener) => {
          interrupts.add(listener);
          return () => void interrupts.delete(listener);
        },
        newKey: () => uuid('e'),
        crypto: recordCrypto,
        readFile: (file) => readFile(file, 'utf8'),
        readLines: linesOf,
        newFile,
        runDaemon: () => Promise.resolve(0),
        central: undefined,
        demo: undefined,
        ...options.line,
      };
      const status = await run(argv, line);
      return {
        status,
        out,
        err,
        get json() {
          return JSON.parse(out);
        },
      };
    },
  };
}

function recorded(handlers: Handlers, calls: [string, unknown][]): Handlers {
  const watched = Object.entries(handlers).map(([method, handle]) => [
    method,
    (params: never) => {
      calls.push([method, params]);
      return handle(params);
    },
  ]);
  return Object.fromEntries(watched) as Handlers;
}

/** A daemon that knows the small organisation, and accepts whatever it is asked. */
function scripted(live: LiveState, events: AuditEvent[]): Handlers {
  const balancers = [EDGE, API, ...TWINS];
  const accepted = () => yes({});
  const decided = (requestId: string, state: ElevationRequest['state']) => {
    const request = live.now.requests[requestId];
    // The reply comes first, as it may.
    if (request) setImmediate(() => live.apply({ type: 'request', request: { ...request, state } }));
    return yes({});
  };
  return {
    snapshot: () => live.snapshot(),
    'inventory.accounts': () => ({ accounts: [ACCOUNT], fetchedAt: NOON }),
    'inventory.balancers': ({ cursor }) =>
      cursor === undefined
        ? { balancers: balancers.slice(0, 2), next: '2', fetchedAt: NOON }
        : { balancers: balancers.slice(2), fetchedAt: NOON },
    'inventory.parts': ({ resourceId }) => yes({ parts: resourceId === EDGE.id ? PARTS : [] }),
    'inventory.find': ({ text, limit }) => {
      const found = balancers.filter(({ id, name }) => `${name} ${id}`.toLowerCase().includes(text.toLowerCase()));
      return { balancers: found.slice(0, limit), more: found.length > limit };
    },
    'inventory.resolve': ({ resourceId }) => {
      const found = balancers.find(({ id }) => resourceId.startsWith(id));
      return found
        ? yes(
            refOf(
              found,
              PARTS.find(({ id }) => id === resourceId),
            ),
          )
        : no('not-found', 'There is no such resource');
    },
    'inventory.refresh': () => {
      const { inventory } = live.now;
      live.apply({ type: 'inventory', inventory: { ...inventory, refreshing: true } });
      setImmediate(() => live.apply({ type: 'inventory', inventory: { ...inventory, fetchedAt: (inventory.fetchedAt ?? NOON) + 1 } }));
      return {};
    },
    eligibility: () => yes({ roles: [BACKENDS, PROBES] }),
    preview: () => yes(PREVIEW),
    request: () => yes({ requestId: uuid('a') as never }),
    'request.cancel': ({ requestId }) => decided(requestId, 'cancelled'),
    'request.approve': ({ requestId }) => decided(requestId, 'approved'),
    'request.deny': ({ requestId }) => decided(requestId, 'denied'),
    extend: () => yes({ requestId: uuid('a') as never }),
    revoke: accepted,
    'revoke.all': () => ({ revoking: 1, refused: [] }),
    'audit.query': ({ filter, offset, limit }) => {
      const matching = events.filter((event) => filter.kind === undefined || event.kind === filter.kind).reverse();
      return { total: matching.length, events: matching.slice(offset, offset + limit) };
    },
    'audit.chains': (params) => recordOf(events)('audit.chains', params),
    'audit.read': (params) => recordOf(events)('audit.read', params),
    'audit.signed': () => ({ lines: [] }),
    'audit.subtrees': () => ({}),
    'audit.facets': () => ({ people: [], balancers: [], kinds: [] }),
    'sign-in': () => yes({}),
    'sign-in.session': accepted,
    'sign-out': accepted,
    'daemon.stop': () => ({}),
    'daemon.hand-over': accepted,
  };
}
