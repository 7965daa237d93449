import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { processesOf } from '../../scripts/host/processes.ts';
import { findDesktop, openDesktop } from '../e2e/desktop.ts';
import { fakeCode } from '../support/fake-code.ts';
import { scratchHome } from '../support/scratch.ts';

test('finds the first `code` on the PATH that can be run', (t) => {
  const folder = scratchHome(t);
  const { bin, command } = fakeCode(folder);
  const text = path.join(folder, 'text');
  mkdirSync(text);
  writeFileSync(path.join(text, 'code'), 'a note', { mode: 0o644 });
  const PATH = ['', '/nowhere', text, bin].join(path.delimiter);
  assert.equal(findDesktop({ PATH }, 'linux'), command);
  assert.equal(findDesktop({ PATH: text }, 'linux'), undefined);
  assert.equal(findDesktop({}, 'linux'), undefined);
});

test('a window has folders of its own, the extension, and the screen of the person', async (t) => {
  const folder = scratchHome(t);
  const code = fakeCode(folder);
  const desk = {
    folder: path.join(folder, 'alice'),
    workspace: path.join(folder, 'alice/Alice'),
    env: { HOME: path.join(folder, 'alice/home'), XDG_RUNTIME_DIR: path.join(folder, 'alice/run'), DISPLAY: ':7' },
  };
  const own = { HOME: '/home/me', XDG_RUNTIME_DIR: '/run/user/1000', WAYLAND_DISPLAY: 'wayland-0' };
  const close = await openDesktop(code.command, desk, '/somewhere/portcullis.vsix', own);
  const [ud, ext] = [path.join(desk.folder, 'ud'), path.join(desk.folder, 'ext')];
  // Another person's window, which is not this one's to close.
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { env: { HOME: `${folder}/ben/ud` }, stdio: 'ignore' });
  t.after(() => other.kill('SIGKILL'));
  await once(other, 'spawn');

  const place = ['--user-data-dir', ud, '--extensions-dir', ext];
  assert.deepEqual(
    code.calls().map(({ args }) => args),
    [
      [...place, '--install-extension', '/somewhere/portcullis.vsix'],
      [...place, '--new-window', '--disable-workspace-trust', desk.workspace],
    ],
  );
  const screen = { XAUTHORITY: '/home/me/.Xauthority', WAYLAND_DISPLAY: '/run/user/1000/wayland-0' };
  for (const { env } of code.calls()) assert.deepEqual(env, { ...desk.env, ...screen });
  const settings = JSON.parse(readFileSync(path.join(ud, 'User/settings.json'), 'utf8')) as Record<string, unknown>;
  assert.equal(settings['workbench.startupEditor'], 'none');

  assert.equal(processesOf(ud).length, 1);
  await close();
  assert.deepEqual(processesOf(ud), []);
  assert.deepEqual(
    processesOf(`${folder}/ben`).map(({ pid }) => pid),
    [other.pid],
  );
});
