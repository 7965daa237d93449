import type { Cancel, Clock, Instant } from '../../protocol/clock.ts';
import { LIMITS } from '../../protocol/door.ts';

/** Below the daemon's own limit, so that a person's act always gets through. */
const PER_SECOND = LIMITS.messagesPerSecond - 5;
const SECOND = 1_000;

/** Lets at most `PER_SECOND` runs start in any second; the others wait their turn. */
export class Pace {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #recent: Instant[] = [];
  #cancel: Cancel | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when it is this one's turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#go();
    });
  }

  close(): void {
    this.#cancel?.();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #go(): void {
    const now = this.#clock.boot();
    this.#recent = this.#recent.filter((at) => now - at < SECOND);
    while (this.#waiting.length > 0 && this.#recent.length < PER_SECOND) {
      this.#recent.push(now);
      this.#waiting.shift()?.();
    }
    this.#cancel?.();
    const [oldest] = this.#recent;
    if (this.#waiting.length > 0 && oldest !== undefined) this.#cancel = this.#clock.after(oldest + SECOND - now, () => this.#go());
  }
}
