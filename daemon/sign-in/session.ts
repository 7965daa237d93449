import type { Clock, Instant } from '../../protocol/clock.ts';
import { SECOND } from '../../protocol/clock.ts';
import { Deadlines } from '../../protocol/deadlines.ts';
import { Secret } from '../secret.ts';

/** VS Code's own Microsoft session, handed over by the extension. In memory only, and only as long as it is valid. */
export class HandedOverSession {
  readonly #clock: Clock;
  readonly #onEnded: () => void;
  readonly #expiry: Deadlines<'session'>;
  #session: { token: Secret; expiresAt: Instant } | undefined;

  /** @param onEnded What libraries were given of it is over, too. */
  constructor(clock: Clock, onEnded: () => void = () => {}) {
    this.#clock = clock;
    this.#onEnded = onEnded;
    this.#expiry = new Deadlines(clock, () => this.end(), SECOND);
  }

  /** The token as a text that is made anew for each use: that is what the cloud's client takes. */
  get current(): { token: string; expiresAt: Instant } | undefined {
    if (this.#session && this.#session.expiresAt <= this.#clock.now()) this.end();
    return this.#session && { token: this.#session.token.text(), expiresAt: this.#session.expiresAt };
  }

  set({ token, expiresAt }: { token: string; expiresAt: Instant }): void {
    this.end();
    this.#session = { token: Secret.ofText(token), expiresAt };
    this.#expiry.set('session', expiresAt);
  }

  /** Wipes it: the person has signed out, it has expired, or this daemon ends. */
  end(): void {
    this.#session?.token.wipe();
    this.#session = undefined;
    this.#expiry.close();
    this.#onEnded();
  }
}
