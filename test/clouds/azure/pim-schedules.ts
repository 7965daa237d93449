import { randomUUID } from 'node:crypto';
import type { Clock, Instant } from '../../../protocol/clock.ts';
import type { Scope } from './arm-id.ts';
import type { Assignment, Assignments } from './assignments.ts';
import type { Directory } from './directory.ts';
import type { Faults } from './faults.ts';
import type { Locks } from './locks.ts';
import type { PimOrder } from './pim-order.ts';
import { absent, tooShort } from './pim-refusals.ts';
import type { Timing } from './timing.ts';

/** An active (or once active, or future) assignment under PIM. */
export interface Schedule {
  /** GUID of the schedule; the instance and the assignment have their own. */
  name: string;
  instance: string;
  assignment: string;
  principalId: string;
  roleGuid: string;
  scope: Scope;
  kind: 'Activated' | 'Assigned';
  request: string;
  eligibility?: string | undefined;
  createdBy: string;
  startsAt: Instant;
  endsAt?: Instant | undefined;
  /** `stuck`: over, and a lock kept Azure from deleting the assignment. */
  state: 'future' | 'active' | 'stuck' | 'ended' | 'revoked';
  endedAt?: Instant | undefined;
}

interface World {
  clock: Clock;
  timing: Timing;
  directory: Directory;
  assignments: Assignments;
  locks: Locks;
  faults: Faults;
}

type Tuple = Pick<Schedule, 'principalId' | 'roleGuid' | 'scope'>;

export const sameTuple = (one: Tuple, other: Tuple): boolean =>
  one.principalId.toLowerCase() === other.principalId.toLowerCase() &&
  one.roleGuid.toLowerCase() === other.roleGuid.toLowerCase() &&
  one.scope === other.scope;

/** What PIM holds active, from its start to its end. */
export class Schedules {
  readonly #world: World;
  #all: Schedule[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  all(): readonly Schedule[] {
    return this.#all;
  }

  /** Starts and ends what fell due since the last look, each at its own instant. */
  settle(now: Instant = this.#world.clock.now()): void {
    const endsThem = !this.#world.faults.forgetsEnds;
    for (const schedule of this.#all) {
      if (schedule.state === 'future' && schedule.startsAt <= now) this.#begin(schedule);
      if (endsThem && schedule.state === 'active' && schedule.endsAt !== undefined && schedule.endsAt <= now)
        this.#expire(schedule, schedule.endsAt);
    }
  }

  /** What stands, will stand, or could not be removed, of the same person, role and exact scope. */
  live(order: Tuple): Schedule | undefined {
    return this.#all.find((one) => sameTuple(one, order) && one.state !== 'ended' && one.state !== 'revoked');
  }

  /** Whether another one of the same would be refused: live, standing outside PIM, or released a moment ago. */
  held(order: Tuple): boolean {
    const { clock, timing } = this.#world;
    const closing = this.#all.some(
      (one) => sameTuple(one, order) && one.state === 'revoked' && clock.now() < (one.endedAt ?? 0) + timing.stillHeld,
    );
    return closing || this.live(order) !== undefined || this.#plain(order) !== undefined;
  }

  /** @returns The status of the request that opened it. */
  open(
    order: PimOrder,
    name: string,
    kind: Schedule['kind'],
    startsAt: Instant,
    endsAt: Instant | undefined,
  ): 'Provisioned' | 'Granted' | 'Failed' | 'FailedAsResourceIsLocked' {
    const readOnly = this.#world.locks.over(order.scope).some(({ level }) => level === 'ReadOnly');
    if (readOnly) return 'FailedAsResourceIsLocked';
    const startsNow = startsAt <= this.#world.clock.now();
    if (startsNow && this.#world.assignments.isFull(order.scope)) return 'Failed';
    const schedule: Schedule = {
      name,
      instance: randomUUID(),
      assignment: randomUUID(),
      principalId: order.principalId,
      roleGuid: order.roleGuid,
      scope: order.scope,
      kind,
      request: order.name,
      eligibility: order.linked,
      createdBy: order.caller.oid,
      startsAt,
      endsAt,
      state: 'future',
    };
    this.#all.push(schedule);
    if (!startsNow) return 'Granted';
    this.#begin(schedule);
    return 'Provisioned';
  }

  /** Moves the end of an active one. */
  move(schedule: Schedule, endsAt: Instant | undefined): void {
    schedule.endsAt = endsAt;
    const assignment = this.#world.assignments.find(schedule.assignment);
    if (assignment) assignment.endsAt = endsAt;
  }

  /** Throws what Azure says to an end that it does not take. */
  demandEnd(order: PimOrder, schedule: Schedule | undefined): void {
    const now = this.#world.clock.now();
    const { materialise, minActive } = this.#world.timing;
    if (!schedule && !this.#removable(order)) throw absent();
    if (schedule?.state === 'active') {
      if (now < schedule.startsAt + materialise) throw absent();
      if (now < schedule.startsAt + minActive) throw tooShort();
    }
  }

  /** The end that somebody asked for. @returns The status of the request that asked. */
  close(order: PimOrder, schedule: Schedule | undefined, at: Instant): 'Revoked' | 'FailedAsResourceIsLocked' {
    if (this.#world.locks.over(order.scope).length > 0) return 'FailedAsResourceIsLocked';
    const plain = this.#removable(order);
    if (plain) this.#world.assignments.remove(plain.name, at);
    // It may have ended by itself meanwhile.
    if (schedule && schedule.state !== 'ended') {
      this.#world.assignments.remove(schedule.assignment, at);
      schedule.state = 'revoked';
      schedule.endedAt = at;
    }
    return 'Revoked';
  }

  /** Forgets one that has not begun. */
  withdraw(name: string): void {
    this.#all = this.#all.filter((schedule) => !(schedule.name === name && schedule.state === 'future'));
  }

  /** Somebody deleted the assignment itself, past PIM. */
  assignmentDeleted(name: string): void {
    const schedule = this.#all.find((one) => one.assignment === name);
    if (!schedule) return;
    schedule.state = 'ended';
    schedule.endedAt = this.#world.clock.now();
  }

  #removable(order: PimOrder): Assignment | undefined {
    return order.type === 'AdminRemove' ? this.#plain(order) : undefined;
  }

  #plain(order: Tuple): Assignment | undefined {
    return this.#world.assignments.standing().find((one) => one.origin === 'plain' && sameTuple(one, order));
  }

  #begin(schedule: Schedule): void {
    schedule.state = 'active';
    this.#world.assignments.add({
      name: schedule.assignment,
      principalId: schedule.principalId,
      principalType: this.#world.directory.get(schedule.principalId)?.kind ?? 'User',
      roleGuid: schedule.roleGuid,
      scope: schedule.scope,
      origin: 'pim',
      createdAt: schedule.startsAt,
      createdBy: schedule.createdBy,
      endsAt: schedule.endsAt,
    });
  }

  /** The end that Azure itself makes. A lock keeps it from deleting the assignment, and it does not try again. */
  #expire(schedule: Schedule, at: Instant): void {
    if (this.#world.locks.over(schedule.scope).length > 0) {
      schedule.state = 'stuck';
      return;
    }
    this.#world.assignments.remove(schedule.assignment, at);
    schedule.state = 'ended';
    schedule.endedAt = at;
  }
}
