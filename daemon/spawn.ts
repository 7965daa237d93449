import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Fault } from '../protocol/fault.ts';
import type { Places } from '../protocol/places.ts';
import { DAEMON_EXIT, DAEMON_FLAGS, daemonEnvironment } from '../protocol/spawn.ts';
import { privateFolder } from './door/folder.ts';
import { nonce } from './door/secrets.ts';

export interface StartOptions {
  /** Absolute path of the bundle, or of the command line's main file in the sources. */
  entryScript: string;
  /** Absolute path of a Node. */
  node: string;
  /** What to rebuild the daemon's environment from. */
  env: Record<string, string | undefined>;
  places: Pick<Places, 'runDir' | 'stateDir'>;
}

export interface Started {
  /** Settled when the process has ended: why it could not stay. Undefined for one that gave way to another, or was told to stop. */
  ended: Promise<Fault | undefined>;
}

/**
 * Starts a daemon and leaves it: detached, in `/`, with nothing of ours but an allowed environment and a new secret on
 * descriptor 3. Whoever wants to reach it waits for its entry file; a second daemon gives way by itself.
 * @throws Fault `not-supported-here` when the process cannot be started.
 */
export async function startDaemon({ entryScript, node, env, places }: StartOptions): Promise<Started> {
  for (const folder of [places.runDir, places.stateDir]) privateFolder(folder, process.geteuid?.());
  // What it says before it can write a log of its own: a file, because a pipe would end with whoever starts it.
  const saidFile = path.join(places.stateDir, 'start.log');
  const said = openSync(saidFile, 'w', 0o600);
  const child = spawn(node, [...DAEMON_FLAGS, entryScript, 'daemon', '--detached'], {
    cwd: '/',
    env: daemonEnvironment(env, process.platform),
    detached: true,
    shell: false,
    windowsHide: true,
    stdio: ['ignore', 'ignore', said, 'pipe'],
  });
  closeSync(said);
  const ended = ending(child, saidFile);
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
  return { ended };
}

function ending(child: ChildProcess, saidFile: string): Promise<Fault | undefined> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      if (code === 0 || code === DAEMON_EXIT.alreadyRunning) return resolve(undefined);
      const problem = lastWords(saidFile) || `The daemon ended with ${signal ?? `status ${code}`}`;
      const kind = code === DAEMON_EXIT.badEnrolment ? 'configuration-invalid' : 'not-supported-here';
      resolve(new Fault(kind, problem, { wayOut: code === DAEMON_EXIT.badEnrolment ? CORRECT : LOOK }));
    });
  });
}

const CORRECT = 'Correct the enrolment file, then try again.';
const LOOK = 'Run "portcullis daemon" to see more.';

/** The last lines, without what would move a terminal's cursor. */
function lastWords(file: string): string {
  try {
    const lines = readFileSync(file, 'utf8')
      .replace(/[^\P{C}\n]/gu, '')
      .trim()
      .split('\n');
    return lines.slice(-3).join(' ').slice(0, 500);
  } catch {
    return '';
  }
}
