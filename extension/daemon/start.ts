import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { DAEMON_EXIT, DAEMON_FLAGS, daemonEnvironment } from '../../protocol/spawn.ts';

export interface DaemonProgram {
  /** Absolute path of Node, or of the editor's binary that can be one. */
  node: string;
  /** Absolute path of `portcullis.mjs` inside the extension. */
  script: string;
  stateDir: string;
  env: Record<string, string | undefined>;
  platform: string;
}

/** Settled when the process has gone. Another daemon that was first is no failure. */
export type Ended = { ok: true } | { ok: false; problem: string; wayOut?: string | undefined };

const SAID_AT_MOST = 4_096;

/**
 * Starts a daemon of its own, independent of this editor: fixed program, fixed flags, rebuilt environment, no shell.
 * @returns A promise of how it ended; it stays open while the daemon runs.
 * @throws What the file system says, when it cannot be started at all.
 */
export async function startDaemon(program: DaemonProgram): Promise<{ ended: Promise<Ended> }> {
  // What it says before it can write a log of its own: a file, because a pipe would end with this editor.
  await mkdir(program.stateDir, { recursive: true, mode: 0o700 });
  const said = await open(path.join(program.stateDir, 'start.log'), 'w+', 0o600);
  const child = spawn(program.node, [...DAEMON_FLAGS, program.script, 'daemon', '--detached'], {
    cwd: path.parse(program.script).root,
    env: daemonEnvironment(program.env, program.platform),
    stdio: ['ignore', 'ignore', said.fd, 'pipe'],
    detached: true,
    windowsHide: true,
    shell: false,
  });
  child.unref();
  const secret = child.stdio[3];
  if (secret && 'end' in secret) {
    // A daemon that ends before it reads its secret is reported by its exit, not by the broken pipe.
    secret.on('error', () => {});
    secret.end(randomBytes(32).toString('hex'));
  }
  return { ended: ending(child, said) };
}

function ending(child: ChildProcess, said: FileHandle): Promise<Ended> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      void said.close();
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const problem = missing ? `There is no program at ${child.spawnfile}` : `The daemon could not be started: ${error.message}`;
      resolve({ ok: false, problem, wayOut: CHECK_NODE });
    });
    child.once('exit', (code, signal) => {
      void lastWords(said).then((words) => resolve(judge(code, signal, words)));
    });
  });
}

const CHECK_NODE = 'Check the setting portcullis.daemon.node.';

function judge(code: number | null, signal: string | null, words: string): Ended {
  if (code === 0 || code === DAEMON_EXIT.alreadyRunning) return { ok: true };
  const problem = words || `The daemon ended with ${signal ?? `status ${code}`}`;
  if (code === DAEMON_EXIT.badEnrolment) return { ok: false, problem, wayOut: 'Correct the enrolment file, then start the daemon.' };
  if (code === DAEMON_EXIT.cannotRunHere)
    return { ok: false, problem, wayOut: 'Name Node.js 24 or later in the setting portcullis.daemon.node.' };
  return { ok: false, problem };
}

async function lastWords(said: FileHandle): Promise<string> {
  try {
    const { bytesRead, buffer } = await said.read(Buffer.alloc(SAID_AT_MOST), 0, SAID_AT_MOST, 0);
    return printable(buffer.toString('utf8', 0, bytesRead));
  } finally {
    await said.close();
  }
}

/** The last lines, without what would move a terminal's or a screen's cursor. */
const printable = (text: string): string =>
  text
    .replace(/[^\P{C}\n]/gu, '')
    .trim()
    .split('\n')
    .slice(-3)
    .join(' ')
    .slice(0, 500);
