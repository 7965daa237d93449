import type { Cancel, Clock, Millis } from '../protocol/clock.ts';
import { SECOND } from '../protocol/clock.ts';

const EVERY = SECOND;
const TOLERANCE = 2 * SECOND;

/**
 * Notices that somebody set the wall clock: it has moved otherwise than the boot clock, which counts sleep and cannot be set.
 * @param onJump How far the wall clock jumped; negative when it was set back.
 */
export function watchClock(clock: Clock, onJump: (by: Millis) => void): Cancel {
  let [wall, boot] = [clock.now(), clock.boot()];
  let cancel: Cancel = () => {};
  const tick = () => {
    const by = clock.now() - wall - (clock.boot() - boot);
    [wall, boot] = [clock.now(), clock.boot()];
    cancel = clock.after(EVERY, tick);
    if (Math.abs(by) > TOLERANCE) onJump(by);
  };
  cancel = clock.after(EVERY, tick);
  return () => cancel();
}
