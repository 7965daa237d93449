import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** How long a Node takes that has nothing to do, from spawn to exit, in ms. */
export function startOfBareNode(): number {
  const start = performance.now();
  const { status } = spawnSync(process.execPath, ['-e', '0'], { stdio: 'ignore' });
  if (status !== 0) throw new Error('node -e 0 failed');
  return performance.now() - start;
}

/** Runs a Node that only waits until the work is done: the floor of what any daemon on Node keeps in memory. */
export async function withBareNode<T>(work: (pid: number) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000); console.log()'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  try {
    await once(child.stdout, 'data');
    return await work(child.pid ?? 0);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}
