import type { Instant } from '../../../protocol/clock.ts';

export interface Logged {
  at: Instant;
  method: string;
  /** Path and query as sent. */
  url: string;
  /** Undefined when nobody could be recognised. */
  oid?: string | undefined;
  /** Undefined when the connection was dropped instead of an answer. */
  status?: number | undefined;
}

const KEPT = 20_000;

/** What was called and what was answered, newest last. */
export class Calls {
  #all: Logged[] = [];

  add(call: Logged): void {
    this.#all.push(call);
    if (this.#all.length > KEPT) this.#all = this.#all.slice(-KEPT / 2);
  }

  all(): readonly Logged[] {
    return this.#all;
  }

  matching(method: string, url: RegExp): Logged[] {
    return this.#all.filter((call) => call.method === method && url.test(call.url));
  }

  clear(): void {
    this.#all = [];
  }
}
