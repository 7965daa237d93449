import type { Clock, Instant } from '../../../protocol/clock.ts';
import { type ArmError, badRequest } from './arm-error.ts';
import type { Scope } from './arm-id.ts';
import type { Sequence } from './sequence.ts';
import type { Timing } from './timing.ts';

/** One role bound to one principal at one scope, until somebody or something removes it. */
export interface Assignment {
  /** GUID: the last segment of the assignment's id. */
  name: string;
  principalId: string;
  principalType: 'User' | 'ServicePrincipal' | 'Group';
  roleGuid: string;
  scope: Scope;
  /** How it came about. */
  origin: 'plain' | 'pim';
  createdAt: Instant;
  createdBy: string;
  /** PIM's promise to remove it; a lock can break it. */
  endsAt?: Instant | undefined;
}

interface Entry {
  assignment: Assignment;
  addedOrder: number;
  removedAt?: Instant;
  removedOrder?: number;
}

/** Every assignment, and those removed so lately that a cache may still honour them. */
export class Assignments {
  readonly #clock: Clock;
  readonly #timing: Timing;
  readonly #sequence: Sequence;
  readonly #limit: number;
  #entries: Entry[] = [];

  /** @param limit How many a subscription holds, resource groups and resources included. */
  constructor(clock: Clock, timing: Timing, sequence: Sequence, limit: number) {
    this.#clock = clock;
    this.#timing = timing;
    this.#sequence = sequence;
    this.#limit = limit;
  }

  add(assignment: Assignment): void {
    this.#entries.push({ assignment, addedOrder: this.#sequence.next() });
  }

  /** @param at When it ended, which may be before now: nobody looked until now. */
  remove(name: string, at: Instant = this.#clock.now()): void {
    const entry = this.#entries.find(({ assignment, removedAt }) => assignment.name === name && removedAt === undefined);
    if (!entry) return;
    entry.removedAt = at;
    entry.removedOrder = this.#sequence.next();
  }

  /** All that stand now, whether or not they can be used yet. */
  standing(): Assignment[] {
    return this.#entries.filter(({ removedAt }) => removedAt === undefined).map(({ assignment }) => assignment);
  }

  /** Whether the subscription of a scope takes no other. Those of PIM count while they are active. */
  isFull(scope: Scope): boolean {
    const subscription = /^\/subscriptions\/[^/]+/.exec(scope)?.[0];
    if (subscription === undefined) return false;
    return this.standing().filter((one) => one.scope.startsWith(subscription)).length >= this.#limit;
  }

  find(name: string): Assignment | undefined {
    return this.standing().find((assignment) => assignment.name.toLowerCase() === name.toLowerCase());
  }

  /**
   * What authorization really uses for a token: the grant and the removal both reach it late, at the latest after the
   * lag, and at once for a token that was issued after them where `freshTokenRereads` holds.
   */
  inForce(tokenOrder: number): Assignment[] {
    const now = this.#clock.now();
    const { usableLag, goneLag, freshTokenRereads } = this.#timing;
    this.#entries = this.#entries.filter(({ removedAt }) => removedAt === undefined || now < removedAt + goneLag);
    return this.#entries
      .filter(({ assignment, addedOrder, removedOrder }) => {
        const seen = now >= assignment.createdAt + usableLag || (freshTokenRereads && tokenOrder > addedOrder);
        const forgotten = removedOrder !== undefined && freshTokenRereads && tokenOrder > removedOrder;
        return seen && !forgotten;
      })
      .map(({ assignment }) => assignment);
  }
}

export const noRoom = (): ArmError => badRequest('RoleAssignmentLimitExceeded', 'No more role assignments can be created.');
