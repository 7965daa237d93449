import { type Bound, type Granting, type Order, providerOf, type Unbound } from '../../cloud/provider.ts';
import { type Clock, type Millis, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { ResourceId } from '../../protocol/ids.ts';
import type { Problem } from '../../protocol/model.ts';
import { within } from '../within.ts';
import { Lane } from './lane.ts';
import type { GrantEvent, GrantLife } from './life.ts';
import type { GrantCalls } from './ports.ts';

export type Call = 'bind' | 'prolong' | 'unbind' | 'look';

/** At most so many calls of each lane at once: a cloud that hangs holds no more than these. */
const AT_ONCE = 64;
/** How long to wait for one call. Well below the longest life of a request. */
export const CALL_TIMEOUT: Millis = 60 * SECOND;

/** Both are as they are when the call's turn has come. */
export interface Subject {
  life: GrantLife;
  followed: GrantLife | undefined;
}

/** One for giving, one for taking back, one for looking: what hangs in one of them delays no other. */
type Lanes = Record<Call, Lane>;

function lanes(): Lanes {
  const giving = new Lane(AT_ONCE);
  return { bind: giving, prolong: giving, unbind: new Lane(AT_ONCE), look: new Lane(AT_ONCE) };
}

/** Calls the cloud with the granting identity and turns every outcome, also none at all, into an event. Never throws. */
export class CloudCalls implements GrantCalls {
  readonly #grantingFor: (resource: ResourceId) => Granting;
  readonly #clock: Clock;
  readonly #timeout: Millis;
  readonly #closing = new AbortController();
  /** Each cloud has its own: one that does not answer delays no other. */
  readonly #lanes = new Map<string, Lanes>();

  /** @param grantingFor The cloud of a resource. @throws Fault when there is none. */
  constructor(grantingFor: (resource: ResourceId) => Granting, clock: Clock, timeout: Millis) {
    this.#grantingFor = grantingFor;
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /**
   * The event for the grant on `resource`, or undefined when central is closing: what is not known then is asked at the next start.
   * @param atTurn Asked when the turn has come. Undefined: the call is not wanted any more, so nothing is sent.
   */
  make(call: Call, resource: ResourceId, atTurn: () => Promise<Subject | undefined>): Promise<GrantEvent | undefined> {
    return this.#lane(call, resource).run(async () => {
      try {
        const subject = this.#closing.signal.aborted ? undefined : await atTurn();
        return subject && (await this.#within((signal) => this.#ask(call, subject, signal)));
      } catch (error) {
        if (this.#closing.signal.aborted) return undefined;
        const problem = problemOf(error);
        return { type: call === 'unbind' ? 'unbind failed' : call === 'look' ? 'look failed' : 'bind failed', problem };
      }
    });
  }

  close(): void {
    this.#closing.abort(new Fault('timed-out', 'central is stopping'));
  }

  #lane(call: Call, resource: ResourceId): Lane {
    const cloud = providerOf(resource);
    const known = this.#lanes.get(cloud) ?? lanes();
    this.#lanes.set(cloud, known);
    return known[call];
  }

  async #ask(call: Call, { life, followed }: Subject, signal: AbortSignal): Promise<GrantEvent> {
    const order = orderOf(life);
    const granting = this.#grantingFor(order.resource);
    switch (call) {
      case 'bind':
        return { type: 'bound', bound: forCentral(await granting.bind(order, signal)) };
      case 'prolong':
        // A grant that has gone in the meantime leaves nothing to follow on from.
        return {
          type: 'bound',
          bound: forCentral(await (followed ? granting.prolong(orderOf(followed), order, signal) : granting.bind(order, signal))),
        };
      case 'unbind':
        return { type: 'unbound', answer: forCentral(await granting.unbind(order, signal)) };
      case 'look':
        return { type: 'looked', answer: await granting.standing(order, signal) };
    }
  }

  #within<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = () => new Fault('timed-out', 'The cloud did not answer in time', { retryable: true });
    return within({ clock: this.#clock, limit: this.#timeout, closing: this.#closing.signal, late }, ask);
  }
}

export function orderOf({ id, principalId, role, resource, notAfter, reason, ticket }: GrantLife): Order {
  return { grantId: id, principalId, roleId: role.id, resource: resource.id, notAfter, reason, ticket };
}

/** Whose sign-in or right is missing is central's own: the cloud's way out is for the person at that sign-in, and that is nobody. */
const MEND: Readonly<Record<string, string>> = {
  'sign-in-failed': 'Whoever runs central must mend its sign-in to the cloud.',
  'not-signed-in': 'Whoever runs central must mend its sign-in to the cloud.',
  'not-eligible': 'Whoever runs central must give its identity this right.',
};

const forCentral = <T extends Bound | Unbound>(answer: T): T => {
  if (!('problem' in answer)) return answer;
  const wayOut = MEND[answer.problem.code];
  return wayOut ? { ...answer, problem: { ...answer.problem, wayOut } } : answer;
};

/** Public words only; the cause stays here. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof Fault)) return { code: 'bug', message: 'Something went wrong inside central' };
  if (error.code === 'sign-in-failed')
    return { code: error.code, message: 'Central is not signed in to the cloud.', wayOut: MEND['sign-in-failed'] };
  return { code: error.detail ?? error.code, message: error.message.slice(0, 2_000), ...(error.wayOut ? { wayOut: error.wayOut } : {}) };
}
