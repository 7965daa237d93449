import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Door } from '../../daemon/door/door.ts';
import type { Handlers } from '../../daemon/door/methods.ts';
import { hmac } from '../../daemon/door/secrets.ts';
import { listen } from '../../daemon/door/server.ts';
import { LiveState } from '../../daemon/live-state.ts';
import type { Clock } from '../../protocol/clock.ts';
import type { EntryFile } from '../../protocol/door.ts';
import type { Params } from '../../protocol/messages.ts';
import type { Places } from '../../protocol/places.ts';
import type { DaemonState } from '../../protocol/state.ts';

type Hello = Params<'hello'>['client'];

/** The daemon's real door on a real socket with its real entry file; what stands behind it is written by the test. */
export interface ScriptedDaemon {
  readonly live: LiveState;
  readonly entry: EntryFile;
  /** Method and params of each call, hello aside. */
  readonly calls: [string, unknown][];
  /** Who has said hello and is still there. */
  clients(): Hello[];
  /** Gone from one moment to the next, leaving its entry file behind as a killed process does. */
  kill(): Promise<void>;
}

export interface Script {
  clock: Clock;
  places: Pick<Places, 'runDir' | 'entryFile'>;
  state: DaemonState;
  handlers: (live: LiveState) => Handlers;
  entry?: Partial<EntryFile> | undefined;
}

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

export async function scriptedDaemon({ clock, places, state, handlers, entry: more }: Script): Promise<ScriptedDaemon> {
  mkdirSync(places.runDir, { recursive: true, mode: 0o700 });
  const live = new LiveState(clock, state);
  const calls: [string, unknown][] = [];
  let clients: Hello[] = [];
  const entry: EntryFile = {
    schema: 1,
    instance: randomUUID(),
    pid: process.pid,
    socket: path.join(places.runDir, `s-${randomBytes(4).toString('hex')}`),
    secret: randomBytes(32).toString('hex'),
    version: '0.1.0',
    versions: [1],
    startedAt: clock.now(),
    ...more,
  };
  const door = new Door({
    instance: entry.instance,
    prove: (text) => hmac(entry.secret, text),
    live,
    handlers: recorded(handlers(live), calls),
    clock,
    log: quiet,
    onClients: (now) => {
      clients = now;
    },
  });
  const server = await listen(
    entry.socket,
    clock,
    (wire) => door.accept(wire),
    (mask) => process.umask(mask),
  );
  const draft = `${places.entryFile}.${entry.instance}`;
  writeFileSync(draft, JSON.stringify(entry), { mode: 0o600 });
  renameSync(draft, places.entryFile);
  return {
    live,
    entry,
    calls,
    clients: () => clients,
    async kill() {
      // The process of a killed daemon is gone; the test's own is not, so the entry goes instead.
      rmSync(places.entryFile, { force: true });
      await server.close();
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
