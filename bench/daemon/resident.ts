import { execFileSync } from 'node:child_process';

export const MIB = 1_024 * 1_024;

/** What a process keeps in memory now, in bytes. */
export function residentBytes(pid: number): number {
  const kib = Number(execFileSync('ps', ['-o', 'rss=', '-p', `${pid}`], { encoding: 'utf8' }));
  if (!(kib > 0)) throw new Error(`Process ${pid} has no memory that can be read`);
  return kib * 1_024;
}
