import { spawn } from 'node:child_process';
import { Fault } from '../protocol/fault.ts';
import type { Places } from '../protocol/places.ts';
import { DAEMON_FLAGS, daemonEnvironment } from '../protocol/spawn.ts';
import { privateFolder } from './door/folder.ts';
import { nonce } from './door/secrets.ts';

export interface StartOptions {
  /** Absolute path of the bundle, or of the command line's main file in the sources. */
  entryScript: string;
  /** Absolute path of a Node. */
  node: string;
  /** What to rebuild the daemon's environment from. */
  env: Record<string, string | undefined>;
  places: Pick<Places, 'runDir'>;
}

/**
 * Starts a daemon and leaves it: detached, in `/`, with nothing of ours but an allowed environment and a new secret on
 * descriptor 3. Whoever wants to reach it waits for its entry file; a second daemon gives way by itself.
 * @throws Fault `not-supported-here` when the process cannot be started.
 */
export async function startDaemon({ entryScript, node, env, places }: StartOptions): Promise<void> {
  privateFolder(places.runDir, process.geteuid?.());
  const child = spawn(node, [...DAEMON_FLAGS, entryScript, 'daemon', '--detached'], {
    cwd: '/',
    env: daemonEnvironment(env, process.platform),
    detached: true,
    shell: false,
    windowsHide: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const secret = child.stdio[3];
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(
        new Fault('not-supported-here', `The daemon cannot be started with ${node}`, { cause, wayOut: 'Check that this Node exists.' }),
      ),
    );
  });
  if (secret && 'end' in secret) {
    // A daemon that gave way at once has closed it: that is no failure of ours.
    secret.on('error', () => {});
    await new Promise<void>((resolve) => secret.end(nonce(), () => resolve()));
    // Nothing comes back, and an open descriptor would keep whoever starts a daemon from ending.
    secret.destroy();
  }
  child.unref();
}
