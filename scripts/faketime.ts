import { globSync } from 'node:fs';
import { hasApt, installFromApt } from './apt.ts';

/** For programs of many threads, where Debian, Ubuntu and Fedora put it. */
const PLACES = ['/usr/lib/*/faketime/libfaketimeMT.so.1', '/usr/lib*/faketime/libfaketimeMT.so.1'];

/** The library that lies to a process about its clock; undefined when there is none. Linux only. */
export const findFaketime = (): string | undefined => (process.platform === 'linux' ? globSync(PLACES).sort()[0] : undefined);

/**
 * The same, installed from apt when there is none and this is root on Debian.
 * @returns What was found, or why there is nothing: tests with a moved clock run on Linux only.
 * @throws Error that says what is missing and how to get it.
 */
export function ensureFaketime(log: (line: string) => void): string {
  if (process.platform !== 'linux') return 'no libfaketime outside Linux: tests with a moved clock are skipped';
  const found = findFaketime();
  if (found) return found;
  installFromApt('libfaketime', log);
  const installed = findFaketime();
  if (installed) return installed;
  throw new Error(missingFaketime());
}

export const missingFaketime = (): string =>
  [
    'The tests with a moved clock need libfaketime, and it was not found.',
    hasApt() ? 'Install it as root: apt-get install libfaketime' : 'Install the package libfaketime or faketime of your system',
  ].join('\n  ');
