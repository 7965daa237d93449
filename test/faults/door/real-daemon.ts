import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { openWire } from '../../../daemon/cli/wire.ts';
import { isAlive, readEntry } from '../../../daemon/door/entry-file.ts';
import { hmac, nonce, same } from '../../../daemon/door/secrets.ts';
import { type Client, connect, type Wire } from '../../../protocol/client.ts';
import { systemClock } from '../../../protocol/clock.ts';
import type { EntryFile } from '../../../protocol/door.ts';
import { type Places, places } from '../../../protocol/places.ts';
import { DAEMON_FLAGS, daemonEnvironment } from '../../../protocol/spawn.ts';
import { azProfile, writeAz } from '../../clouds/azure/az.ts';
import { makeEstate, PEOPLE } from '../../clouds/azure/estate.ts';
import { type AzureCloud, type AzureOptions, startAzure } from '../../clouds/azure/start.ts';
import { PORTCULLIS } from '../../support/built.ts';
import { scratchHome } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

export const clock = systemClock(() => os.uptime() * 1_000);

/** What a harness needs of its runner: a test, or the long run. */
export type After = Pick<TestContext, 'after'>;

/** One person's machine: a home of their own, an `az` in it, and an enrolment file. */
export interface Home {
  home: string;
  places: Places;
  env: Record<string, string>;
  /** Writes its enrolment file anew. */
  enrol(enrolment: object): void;
}

/** @param prepare Puts an `az` into the folder. */
export function makeHome(t: After, enrolment: object, prepare: (bin: string) => void): Home {
  const home = scratchHome(t);
  const bin = path.join(home, 'bin');
  mkdirSync(bin);
  prepare(bin);
  const where = places({ platform: process.platform, home });
  mkdirSync(path.dirname(where.enrolmentFile), { recursive: true, mode: 0o700 });
  const enrol = (what: object) => writeFileSync(where.enrolmentFile, JSON.stringify(what), { mode: 0o600 });
  enrol(enrolment);
  return { home, places: where, enrol, env: { HOME: home, PATH: `${bin}:/usr/bin:/bin`, LANG: 'C.UTF-8' } };
}

/** What the enrolment file says about a simulated Azure. */
export const azureTargets = ({ endpoint, authorityHost, caFile, tenantId }: AzureCloud) => ({
  resourceManagerEndpoint: endpoint,
  authorityHost,
  caFile,
  tenantId,
  propagationMinutes: 0.1,
  shortestHoldMinutes: 0.05,
});

/** A machine where nobody is signed in, and whose Azure is never there. */
export const makeLonelyHome = (t: After): Home =>
  makeHome(t, { azure: { resourceManagerEndpoint: 'https://localhost:9', authorityHost: 'https://localhost:9' } }, (bin) =>
    writeFileSync(path.join(bin, 'az'), '#!/bin/sh\necho "Please run \'az login\'" >&2\nexit 1\n', { mode: 0o755 }),
  );

export interface RealDaemon extends Home {
  child: ChildProcess;
  pid: number;
  entry: EntryFile;
  /** What it has printed. */
  said(): string;
  /** Its log, line by line. */
  log(): { level: string; msg: string; [field: string]: unknown }[];
  /** Through its door, as a client of ours comes. @param tapped Told of every message that the door sends. */
  client(kind?: 'editor' | 'terminal', tapped?: (text: string) => void): Promise<Client>;
  /** Settled when it has ended, with its exit status. */
  ended: Promise<number | null>;
}

/** As it is started for a person, and ended with the test. */
export function spawnDaemon(t: After, home: Pick<Home, 'env'>): { child: ChildProcess; ended: Promise<number | null>; said: () => string } {
  const child = spawn(process.execPath, [...DAEMON_FLAGS, PORTCULLIS, 'daemon'], {
    env: daemonEnvironment(home.env, process.platform),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data) => {
    said += String(data);
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, said: () => said };
}

/** A daemon that is not expected to stay: how it ended, and what it said. */
export async function runOnce(t: After, home: Home): Promise<{ status: number | null; said: string }> {
  const { ended, said } = spawnDaemon(t, home);
  return { status: await ended, said: said() };
}

/** The real daemon in a process of its own, with the flags and the environment that it always has. */
export async function startDaemonOf(t: After, home: Home): Promise<RealDaemon> {
  const { child, ended, said } = spawnDaemon(t, home);
  const entry = await until('the entry file', () => {
    if (child.exitCode !== null) throw new Error(`The daemon ended with ${child.exitCode}: ${said()}`);
    const found = readEntry(home.places.entryFile, process.geteuid?.(), isAlive);
    return found?.pid === child.pid ? found : undefined;
  });
  return {
    ...home,
    child,
    pid: entry.pid,
    entry,
    ended,
    said,
    log: () => linesOf(home.places.logFile),
    client: (kind = 'terminal', tapped = () => {}) => through(entry, kind, tapped),
  };
}

const linesOf = (file: string): ReturnType<RealDaemon['log']> =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReturnType<RealDaemon['log']>[number]);

export async function through(entry: EntryFile, kind: 'editor' | 'terminal', tapped: (text: string) => void): Promise<Client> {
  const wire = await openWire(entry.socket, clock);
  if (!wire) throw new Error('Nobody listens at the door');
  const tappedWire: Wire = {
    ...wire,
    onText: (listener) =>
      wire.onText((text) => {
        tapped(text);
        listener(text);
      }),
  };
  return connect({ wire: tappedWire, entry, clock, hmac, same, nonce, client: { name: 'test', version: '1', kind } });
}

/** A daemon of Alice's who is signed in to a simulated Azure with her Azure CLI, and sees its load balancers. */
export async function startAlice(
  t: After,
  options: Pick<AzureOptions, 'timing' | 'canary'> = {},
): Promise<{ azure: AzureCloud; daemon: RealDaemon }> {
  const azure = await startAzure({ clock, estate: makeEstate({ balancers: 24 }), ...options });
  t.after(() => azure.close());
  const home = makeHome(t, { azure: azureTargets(azure) }, (bin) => writeAz(bin, azProfile(azure, PEOPLE.alice.oid)));
  const daemon = await startDaemonOf(t, home);
  const client = await daemon.client();
  await until('the inventory', () => client.state.inventory.fetchedAt !== undefined, 30_000);
  client.close();
  return { azure, daemon };
}
