import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';

/** Where a program lies; undefined when this machine does not have it. */
export function programFile(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin'];
  return folders
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** A port on loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No free port on loopback');
  return address.port;
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
