import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../protocol/clock.ts';
import { Access } from './access.ts';
import { scopeOf } from './arm-id.ts';
import { Assignments } from './assignments.ts';
import { Calls } from './calls.ts';
import { Directory } from './directory.ts';
import type { Estate } from './estate.ts';
import { Faults } from './faults.ts';
import { Health } from './health.ts';
import { Hierarchy } from './hierarchy.ts';
import { Locks } from './locks.ts';
import { Operations } from './operations.ts';
import { PimModel } from './pim-model.ts';
import { Policies } from './pim-policy.ts';
import { Resources } from './resources.ts';
import { RoleDefinitions } from './role-definitions.ts';
import { Sequence } from './sequence.ts';
import type { Timing } from './timing.ts';

/** Everything that is true in the simulated cloud. Tests look into it and bend it. */
export interface World {
  clock: Clock;
  timing: Timing;
  estate: Estate;
  sequence: Sequence;
  /** People, groups and applications. */
  directory: Directory;
  roles: RoleDefinitions;
  /** Role assignments; `standing()` are all that stand now, however they came about. */
  assignments: Assignments;
  hierarchy: Hierarchy;
  access: Access;
  locks: Locks;
  policies: Policies;
  pim: PimModel;
  resources: Resources;
  operations: Operations;
  health: Health;
  faults: Faults;
  calls: Calls;
  /** Does what fell due since the last look. Every call does so by itself. */
  settle(): void;
  /** What Azure would say to this person now, holding a token issued now. The judge in tests. */
  allows(oid: string, action: string, id: string): boolean;
}

/**
 * @param clock All state moves with it and with nothing else.
 * @param assignmentLimit Role assignments that a subscription holds.
 */
export function makeWorld(clock: Clock, estate: Estate, timing: Timing, assignmentLimit = 4_000): World {
  const sequence = new Sequence();
  const directory = new Directory(estate.principals);
  const roles = new RoleDefinitions(estate.roleDefinitions);
  const hierarchy = new Hierarchy(
    estate.managementGroup,
    estate.subscriptions.map(({ id }) => id),
  );
  const assignments = new Assignments(clock, timing, sequence, assignmentLimit);
  for (const { principalId, roleGuid, scope } of estate.assignments) {
    const principalType = directory.get(principalId)?.kind ?? 'User';
    // Long ago, so that no lag hides what has always been there.
    assignments.add({
      name: randomUUID(),
      principalId,
      principalType,
      roleGuid,
      scope: scopeOf(scope),
      origin: 'plain',
      createdAt: 0,
      createdBy: '',
    });
  }
  const access = new Access(directory, roles, assignments, hierarchy);
  const faults = new Faults();
  const policies = new Policies(estate.policies);
  const settle = () => pim.settle();
  const locks = new Locks(hierarchy, estate.locks, settle);
  const pim = new PimModel(
    { clock, timing, directory, roles, access, assignments, hierarchy, locks, policies, faults },
    estate.eligibilities,
  );
  return {
    clock,
    timing,
    estate,
    sequence,
    directory,
    roles,
    assignments,
    hierarchy,
    access,
    locks,
    policies,
    pim,
    resources: new Resources(clock, timing, estate.resources),
    operations: new Operations(clock, timing, access),
    health: new Health(estate.down),
    faults,
    calls: new Calls(),
    settle,
    allows: (oid, action, id) => {
      settle();
      return access.allows({ oid, order: sequence.next() }, action, scopeOf(id));
    },
  };
}
