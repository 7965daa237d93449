import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { endProcessesOf } from '../../scripts/host/processes.ts';
import { SETTINGS } from '../../scripts/host/server.ts';
import { runnable } from '../../scripts/runnable.ts';
import type { Desk } from './desk.ts';

const run = promisify(execFile);

/** The desktop editor's command on the PATH. */
export function findDesktop(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string | undefined {
  const name = platform === 'win32' ? 'code.cmd' : 'code';
  return (env['PATH'] ?? '')
    .split(path.delimiter)
    .filter(Boolean)
    .map((folder) => path.join(folder, name))
    .find(runnable);
}

/**
 * Opens a window of desktop VS Code with folders of its own, so that the person's own editor is not touched.
 * @param own The environment of the person's real session.
 * @returns What closes it: ends the processes that were started for this desk.
 */
export async function openDesktop(
  code: string,
  desk: Pick<Desk, 'folder' | 'workspace' | 'env'>,
  vsix: string,
  own: NodeJS.ProcessEnv = process.env,
): Promise<() => Promise<void>> {
  const place = ['--user-data-dir', path.join(desk.folder, 'ud'), '--extensions-dir', path.join(desk.folder, 'ext')];
  const settings = path.join(desk.folder, 'ud/User');
  mkdirSync(settings, { recursive: true });
  writeFileSync(path.join(settings, 'settings.json'), JSON.stringify(SETTINGS, null, 2));
  const options = { env: { ...desk.env, ...display(own) }, shell: process.platform === 'win32' };
  await run(code, [...place, '--install-extension', vsix], options);
  await run(code, [...place, '--new-window', '--disable-workspace-trust', desk.workspace], options);

  return async () => void (await endProcessesOf(path.join(desk.folder, 'ud')));
}

/** The screen belongs to the person's real session, which another home and run folder would hide. */
function display(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const [wayland, runtime] = [env['WAYLAND_DISPLAY'], env['XDG_RUNTIME_DIR']];
  return {
    XAUTHORITY: env['XAUTHORITY'] ?? `${env['HOME']}/.Xauthority`,
    ...(wayland && runtime ? { WAYLAND_DISPLAY: path.resolve(runtime, wayland) } : {}),
  };
}
