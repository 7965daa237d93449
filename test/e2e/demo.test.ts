import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { processesOf } from '../../scripts/host/processes.ts';
import { ROOT } from '../../scripts/root.ts';
import { until } from '../support/until.ts';

test('the demo says in three lines what to open and what to try, and Ctrl-C leaves nothing behind', async (t) => {
  const demo = spawn(process.execPath, ['scripts/demo.ts', '--browser'], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid } = demo;
  assert.ok(pid);
  t.after(() => demo.exitCode === null && process.kill(-pid, 'SIGKILL'));
  let said = '';
  demo.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until('the demo to be ready', () => /Ctrl-C/.test(said) || demo.exitCode !== null, 120_000, 200);
  const lines = said.split('\n').filter((line) => /^ {2}(Open|Try) /.test(line));
  assert.equal(lines.length, 3, said);
  const addresses = [...said.matchAll(/http:\/\/127\.0\.0\.1:\d+\/\S+/g)].map(([address]) => address);
  assert.equal(addresses.length, 2);
  for (const address of addresses) assert.equal((await fetch(address)).status, 200);

  const [, folder = ''] = /folder=([^&]+?)%2F[^%]+%2F[^%]+$/.exec(addresses[0] ?? '') ?? [];
  const place = decodeURIComponent(folder);
  assert.ok(path.isAbsolute(place) && existsSync(place), place);
  assert.ok(processesOf(place).length > 0);
  const ended = once(demo, 'exit');
  // As a terminal does it: to everything in the foreground at once.
  process.kill(-pid, 'SIGINT');
  await ended;
  assert.equal(demo.exitCode, 0);
  assert.deepEqual(processesOf(place), []);
  assert.ok(!existsSync(place));
});
