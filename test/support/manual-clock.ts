import type { Cancel, Clock, Instant, Millis } from '../../protocol/clock.ts';

interface Timer {
  at: Millis;
  run: () => void;
}

/** A clock that stands still until a test moves it. Timers run on the monotonic part, as Node's do. */
export class ManualClock implements Clock {
  #wall: Instant;
  #boot: Millis;
  /** Node's timers stop while the machine sleeps; the boot clock does not. */
  #awake: Millis = 0;
  readonly #timers = new Set<Timer>();

  constructor(start: Instant = Date.UTC(2026, 10, 23, 9, 0, 0), boot: Millis = 3_600_000) {
    this.#wall = start;
    this.#boot = boot;
  }

  now(): Instant {
    return this.#wall;
  }

  boot(): Millis {
    return this.#boot;
  }

  after(delay: Millis, run: () => void): Cancel {
    if (!(delay < 2 ** 31)) throw new RangeError(`Node would fire a timer of ${delay} ms at once`);
    const timer = { at: this.#awake + Math.max(0, delay), run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  get armed(): number {
    return this.#timers.size;
  }

  /** Time passes with the machine awake: timers run in order, and promises settle between them. */
  async advance(by: Millis): Promise<void> {
    const end = this.#awake + by;
    for (;;) {
      await settle();
      const next = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#pass(next.at - this.#awake);
      this.#timers.delete(next);
      next.run();
    }
    this.#pass(end - this.#awake);
    await settle();
  }

  /** The lid is closed: wall and boot clock go on, timers do not. */
  suspend(by: Millis): void {
    this.#wall += by;
    this.#boot += by;
  }

  /** Somebody sets the wall clock. */
  setWall(by: Millis): void {
    this.#wall += by;
  }

  /** The machine is started again: its boot clock begins anew. */
  reboot(): void {
    this.#boot = 0;
  }

  #pass(by: Millis): void {
    this.#wall += by;
    this.#boot += by;
    this.#awake += by;
  }
}

const TURNS = 10;

/** Lets everything that is ready run: promise jobs and one turn of the event loop, several times. */
export const settle = (): Promise<void> => turns(TURNS);

/** So many turns of the event loop. */
export function turns(count: number): Promise<void> {
  // One promise for all turns: in a test each promise is tracked until it is collected, which costs more than the turn.
  return new Promise((resolve) => {
    let left = count;
    const turn = (): void => {
      if (left > 0) setImmediate(turn);
      else resolve();
      left -= 1;
    };
    turn();
  });
}
