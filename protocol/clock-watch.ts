import { type Cancel, type Clock, type Millis, SECOND } from './clock.ts';

const EVERY = SECOND;
/** Clocks that differ by no more are taken for one: a length of time between two readings may be wrong by this. */
export const IMPRECISION: Millis = 2 * SECOND;

/** Both clocks at one moment. */
export interface Readings {
  wall: number;
  boot: Millis;
}

export const readClocks = (clock: Clock): Readings => ({ wall: clock.now(), boot: clock.boot() });

/**
 * How far the wall clock was set between two readings: it has moved otherwise than the boot clock, which counts sleep and
 * cannot be set. 0 for what is no more than imprecision; negative when it was set back. After a restart of the machine
 * the boot clock has begun anew, so that it is nearly always far from 0.
 */
export function jump(before: Readings, after: Readings): Millis {
  const by = after.wall - before.wall - (after.boot - before.boot);
  return Math.abs(by) > IMPRECISION ? by : 0;
}

/** Looks each second whether somebody set the wall clock. @param onJump How far; negative when it was set back. */
export function watchClock(clock: Clock, onJump: (by: Millis) => void): Cancel {
  let last = readClocks(clock);
  let cancel: Cancel = () => {};
  const tick = () => {
    const by = jump(last, readClocks(clock));
    last = readClocks(clock);
    cancel = clock.after(EVERY, tick);
    if (by !== 0) onJump(by);
  };
  cancel = clock.after(EVERY, tick);
  return () => cancel();
}

export const jumpWords = (by: Millis): string =>
  `The wall clock was set ${by > 0 ? 'forward' : 'back'} by ${Math.round(Math.abs(by) / SECOND)} s`;
