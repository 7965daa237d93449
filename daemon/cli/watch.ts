import type { Client } from '../../protocol/client.ts';
import type { Cancel, Clock, Millis } from '../../protocol/clock.ts';
import type { DaemonState } from '../../protocol/state.ts';

export type Seen<T> = { end: 'seen'; value: T } | { end: 'late' } | { end: 'interrupted' } | { end: 'closed'; why: string };

export interface Patience {
  clock: Clock;
  /** Absent: for as long as it takes. */
  within?: Millis | undefined;
  /** Ctrl-C ends the waiting and nothing else. */
  onInterrupt?: ((listener: () => void) => Cancel) | undefined;
}

/** Looks at the state now and after each change, until there is something to see. */
export function watch<T>(client: Client, look: (state: DaemonState) => T | undefined, patience: Patience): Promise<Seen<T>> {
  return new Promise((resolve, reject) => {
    const cancels: Cancel[] = [];
    const end = (seen: Seen<T>) => {
      for (const cancel of cancels.splice(0)) cancel();
      resolve(seen);
    };
    const tryNow = () => {
      try {
        const value = look(client.state);
        if (value !== undefined) end({ end: 'seen', value });
      } catch (error) {
        for (const cancel of cancels.splice(0)) cancel();
        reject(error);
      }
    };
    cancels.push(client.onChange(tryNow));
    cancels.push(client.onClose((why) => end({ end: 'closed', why })));
    if (patience.within !== undefined) cancels.push(patience.clock.after(patience.within, () => end({ end: 'late' })));
    if (patience.onInterrupt) cancels.push(patience.onInterrupt(() => end({ end: 'interrupted' })));
    tryNow();
  });
}
