import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Every process that a harness has started and that still runs. */
const running = new Set<ChildProcess>();
let watched = false;

/** Makes a process end with this one, also when this one is told to stop by whoever limits its time. */
export function tie(child: ChildProcess): ChildProcess {
  if (!watched) {
    watched = true;
    process.once('exit', () => {
      for (const one of running) one.kill('SIGKILL');
    });
    process.once('SIGTERM', () => process.exit(143));
  }
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

export const spawnTied = (command: string, args: readonly string[], options: SpawnOptions): ChildProcess =>
  tie(spawn(command, args, options));

export const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** Resolves when it is gone. */
export async function endWith(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
