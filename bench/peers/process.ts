import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { runnable } from '../../scripts/runnable.ts';

/** Where a program lies; undefined when this machine does not have it. */
export function programFile(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin'];
  return folders.map((folder) => path.join(folder, name)).find(runnable);
}

/**
 * Runs a peer for as long as the work takes, then ends exactly that process.
 * @param ready Asked until it resolves to true, for ten seconds at most.
 */
export async function withPeer<T>(
  file: string,
  args: readonly string[],
  ready: () => Promise<boolean>,
  work: () => Promise<T>,
): Promise<T> {
  const child = spawn(file, args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    const limit = performance.now() + 10_000;
    while (!(await ready().catch(() => false))) {
      if (child.exitCode !== null || performance.now() > limit) throw new Error(`${file} did not start`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return await work();
  } finally {
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(hard);
  }
}
