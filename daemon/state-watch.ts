import type { Cancel, Clock } from '../protocol/clock.ts';
import { SECOND } from '../protocol/clock.ts';

const LOOKS_EVERY = 5 * SECOND;

/**
 * Notices that the folder of this daemon's state is not there any more: what it writes is lost, and no client can find it.
 * @param onVanished Called once.
 */
export function watchState(clock: Clock, stands: () => boolean, onVanished: () => void): Cancel {
  let cancel: Cancel = () => {};
  const look = () => {
    if (stands()) cancel = clock.after(LOOKS_EVERY, look);
    else onVanished();
  };
  cancel = clock.after(LOOKS_EVERY, look);
  return () => cancel();
}
