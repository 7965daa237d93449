import type { Cancel, Clock } from '../protocol/clock.ts';
import { type Change, type DaemonState, type Numbered, reduce, type Snapshot } from '../protocol/state.ts';

/** The one truth of this daemon: changes go in, are numbered, and come out to every client in the same turn. */
export class LiveState {
  readonly #clock: Clock;
  readonly #listeners = new Set<(numbered: Numbered) => void>();
  #state: DaemonState;
  #last: Numbered | undefined;

  constructor(clock: Clock, state: DaemonState) {
    this.#clock = clock;
    this.#state = state;
  }

  get now(): DaemonState {
    return this.#state;
  }

  /** The last change, for a client that has to find out that it missed some. */
  get last(): Numbered | undefined {
    return this.#last;
  }

  apply(change: Change): void {
    this.#state = reduce(this.#state, change);
    const numbered = { seq: (this.#last?.seq ?? 0) + 1, at: this.#clock.now(), change };
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
