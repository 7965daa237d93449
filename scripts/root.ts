import path from 'node:path';

/** The folder of package.json. */
export const ROOT = path.resolve(import.meta.dirname, '..');

/** Gives the milliseconds since it was made. */
export function stopwatch(): () => number {
  const start = performance.now();
  return () => performance.now() - start;
}

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
