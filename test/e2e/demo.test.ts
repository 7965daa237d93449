import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { processesOf } from '../../scripts/host/processes.ts';
import { ROOT } from '../../scripts/root.ts';
import { fakeCode } from '../support/fake-code.ts';
import { scratchHome } from '../support/scratch.ts';
import { until } from '../support/until.ts';

interface Demo {
  process: ChildProcess & { pid: number };
  /** Its three lines. */
  lines: string[];
}

/** Starts the demo, and waits until it has said what to do. */
async function begun(t: TestContext, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<Demo> {
  const demo = spawn(process.execPath, ['scripts/demo.ts', ...args], {
    cwd: ROOT,
    detached: true,
    env,
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
  return { process: Object.assign(demo, { pid }), lines };
}

/** Ctrl-C. @param place Where it had put everything. */
async function interrupted({ process: demo }: Demo, place: string): Promise<void> {
  assert.ok(path.isAbsolute(place) && existsSync(place), place);
  assert.ok(processesOf(place).length > 0);
  const ended = once(demo, 'exit');
  // As a terminal does it: to everything in the foreground at once.
  process.kill(-demo.pid, 'SIGINT');
  await ended;
  assert.equal(demo.exitCode, 0);
  assert.deepEqual(processesOf(place), []);
  assert.ok(!existsSync(place));
}

test('the demo says in three lines what to open and what to try, and Ctrl-C leaves nothing behind', async (t) => {
  const demo = await begun(t, ['--browser']);
  const addresses = [...demo.lines.join('\n').matchAll(/http:\/\/127\.0\.0\.1:\d+\/\S+/g)].map(([address]) => address);
  assert.equal(addresses.length, 2);
  for (const address of addresses) assert.equal((await fetch(address)).status, 200);
  const [, folder = ''] = /folder=([^&]+?)%2F[^%]+%2F[^%]+$/.exec(addresses[0] ?? '') ?? [];
  await interrupted(demo, decodeURIComponent(folder));
});

test('with --desktop both windows are those of the `code` on the PATH, and Ctrl-C closes them', async (t) => {
  const code = fakeCode(scratchHome(t));
  const demo = await begun(t, ['--desktop'], { ...process.env, PATH: `${code.bin}${path.delimiter}${process.env['PATH']}` });
  for (const name of ['Alice', 'Ben'])
    assert.ok(
      demo.lines.some((line) => line.endsWith(`in the VS Code window of the folder ${name}`)),
      demo.lines.join('\n'),
    );
  const opened = code.calls().flatMap(({ args }) => (args.includes('--new-window') ? [args.at(-1) ?? ''] : []));
  assert.deepEqual(
    opened.map((workspace) => path.basename(workspace)),
    ['Alice', 'Ben'],
  );
  assert.ok(opened.every(existsSync), opened.join());
  await interrupted(demo, path.resolve(opened[0] ?? '', '../..'));
});
