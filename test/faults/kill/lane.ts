import { setTimeout as wait } from 'node:timers/promises';
import { MINUTE, type Millis, SECOND } from '../../../protocol/clock.ts';
import type { ResourceId } from '../../../protocol/ids.ts';
import type { Weather } from './weather.ts';

/** When a process is killed: so long after its start, after it answered, or after one of its next writes reached the cloud. */
export interface Moment {
  after: 'start' | 'answer' | 'write';
  /** Which one, when it is a write. */
  nth: number;
  wait: Millis;
}

/** A process that cannot be killed at a write that it does not make dies anyway, when it has answered everything or after this. */
const NO_WRITE: Millis = 15 * SECOND;

export function someMoment(random: () => number): Moment {
  const kind = random();
  const nth = 1 + Math.floor(random() * 4);
  if (kind < 0.35) return { after: 'start', nth, wait: random() * 600 };
  if (kind < 0.45) return { after: 'answer', nth, wait: random() * 1_500 };
  return { after: 'write', nth, wait: random() ** 2 * 300 };
}

/** Resolves at a moment that comes after the process answered. @param calls All that is asked of it in this life. */
export async function momentAfterAnswer(
  { after, nth, wait: length }: Moment,
  { weather, scopes, calls }: { weather: Weather; scopes: ReadonlySet<string>; calls: Promise<unknown> },
): Promise<void> {
  if (after === 'write') {
    const limit = new AbortController();
    let forget = () => {};
    const wrote = new Promise<void>((resolve) => {
      let left = nth;
      forget = weather.onWrite(({ scope }) => scopes.has(scope) && --left === 0 && resolve());
    });
    await Promise.race([wrote, calls, wait(NO_WRITE, undefined, { signal: limit.signal }).catch(() => undefined)]);
    limit.abort();
    forget();
  }
  await wait(length);
}

/** Short: ended by the deadline, if nobody kills whoever watches it. Long: only when somebody ends it. */
export type Length = 'short' | 'long';
export const DURATION: Record<Length, Millis> = { short: MINUTE, long: 20 * MINUTE };

export function someOf<T>(all: readonly T[], random: () => number): T {
  const one = all[Math.floor(random() * all.length)];
  if (one === undefined) throw new Error('There is nothing to choose from');
  return one;
}

/** What a lane counts. */
export interface Tally {
  starts: number;
  kills: number;
  /** Asked for, and of these: answered with a yes before the process died. */
  asked: number;
  answered: number;
  revokes: number;
  /** Events of the records that were verified in the end. */
  events: number;
}

export const freshTally = (): Tally => ({ starts: 0, kills: 0, asked: 0, answered: 0, revokes: 0, events: 0 });

/** Processes with stores of their own, that are killed and started again for as long as there are kills. */
export interface Lane {
  readonly name: string;
  /** Only this lane writes here. In lower case, as the cloud has them. */
  readonly scopes: ReadonlySet<string>;
  /**
   * One life: starts, asks for power, dies at the moment.
   * @returns Whether the one that asks the cloud has died.
   * @throws Error when it does not start.
   */
  live(moment: Moment, length: () => Length): Promise<{ sender: boolean }>;
  /** The last life: ends what is held, waits for the cloud, stops as an operator would. @returns What is wrong with store or record. */
  settle(empty: () => Promise<void>): Promise<string[]>;
  /** Ends whatever runs. */
  close(): Promise<void>;
}

export const scopeOfResource = (id: ResourceId): string => id.slice('azure:'.length);
