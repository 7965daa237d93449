import { MINUTE, type Millis, SECOND } from './clock.ts';

export const LONGEST_BACKOFF: Millis = MINUTE;

/**
 * How long to wait before another try: doubling from one second, jittered so that many who wait do not come together,
 * never above a minute.
 * @param tries How many have failed so far: 1, 2, 3…
 * @param random From 0 to 1.
 */
export function backoff(tries: number, random: number): Millis {
  const full = Math.min(LONGEST_BACKOFF, SECOND * 2 ** Math.min(tries - 1, 10));
  return Math.round(full * (0.5 + random / 2));
}
