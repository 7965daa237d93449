import { type Clock, type Millis, SECOND } from '../../protocol/clock.ts';

const LIMIT: Millis = 3 * SECOND;

/** Asks for what only makes an answer clearer: soon, or not at all. It must not make the answer itself late. */
export async function aside<T>(clock: Clock, ask: (signal: AbortSignal) => Promise<T>, otherwise: T): Promise<T> {
  const late = new AbortController();
  const { promise, resolve } = Promise.withResolvers<T>();
  const cancel = clock.after(LIMIT, () => {
    resolve(otherwise);
    late.abort();
  });
  const asked = ask(late.signal).catch(() => otherwise);
  return Promise.race([asked, promise]).finally(cancel);
}
