import type { Clock, Instant } from '../../../protocol/clock.ts';
import { type Scope, scopeOf } from './arm-id.ts';
import type { Directory } from './directory.ts';
import type { Hierarchy } from './hierarchy.ts';

/** Somebody may activate a role at a scope and below. */
export interface Eligibility {
  /** GUID of the schedule. */
  name: string;
  /** A person or a group. */
  principalId: string;
  roleGuid: string;
  scope: Scope;
  startsAt: Instant;
  endsAt?: Instant | undefined;
}

export class Eligibilities {
  readonly #world: { clock: Clock; directory: Directory; hierarchy: Hierarchy };
  #all: Eligibility[];

  constructor(world: { clock: Clock; directory: Directory; hierarchy: Hierarchy }, eligibilities: readonly Eligibility[]) {
    this.#world = world;
    this.#all = eligibilities.map((one) => ({ ...one, scope: scopeOf(one.scope) }));
  }

  /** Those that hold now. */
  all(): Eligibility[] {
    const now = this.#world.clock.now();
    return this.#all.filter(({ startsAt, endsAt }) => startsAt <= now && (endsAt === undefined || now < endsAt));
  }

  add(eligibility: Eligibility): void {
    this.#all.push({ ...eligibility, scope: scopeOf(eligibility.scope) });
  }

  remove(name: string): void {
    this.#all = this.#all.filter((one) => one.name !== name);
  }

  /** One that covers a person, role and scope: their own or a group's, here or above. @param linked A certain one only. */
  covering(principalId: string, roleGuid: string, scope: Scope, linked?: string): Eligibility | undefined {
    const identities = this.#world.directory.identities(principalId);
    return this.all().find(
      (one) =>
        identities.has(one.principalId.toLowerCase()) &&
        one.roleGuid.toLowerCase() === roleGuid &&
        this.#world.hierarchy.within(scope, one.scope) &&
        (linked === undefined || linked === one.name.toLowerCase()),
    );
  }
}
