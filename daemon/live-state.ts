import type { Cancel, Clock } from '../protocol/clock.ts';
import { fitted, misfit } from '../protocol/fit.ts';
import { Change, type DaemonState, type Numbered, reduce, type Snapshot } from '../protocol/state.ts';
import type { Log } from './log.ts';

/** The one truth of this daemon: changes go in, are numbered, and come out to every client in the same turn. */
export class LiveState {
  readonly #clock: Clock;
  readonly #log: Pick<Log, 'warn' | 'error'> | undefined;
  readonly #listeners = new Set<(numbered: Numbered) => void>();
  #state: DaemonState;
  #last: Numbered | undefined;

  constructor(clock: Clock, state: DaemonState, log?: Pick<Log, 'warn' | 'error'>) {
    this.#clock = clock;
    this.#state = state;
    this.#log = log;
  }

  get now(): DaemonState {
    return this.#state;
  }

  /** The last change, for a client that has to find out that it missed some. */
  get last(): Numbered | undefined {
    return this.#last;
  }

  /** What clients would refuse does not become state: one such value would keep every one of them out for as long as it stands. */
  apply(change: Change): void {
    const told = fitted(Change, change);
    if (told !== change)
      this.#log?.[told ? 'warn' : 'error']('change does not fit', { method: change.type, problem: misfit(Change, change) });
    if (!told) return;
    this.#state = reduce(this.#state, told);
    const numbered = { seq: (this.#last?.seq ?? 0) + 1, at: this.#clock.now(), change: told };
    this.#last = numbered;
    for (const listener of this.#listeners) listener(numbered);
  }

  snapshot(): Snapshot {
    return { seq: this.#last?.seq ?? 0, state: this.#state };
  }

  onChange(listener: (numbered: Numbered) => void): Cancel {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
