import type { Millis } from './clock.ts';

/** A reading is gone on from for no longer than this: two clocks that run apart unseen do so by nothing that matters meanwhile. */
export const GOES_ON: Millis = 50;
/** The wall clock shows whole milliseconds. */
const APART: Millis = 2;

export interface BootParts {
  /** The system's own reading, sleep included. It may cost a file, and show hundredths of a second only. */
  read(): Millis;
  wall(): Millis;
  /** Stands still while the machine sleeps. */
  monotonic(): Millis;
}

/**
 * The boot clock, read from the system when something may have happened, and gone on from by the monotonic clock in between: what
 * falls due by the thousand asks for the time by the ten thousand. A machine that slept, or whose wall clock was set, is one on
 * which wall and monotonic clock have run apart: then it is read anew. It never goes back.
 */
export function bootClock({ read, wall, monotonic }: BootParts): () => Millis {
  let last: { wall: Millis; monotonic: Millis } | undefined;
  /** By how much the boot clock is ahead of the monotonic one: what all sleep amounts to. */
  let ahead = 0;
  let shown = Number.NEGATIVE_INFINITY;
  return () => {
    const now = { wall: wall(), monotonic: monotonic() };
    const passed = last ? now.monotonic - last.monotonic : 0;
    const together = last !== undefined && Math.abs(now.wall - last.wall - passed) <= APART;
    if (!together || passed >= GOES_ON) {
      const seen = read() - now.monotonic;
      // Readings are cut off: of those without a sleep in between the highest is the nearest.
      ahead = together ? Math.max(ahead, seen) : seen;
      last = now;
    }
    shown = Math.max(shown, now.monotonic + ahead);
    return shown;
  };
}
