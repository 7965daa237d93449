import { spawn } from 'node:child_process';

/** Runs a script of the sources in the foreground, with this Node. Ctrl-C reaches it by itself: same terminal, same group. */
export function runScript(script: string): Promise<number> {
  const ignore = () => {};
  process.on('SIGINT', ignore);
  const child = spawn(process.execPath, [script], { stdio: 'inherit' });
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 0 : 1)));
  }).finally(() => process.off('SIGINT', ignore));
}
