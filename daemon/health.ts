import type { Clock, Instant } from '../protocol/clock.ts';
import { HOUR, MINUTE } from '../protocol/clock.ts';
import { Deadlines } from '../protocol/deadlines.ts';
import type { Change } from '../protocol/state.ts';
import type { Authority } from './authority.ts';
import type { Journal } from './journal/journal.ts';
import type { LiveState } from './live-state.ts';

export interface HealthParts {
  clock: Clock;
  live: LiveState;
  journal: Pick<Journal, 'unhealthy' | 'setAside'>;
  authorities: readonly Pick<Authority, 'resumed' | 'recovered'>[];
  /** Why central's record cannot be believed. */
  forked(): string | undefined;
}

export const NOT_READ = 'The journal of this machine cannot be read yet';

/** Nothing is granted for longer than a day: what a damaged journal held has ended by itself then. */
const LONGEST = 24 * HOUR;

/** Tells clients whether a durable record is possible, and whether it is known what this machine held before. */
export class Health {
  readonly #parts: HealthParts;
  readonly #due: Deadlines<'known again'>;

  constructor(parts: HealthParts) {
    this.#parts = parts;
    this.#due = new Deadlines(parts.clock, () => this.tell(), MINUTE);
  }

  /** Whenever the journal, or contact with central, has changed. */
  tell(): void {
    const { live, journal, forked } = this.#parts;
    const [unhealthy, heldUnknown] = [journal.unhealthy ?? forked(), this.#heldUnknown()];
    const { now } = live;
    if (now.unhealthy === unhealthy && now.heldUnknown === heldUnknown) return;
    const change: Change = { type: 'health' };
    if (unhealthy !== undefined) change.unhealthy = unhealthy;
    if (heldUnknown !== undefined) change.heldUnknown = heldUnknown;
    live.apply(change);
  }

  stop(): void {
    this.#due.close();
  }

  #heldUnknown(): string | undefined {
    const { authorities, journal, clock } = this.#parts;
    if (!authorities.every(({ resumed }) => resumed)) return NOT_READ;
    const { setAside } = journal;
    if (!setAside) return undefined;
    const until: Instant = setAside.at + LONGEST;
    if (clock.now() >= until) return undefined;
    if (authorities.every(({ recovered }) => recovered)) return undefined;
    this.#due.set('known again', until);
    return 'The journal of this machine was damaged and is set aside. What it held is being looked for, and ends by itself within a day';
  }
}
