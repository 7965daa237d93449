import { bootClock } from './boot-clock.ts';

/** Milliseconds since the Unix epoch, by the wall clock. */
export type Instant = number;
/** A length of time in milliseconds. Never seconds, never minutes. */
export type Millis = number;

export const SECOND: Millis = 1_000;
export const MINUTE: Millis = 60 * SECOND;
export const HOUR: Millis = 60 * MINUTE;

/** Undoes what returned it. Calling it twice is harmless. */
export type Cancel = () => void;

/**
 * The only way to read the time or to wait. Injected everywhere, so that a test moves time instead of sleeping.
 * `after` may fire late (sleep, load) but never early, and takes at most `LONGEST_TIMER`.
 */
export interface Clock {
  /** Wall clock. It jumps when somebody sets it. */
  now(): Instant;
  /** Time since boot, sleep included. It never goes back, and means nothing after a restart of the machine. */
  boot(): Millis;
  after(delay: Millis, run: () => void): Cancel;
}

/** Node's timers overflow above 2^31 - 1 ms and then fire at once: deadlines are data, timers are short. */
export const LONGEST_TIMER: Millis = 24 * HOUR;

interface Host {
  Date: { now(): number };
  performance: { now(): number };
  setTimeout(run: () => void, delay: number): unknown;
  clearTimeout(timer: unknown): void;
}

/**
 * The real clock of this process.
 * @param boot Milliseconds since boot, sleep included. On Linux and Windows `os.uptime() * 1000`.
 */
export function systemClock(boot: () => Millis): Clock {
  const host = globalThis as unknown as Host;
  return {
    now: () => host.Date.now(),
    boot: bootClock({ read: boot, wall: () => host.Date.now(), monotonic: () => host.performance.now() }),
    after(delay, run) {
      if (!(delay <= LONGEST_TIMER)) throw new RangeError(`A timer takes at most ${LONGEST_TIMER} ms, not ${delay}`);
      const timer = host.setTimeout(run, Math.max(0, delay));
      return () => host.clearTimeout(timer);
    },
  };
}

/**
 * Names this start of the machine, during which the boot clock means something. Undefined where the system does not say.
 * @param readText Throws when there is no such file.
 */
export function bootId(readText: (file: string) => string): string | undefined {
  try {
    return readText('/proc/sys/kernel/random/boot_id').trim();
  } catch {
    return undefined;
  }
}

/** Resolves after `delay`; rejects with the signal's reason when that comes first. */
export function sleep(clock: Clock, delay: Millis, signal?: AbortSignalLike): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const cancel = clock.after(delay, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The part of AbortSignal that is used here; `protocol/` knows neither Node nor the DOM. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
