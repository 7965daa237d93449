import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Whether this is a Debian whose packages apt knows. */
export const hasApt = (): boolean => existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');

/** Installs one package when this is root on Debian; otherwise does nothing. @throws Error when apt fails. */
export function installFromApt(name: string, log: (line: string) => void): void {
  if (!hasApt() || process.getuid?.() !== 0) return;
  log(`Installing ${name} from apt…`);
  const run = (...args: string[]) =>
    execFileSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  run('update', '-qq');
  run('install', '-y', '-qq', '--no-install-recommends', name);
}
