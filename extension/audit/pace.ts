import type { Clock, Millis } from '../../protocol/clock.ts';

/** The door allows 20 messages a second to all of this editor's parts together; the panel keeps to less. */
const BURST = 5;
const EVERY: Millis = 80;

/**
 * Lets calls through one after another: some at once, then one each 80 ms.
 * The order is kept.
 */
export function createPace(clock: Clock): () => Promise<void> {
  /** Boot time up to which all turns are taken. */
  let taken = Number.NEGATIVE_INFINITY;
  return () => {
    const now = clock.boot();
    taken = Math.max(taken, now - BURST * EVERY) + EVERY;
    const wait = taken - now;
    return wait <= 0 ? Promise.resolve() : new Promise((resolve) => clock.after(wait, resolve));
  };
}
