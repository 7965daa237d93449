import { schedule } from 'node-cron';
import { type Cancel, type Clock, type Millis, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';

/** Something that is gone through now and then, beside what has an instant of its own. */
export interface Sweep {
  name: string;
  /** When, as cron says it. */
  when: string;
  /** It is told to stop after this: shorter than the time between two. */
  limit: Millis;
  /** Also when central starts. */
  atStart?: boolean;
  run(signal: AbortSignal): Promise<void>;
}

/** Runs something at the times that the words of cron say, never twice at once. */
export type Schedule = (when: string, name: string, run: () => Promise<void>) => Cancel;

/** Also for the minutes that cron did not wake for: a machine that slept, a clock that was set. */
export const cron: Schedule = (when, name, run) => {
  const task = schedule(when, run, { name, noOverlap: true, suppressMissedWarning: true });
  task.on('execution:missed', run);
  return () => void task.destroy();
};

/** One sweep that fails or hangs never keeps the others from running, nor itself from the next time. */
export function startSweeps(
  sweeps: readonly Sweep[],
  { clock, schedule: at, trouble }: { clock: Clock; schedule: Schedule; trouble: (error: unknown, what: string) => void },
): Cancel {
  const closing = new AbortController();
  const cancels = sweeps.map((sweep) => {
    const run = () =>
      within(sweep, clock, closing.signal).catch((error: unknown) => {
        if (!closing.signal.aborted) trouble(error, `sweep: ${sweep.name}`);
      });
    if (sweep.atStart) void run();
    return at(sweep.when, sweep.name, run);
  });
  return () => {
    for (const cancel of cancels) cancel();
    closing.abort();
  };
}

/** @throws Fault `timed-out` when it takes longer than its limit, though it may go on then: what it does is harmless to do twice. */
function within({ name, limit, run }: Sweep, clock: Clock, closing: AbortSignal): Promise<void> {
  const late = new AbortController();
  const signal = AbortSignal.any([late.signal, closing]);
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limit, () =>
      late.abort(new Fault('timed-out', `The sweep ${name} took longer than ${limit / SECOND} s`, { retryable: true })),
    );
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    run(signal)
      .then(resolve, reject)
      .finally(() => {
        cancel();
        signal.removeEventListener('abort', stop);
      });
  });
}
