import { spawn } from 'node:child_process';

/** Runs this Node once more in the foreground. Ctrl-C reaches it by itself: same terminal, same group. */
export function runNode(args: readonly string[], env?: Record<string, string>): Promise<number> {
  const ignore = () => {};
  process.on('SIGINT', ignore);
  const child = spawn(process.execPath, args, { stdio: 'inherit', ...(env && { env }) });
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 0 : 1)));
  }).finally(() => process.off('SIGINT', ignore));
}
