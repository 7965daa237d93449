import type { Millis } from '../../../protocol/clock.ts';

const TICK: Millis = 100;
/** What is longer than this was no busy moment: the machine, or this process, did not run. */
const NOTICED: Millis = 500;

/**
 * When this process did not run though it wanted to, as on a virtual machine that is moved: nobody can be blamed for what is late by
 * that. Instants are those of `performance.now()`.
 */
export class Standstill {
  readonly #timer: NodeJS.Timeout;
  readonly #gaps: { until: number; length: Millis }[] = [];
  #last = performance.now();

  constructor() {
    this.#timer = setInterval(() => this.#look(), TICK);
    this.#timer.unref();
  }

  /** How long it stood still after that instant, up to now. */
  since(from: number): Millis {
    this.#look();
    return this.#gaps.reduce((sum, { until, length }) => sum + Math.max(0, Math.min(length, until - from)), 0);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    const length = now - this.#last;
    if (length > NOTICED) this.#gaps.push({ until: now, length });
    this.#last = now;
  }
}
