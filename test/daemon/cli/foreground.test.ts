import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { runsAsDaemon, startAsDaemon } from '../../../daemon/cli/own-process.ts';
import { isAlive, readEntry } from '../../../daemon/door/entry-file.ts';
import { DAEMON_EXIT, DAEMON_FLAGS } from '../../../protocol/spawn.ts';
import { type Home, makeLonelyHome, through } from '../../faults/door/real-daemon.ts';
import { PORTCULLIS } from '../../support/built.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

const onUnix = { skip: process.platform === 'win32' && 'needs signals', timeout: 60_000 };

interface Typed {
  child: ChildProcess;
  /** Both streams, as they came. */
  said(): string;
  out(): string;
  ended: Promise<number | null>;
}

/** `portcullis daemon` as a person types it: no flags, and whatever their terminal has. */
function typed(t: TestContext, home: Home, env: Record<string, string> = {}, argv = ['daemon']): Typed {
  const child = spawn(process.execPath, [PORTCULLIS, ...argv], { env: { ...home.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let out = '';
  child.stdout.on('data', (data) => {
    out += String(data);
  });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      said += String(data);
    });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, said: () => said, out: () => out, ended };
}

const entryOf = (home: Home) => until('the entry file', () => readEntry(home.places.entryFile, process.geteuid?.(), isAlive), 30_000);

const isOpen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

const inspectors = (said: string) => [...said.matchAll(/Debugger listening on ws:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));

test('typed in a terminal that asks Node for an inspector and for code: neither is in the daemon', onUnix, async (t) => {
  const home = makeLonelyHome(t);
  const [evil, loaded] = [path.join(home.home, 'evil.cjs'), path.join(home.home, 'loaded')];
  writeFileSync(evil, `require('node:fs').appendFileSync(${JSON.stringify(loaded)}, JSON.stringify(process.execArgv) + '\\n');`);
  const { child, said, ended } = typed(t, home, {
    NODE_OPTIONS: `--inspect=127.0.0.1:0 --require=${evil}`,
    NODE_V8_COVERAGE: home.home,
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    HTTPS_PROXY: 'http://127.0.0.1:9',
    AZURE_AUTHORITY_HOST: 'https://localhost:9',
    LD_PRELOAD: '/nonexistent/evil.so',
  });
  const entry = await entryOf(home);
  assert.equal(entry.pid, child.pid, "one process, whose signals and status are the daemon's");
  assert.equal(readFileSync(loaded, 'utf8'), '[]\n', 'only the Node that the terminal started obeyed it, before there was any secret');
  child.kill('SIGUSR1');
  await wait(1_000);
  assert.ok(isAlive(entry.pid));
  const ports = inspectors(said());
  assert.equal(ports.length, 1, 'this test can tell the difference');
  for (const port of ports) assert.equal(await isOpen(port), false);
  if (process.platform === 'linux') {
    const environ = readFileSync(`/proc/${entry.pid}/environ`, 'latin1');
    assert.doesNotMatch(environ, /NODE_|HTTPS_PROXY|AUTHORITY_HOST|LD_PRELOAD/);
    const threads = readdirSync(`/proc/${entry.pid}/task`).map((id) => readFileSync(`/proc/${entry.pid}/task/${id}/comm`, 'utf8').trim());
    assert.ok(!threads.some((name) => /inspector/i.test(name)), threads.join());
  }
  (await through(entry, 'terminal', () => {})).close();
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  assert.ok(!existsSync(home.places.entryFile));
  assert.ok(!existsSync(entry.socket));
  assert.match(said(), /The Portcullis daemon runs: process \d+, door /);
});

test('typed in a terminal: its exit statuses and its words are those of the daemon', { timeout: 60_000 }, async (t) => {
  const home = makeLonelyHome(t);
  const first = typed(t, home);
  await entryOf(home);
  const second = typed(t, home, {}, ['daemon', '--json']);
  assert.equal(await second.ended, DAEMON_EXIT.alreadyRunning);
  assert.match(second.said(), /runs already: process \d+/);
  assert.equal(second.out(), '{\n  "status": 6\n}\n');
  first.child.kill('SIGINT');
  assert.equal(await first.ended, process.platform === 'win32' ? null : 0);
  home.enrol({ central: { url: 'http://c.test', signIn: 'browser' } });
  const third = typed(t, home);
  assert.equal(await third.ended, DAEMON_EXIT.badEnrolment);
  assert.match(third.said(), /central\.url must start with https/);
});

test("a Node counts as a daemon's own with all of its flags, and with no fewer", () => {
  assert.ok(runsAsDaemon(['--max-old-space-size=100', ...DAEMON_FLAGS]));
  for (const flag of DAEMON_FLAGS) assert.ok(!runsAsDaemon(DAEMON_FLAGS.filter((other) => other !== flag)), flag);
});

test('where a process cannot be replaced, the other one has the flags, the environment and the last word', async (t) => {
  const script = path.join(scratch(t), 'script.mjs');
  const right = `process.execArgv.join() === ${JSON.stringify(DAEMON_FLAGS.join())} && !process.env.NODE_OPTIONS && process.argv[2] === 'daemon'`;
  writeFileSync(script, `process.exit(${right} ? 6 : 1)`);
  const { execPath } = process;
  const env = { PATH: '/bin', NODE_OPTIONS: '--inspect=127.0.0.1:0' };
  assert.equal(await startAsDaemon(script, { argv: ['', '', 'daemon'], env, execPath, platform: 'win32' }), 6);
});
