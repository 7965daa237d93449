import { schedule } from 'node-cron';
import { type Cancel, type Clock, type Millis, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { within } from '../within.ts';

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
      within({ clock, limit: sweep.limit, closing: closing.signal, late: () => tooLong(sweep) }, (signal) => sweep.run(signal)).catch(
        (error: unknown) => {
          if (!closing.signal.aborted) trouble(error, `sweep: ${sweep.name}`);
        },
      );
    if (sweep.atStart) void run();
    return at(sweep.when, sweep.name, run);
  });
  return () => {
    for (const cancel of cancels) cancel();
    closing.abort();
  };
}

/** What takes longer than its limit may go on then: it is harmless to do twice. */
const tooLong = ({ name, limit }: Sweep) =>
  new Fault('timed-out', `The sweep ${name} took longer than ${limit / SECOND} s`, { retryable: true });
