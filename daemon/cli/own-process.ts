import { DAEMON_FLAGS, daemonEnvironment } from '../../protocol/spawn.ts';
import { runNode } from './run-node.ts';

/** Told by the flags that this very Node was given: `NODE_OPTIONS` adds none to them. */
export const runsAsDaemon = (execArgv: readonly string[]): boolean => DAEMON_FLAGS.every((flag) => execArgv.includes(flag));

type Own = Pick<NodeJS.Process, 'argv' | 'env' | 'execPath' | 'platform' | 'execve'>;

/**
 * What was typed once more, in a Node as a daemon's must be: with its flags, and of the terminal's environment only what is allowed.
 * It takes this process's place, so that signals, terminal and exit status stay those of one process.
 */
export async function startAsDaemon(entryScript: string, { argv, env, execPath, platform, execve }: Own): Promise<number> {
  const args = [...DAEMON_FLAGS, entryScript, ...argv.slice(2)];
  const allowed = daemonEnvironment(env, platform);
  if (platform !== 'win32') execve?.(execPath, [execPath, ...args], allowed);
  // Windows replaces no process: this one waits for the other, and it is this one that prints the JSON document.
  return runNode(
    args.filter((arg) => arg !== '--json'),
    allowed,
  );
}
