import { type Millis, SECOND } from '../protocol/clock.ts';

/** How long until the next harmless check: quick at first, because most rights arrive and leave within seconds. */
export function checkAgain(checks: number): Millis {
  return Math.round(Math.min(15 * SECOND, 250 * 1.5 ** Math.min(checks, 20)));
}
