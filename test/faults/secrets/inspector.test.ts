import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { isAlive, readEntry } from '../../../daemon/door/entry-file.ts';
import { startDaemon } from '../../../extension/daemon/start.ts';
import { PORTCULLIS } from '../../support/built.ts';
import { until } from '../../support/until.ts';
import { type Home, makeLonelyHome, through } from '../door/real-daemon.ts';
import { hits, needlesOf, startOf } from './scan.ts';

const onUnix = { skip: process.platform !== 'linux' && 'needs signals and /proc', timeout: 60_000 };

/** Started by the extension's own code, out of an environment that asks Node for everything that opens a process. */
async function started(home: Home, hostile: Record<string, string>): Promise<{ pid: number; secret: string }> {
  await startDaemon({
    node: process.execPath,
    script: PORTCULLIS,
    stateDir: home.places.stateDir,
    env: { ...home.env, ...hostile },
    platform: process.platform,
  });
  const entry = await until('the entry file', () => readEntry(home.places.entryFile, process.geteuid?.(), isAlive), 30_000);
  return entry;
}

/** Files that Node writes about a process: reports, heap snapshots, profiles, traces. */
const dumpsIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(heapsnapshot|heapprofile|cpuprofile)$|report\..*\.json$|node_trace|isolate-.*\.log$/.test(name),
  );

test('an environment that asks for an inspector, heap snapshots, reports or injected code changes nothing', onUnix, async (t) => {
  const home = makeLonelyHome(t);
  const options = [
    '--inspect=127.0.0.1:0',
    '--heapsnapshot-signal=SIGUSR2',
    '--report-on-signal',
    '--report-uncaught-exception',
    `--diagnostic-dir=${home.home}`,
    '--cpu-prof',
    `--require=${path.join(home.home, 'evil.cjs')}`,
  ].join(' ');
  const { pid, secret } = await started(home, {
    NODE_OPTIONS: options,
    NODE_REPORT_DIRECTORY: home.home,
    NODE_V8_COVERAGE: home.home,
    NODE_DEBUG: 'http,net',
    NODE_INSPECT_RESUME_ON_START: '1',
    LD_PRELOAD: '/nonexistent/evil.so',
    SSLKEYLOGFILE: path.join(home.home, 'keys'),
  });
  const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
  assert.doesNotMatch(environ, /NODE_|LD_PRELOAD|SSLKEYLOGFILE/);
  assert.deepEqual(hits(startOf(pid), needlesOf(secret)), [], 'the secret of the door is in no argument and no variable');

  // Each opens the inspector of a Node that does not forbid it.
  process.kill(pid, 'SIGUSR1');
  (process as unknown as { _debugProcess(pid: number): void })._debugProcess(pid);
  await wait(1_000);
  assert.ok(isAlive(pid));
  assert.doesNotMatch(readFileSync(path.join(home.places.stateDir, 'start.log'), 'utf8'), /Debugger listening/);
  const threads = readdirSync(`/proc/${pid}/task`).map((id) => readFileSync(`/proc/${pid}/task/${id}/comm`, 'utf8').trim());
  assert.ok(!threads.some((name) => /SignalInspector|inspector/i.test(name)), threads.join());
  const entry = readEntry(home.places.entryFile, process.geteuid?.(), isAlive);
  assert.ok(entry);
  const client = await through(entry, 'terminal', () => {});
  await client.call('daemon.stop', {});
  await until('its end', () => !isAlive(pid));
  assert.deepEqual(dumpsIn(home.home), []);
  assert.ok(!existsSync(path.join(home.home, 'keys')));
});

test('the same signal opens the inspector of a Node that is started without these flags', onUnix, async (t) => {
  const child = spawn(process.execPath, ['--inspect-port=0', '-e', 'console.log(1); setInterval(() => {}, 1_000)'], { env: {} });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (data) => {
    said += String(data);
  });
  await once(child.stdout, 'data');
  child.kill('SIGUSR1');
  await until('the inspector', () => said.includes('Debugger listening'));
});

test('SIGUSR2 makes no heap snapshot and no report: nothing in the daemon listens to it', onUnix, async (t) => {
  const home = makeLonelyHome(t);
  const { pid } = await started(home, { NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${home.home}` });
  const caught = BigInt(`0x${/^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]}`);
  const listens = (signal: number) => (caught & (1n << BigInt(signal - 1))) !== 0n;
  assert.equal(listens(15), true, 'this test can tell the difference');
  assert.equal(listens(10), false, 'SIGUSR1');
  assert.equal(listens(12), false, 'SIGUSR2');
  process.kill(pid, 'SIGUSR2');
  await until('its end', () => !isAlive(pid));
  assert.deepEqual(dumpsIn(home.home), []);
});
