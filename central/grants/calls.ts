import type { Granting, Order } from '../../cloud/provider.ts';
import { type Clock, type Millis, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { Problem } from '../../protocol/model.ts';
import type { GrantEvent, GrantLife } from './life.ts';

export type Call = 'bind' | 'prolong' | 'unbind' | 'look';

/** At most so many calls at once: a cloud that hangs holds no more than these. */
const AT_ONCE = 64;
/** How long to wait for one call. Well below the longest life of a request. */
export const CALL_TIMEOUT: Millis = 60 * SECOND;

/** Calls the cloud with the granting identity and turns every outcome, also none at all, into an event. Never throws. */
export class CloudCalls {
  readonly #granting: Granting;
  readonly #clock: Clock;
  readonly #timeout: Millis;
  readonly #closing = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(granting: Granting, clock: Clock, timeout: Millis) {
    this.#granting = granting;
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /** The event for the grant, or undefined when central is closing: what is not known then is asked at the next start. */
  async make(call: Call, life: GrantLife, followed: GrantLife | undefined): Promise<GrantEvent | undefined> {
    await this.#turn();
    try {
      if (this.#closing.signal.aborted) return undefined;
      return await this.#within((signal) => this.#ask(call, life, followed, signal));
    } catch (error) {
      if (this.#closing.signal.aborted) return undefined;
      const problem = problemOf(error);
      return { type: call === 'unbind' ? 'unbind failed' : call === 'look' ? 'look failed' : 'bind failed', problem };
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  close(): void {
    this.#closing.abort(new Fault('timed-out', 'central is stopping'));
  }

  async #ask(call: Call, life: GrantLife, followed: GrantLife | undefined, signal: AbortSignal): Promise<GrantEvent> {
    const order = orderOf(life);
    switch (call) {
      case 'bind':
        return { type: 'bound', bound: await this.#granting.bind(order, signal) };
      case 'prolong':
        // A grant that has gone in the meantime leaves nothing to follow on from.
        return {
          type: 'bound',
          bound: await (followed ? this.#granting.prolong(orderOf(followed), order, signal) : this.#granting.bind(order, signal)),
        };
      case 'unbind':
        return { type: 'unbound', answer: await this.#granting.unbind(order, signal) };
      case 'look':
        return { type: 'looked', answer: await this.#granting.standing(order, signal) };
    }
  }

  /** A call that ignores its signal is left behind, so that nothing waits for it. */
  #within<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const signal = AbortSignal.any([limit.signal, this.#closing.signal]);
    return new Promise<T>((resolve, reject) => {
      const cancel = this.#clock.after(this.#timeout, () =>
        limit.abort(new Fault('timed-out', 'The cloud did not answer in time', { retryable: true })),
      );
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      ask(signal)
        .then(resolve, reject)
        .finally(() => {
          cancel();
          signal.removeEventListener('abort', stop);
        });
    });
  }

  async #turn(): Promise<void> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
  }
}

export function orderOf({ id, principalId, role, resource, notAfter, reason, ticket }: GrantLife): Order {
  return { grantId: id, principalId, roleId: role.id, resource: resource.id, notAfter, reason, ticket };
}

/** Public words only; the cause stays here. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof Fault)) return { code: 'bug', message: 'Something went wrong inside central' };
  return { code: error.detail ?? error.code, message: error.message.slice(0, 2_000), ...(error.wayOut ? { wayOut: error.wayOut } : {}) };
}
