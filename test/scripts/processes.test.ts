import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { endProcessesOf, processesOf } from '../../scripts/host/processes.ts';
import { scratch } from '../support/scratch.ts';

async function started(t: TestContext, code: string, folder: string): Promise<number | undefined> {
  const child = spawn(process.execPath, ['-e', `${code};setInterval(() => {}, 1e6);console.log('up')`], {
    detached: true,
    env: { HOME: folder },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child.pid;
}

test('a process of the folder is found and ended, others are left alone', async (t) => {
  const [mine, other] = [scratch(t), scratch(t)];
  const [pid, stays] = [await started(t, '', mine), await started(t, '', other)];
  assert.deepEqual(
    processesOf(mine).map((found) => found.pid),
    [pid],
  );
  assert.deepEqual(await endProcessesOf(mine), []);
  assert.deepEqual(processesOf(mine), []);
  assert.deepEqual(
    processesOf(other).map((found) => found.pid),
    [stays],
  );
});

test('one that will not go is killed, and told of', async (t) => {
  const folder = scratch(t);
  const pid = await started(t, "process.on('SIGTERM', () => {})", folder);
  const killed = await endProcessesOf(folder, 300);
  assert.deepEqual(
    killed.map((process) => process.pid),
    [pid],
  );
});

test('one that another starts on its way out is ended too', async (t) => {
  const folder = scratch(t);
  const late = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { detached: true, stdio: 'ignore' }).unref()`;
  await started(t, `process.on('SIGTERM', () => { ${late}; process.exit() })`, folder);
  assert.deepEqual(await endProcessesOf(folder, 5_000), []);
  assert.deepEqual(processesOf(folder), []);
});
