import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { buildTarget } from '../../../scripts/build.ts';
import { longRecord } from '../../support/long-record.ts';
import { scratch, scratchHome } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

/** `EXPORT_EVENTS=1000000` measures the promise itself; a multiple of 4,000. */
const MANY = Number(process.env['EXPORT_EVENTS'] ?? 100_000);
const FEW = 20_000;
/** What an export may need beside what the same program needs to say how things stand, in KiB. */
const MOST = 100 * 1_024;
/** By so much two runs of the same program differ; held, the events that many has more would be several times that. */
const NOISE = 24 * 1_024;

/** The most memory that a process has had at a time, in KiB, as the kernel counts it; 0 for one that is gone. */
function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

interface Ran {
  status: number | null;
  err: string;
  peak: number;
}

/** Somebody's machine with a record of so many events, and the command line that is shipped. */
function machine(t: TestContext, program: string, events: number) {
  const home = scratchHome(t);
  const [config, state, bin] = [path.join(home, '.config/portcullis'), path.join(home, '.local/state/portcullis'), path.join(home, 'bin')];
  for (const folder of [config, state, bin]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const nowhere = { azure: { resourceManagerEndpoint: 'https://localhost:9', authorityHost: 'https://localhost:9' } };
  writeFileSync(path.join(config, 'enrolment.json'), JSON.stringify(nowhere), { mode: 0o600 });
  writeFileSync(path.join(bin, 'az'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  longRecord(path.join(state, 'journal.db'), events);
  const env = { HOME: home, PATH: `${bin}:${path.dirname(process.execPath)}:/usr/bin:/bin`, LANG: 'C.UTF-8', TZ: 'UTC' };
  const run = (argv: readonly string[], begun: (child: ChildProcess) => void = () => {}) =>
    new Promise<Ran>((resolve, reject) => {
      const child = spawn(program, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] });
      begun(child);
      let [err, peak] = ['', 0];
      const look = setInterval(() => {
        peak = Math.max(peak, peakOf(child.pid));
      }, 20);
      child.stderr.on('data', (data) => {
        err += String(data);
      });
      child.once('error', reject);
      child.once('close', (status) => {
        clearInterval(look);
        resolve({ status, err, peak });
      });
    });
  const daemon = () => peakOf(JSON.parse(readFileSync(path.join(state, 'run/daemon.json'), 'utf8')).pid);
  return { home, run, daemon };
}

/** Ctrl-C in the middle. */
async function breakOff(run: ReturnType<typeof machine>['run'], home: string): Promise<void> {
  const file = path.join(home, 'broken-off.jsonl');
  const partOf = () => readdirSync(home).filter((name) => name.startsWith('broken-off'));
  const ran = await run(['audit', 'export', '--out', file], async (child) => {
    await until('a part of it is written', () => partOf().length > 0, 30_000);
    child.kill('SIGINT');
  });
  assert.equal(ran.status, 130, ran.err);
  assert.deepEqual(partOf(), []);
}

async function linesIn(file: string): Promise<number> {
  let lines = 0;
  for await (const _ of createInterface({ input: createReadStream(file) })) lines += 1;
  return lines;
}

test('exporting a long record needs no more memory than a short one, and less than 100 MiB in command line and daemon', {
  timeout: 1_800_000,
  skip: process.platform !== 'linux' && 'the kernel counts peaks in /proc',
}, async (t) => {
  const dist = scratch(t);
  await buildTarget('portcullis', dist);
  const program = path.join(dist, 'portcullis.mjs');
  const needed: { idle: number; cli: number; daemon: number }[] = [];
  for (const events of [FEW, MANY]) {
    const { home, run, daemon } = machine(t, program, events);
    // A daemon looks its whole journal over before it answers: with gigabytes that is longer than a command waits.
    const idle = await until(
      'the daemon answers',
      async () => {
        const ran = await run(['status']);
        return ran.status === 0 && ran;
      },
      600_000,
    );
    const before = daemon();
    const file = path.join(home, 'record.jsonl');
    const exported = await run(['audit', 'export', '--out', file]);
    assert.equal(exported.status, 0, exported.err);
    // The daemon has recorded something of its own, too.
    assert.ok((await linesIn(file)) > events);
    needed.push({ idle: idle.peak, cli: exported.peak - idle.peak, daemon: daemon() - before });
    if (events === MANY) await breakOff(run, home);
    await run(['daemon', '--stop']);
  }
  t.diagnostic(`${FEW} and ${MANY} events, KiB: ${JSON.stringify(needed)}`);
  const [few, many] = needed;
  assert.ok(few && many);
  assert.ok(many.cli < MOST, `the command line needed ${many.cli} KiB more than idle`);
  assert.ok(many.daemon < MOST, `the daemon needed ${many.daemon} KiB more than before`);
  // The daemon runs with the nursery that V8 likes, which grows to 64 MiB and stays.
  assert.ok(many.cli < few.cli + NOISE, `the command line needed ${few.cli} KiB for few events and ${many.cli} for many`);
});
