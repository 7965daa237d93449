/** What every contestant is asked: so many leases, due at random within a window. Milliseconds. */
export interface Plan {
  count: number;
  window: number;
}

/** How late each lease's end was, in milliseconds; negative: before it was due. `missing`: never seen to end. */
export interface Lateness {
  late: number[];
  missing: number;
}

/** Instants within the window, by chance, in no order. Whole milliseconds, as our own deadlines are. */
export const instants = ({ count, window }: Plan, from: number): number[] =>
  Array.from({ length: count }, () => from + Math.floor(Math.random() * window));

/** The wall clock with its fractions of a millisecond, in step with `Date.now()`, which cuts them off. */
export function fineClock(): () => number {
  // No pair of readings can put the origin too late, and the best of many puts it right: being interrupted between them only makes it worse.
  let origin = Number.NEGATIVE_INFINITY;
  for (const end = performance.now() + 20; performance.now() < end; ) origin = Math.max(origin, Date.now() - performance.now());
  return () => origin + performance.now();
}

/** Lets a process settle before the first lease is due: no garbage of the preparation falls into the window. */
export const LEAD = 1_000;

export const sweepGarbage = (): void => (globalThis as { gc?: () => void }).gc?.();
