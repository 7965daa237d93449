import type { Clock, Millis } from '../../protocol/clock.ts';
import { SECOND } from '../../protocol/clock.ts';

/** A bucket of tokens: `burst` at once, `perSecond` in the long run. It runs on the boot clock, which nobody can set back. */
export class Pace {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: Millis;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = clock.boot();
  }

  /** 0 when one may pass now (and it is counted); otherwise how long until one may. */
  take(): Millis {
    const now = this.#clock.boot();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / SECOND) * this.#perSecond);
    this.#at = now;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.ceil(((1 - this.#tokens) / this.#perSecond) * SECOND);
  }
}
