import { setTimeout as wait } from 'node:timers/promises';

/** Polls until `ready` gives something other than undefined or false; fails with `what` after `limit` ms. For real processes only. */
export async function until<T>(
  what: string,
  ready: () => T | Promise<T>,
  limit = 15_000,
  every = 20,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + limit;
  for (;;) {
    const value = await ready();
    if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
    if (performance.now() > end) throw new Error(`Waited ${limit} ms for ${what}`);
    await wait(every);
  }
}
