import { type Clock, type Instant, MINUTE } from '../protocol/clock.ts';
import { element } from './element.ts';

/** Tells screen readers what changed without being asked. What changes all the time is told at most once a minute. */
export class Announcer {
  readonly element = element('div', { class: 'spoken', role: 'status' });
  readonly #clock: Clock;
  #last: Instant = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  say(text: string): void {
    if (this.element.textContent !== text) this.element.textContent = text;
  }

  sometimes(text: string): void {
    if (this.#clock.boot() - this.#last < MINUTE) return;
    this.#last = this.#clock.boot();
    this.say(text);
  }
}
