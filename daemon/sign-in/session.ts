import type { Clock, Instant } from '../../protocol/clock.ts';

/** VS Code's own Microsoft session, handed over by the extension. In memory only, and only as long as it is valid. */
export class HandedOverSession {
  readonly #clock: Clock;
  #session: { token: string; expiresAt: Instant } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get current(): { token: string; expiresAt: Instant } | undefined {
    if (this.#session && this.#session.expiresAt <= this.#clock.now()) this.#session = undefined;
    return this.#session;
  }

  set(session: { token: string; expiresAt: Instant } | undefined): void {
    this.#session = session;
  }
}
