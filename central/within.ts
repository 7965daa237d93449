import type { Clock, Millis } from '../protocol/clock.ts';
import type { Fault } from '../protocol/fault.ts';

export interface Limit {
  clock: Clock;
  limit: Millis;
  /** Ends it before that. */
  closing: AbortSignal;
  /** What it is rejected with when it takes longer. */
  late: () => Fault;
}

/** Work that ignores its signal is left behind, so that nothing waits for it: it may still go on then. */
export function within<T>({ clock, limit, closing, late }: Limit, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limiting = new AbortController();
  const signal = AbortSignal.any([limiting.signal, closing]);
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(limit, () => limiting.abort(late()));
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    work(signal)
      .then(resolve, reject)
      .finally(() => {
        cancel();
        signal.removeEventListener('abort', stop);
      });
  });
}
