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
  const { signal } = limiting;
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(limit, () => limiting.abort(late()));
    // `AbortSignal.any` would have `closing` remember each of these until garbage is collected, and that takes the longer for it.
    const close = () => limiting.abort(closing.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    closing.addEventListener('abort', close, { once: true });
    if (closing.aborted) close();
    work(signal)
      .then(resolve, reject)
      .finally(() => {
        cancel();
        closing.removeEventListener('abort', close);
      });
  });
}
