import type { Clock } from '../../../protocol/clock.ts';
import type { Access } from './access.ts';
import type { Assignments } from './assignments.ts';
import type { Directory } from './directory.ts';
import type { SubscriptionNames } from './expanded.ts';
import type { Hierarchy } from './hierarchy.ts';
import type { Locks } from './locks.ts';
import type { PimModel } from './pim-model.ts';
import type { Policies } from './pim-policy.ts';
import type { RoleDefinitions } from './role-definitions.ts';
import type { Call } from './router.ts';
import type { Timing } from './timing.ts';

/** What Microsoft.Authorization looks at. */
export interface AuthorizationWorld {
  clock: Clock;
  timing: Timing;
  access: Access;
  assignments: Assignments;
  roles: RoleDefinitions;
  directory: Directory;
  hierarchy: Hierarchy;
  locks: Locks;
  pim: PimModel;
  policies: Policies;
  subscriptionNames: SubscriptionNames;
}

/** Everything of Microsoft.Authorization hangs under any scope. */
export const BASE = '{scope}/providers/Microsoft.Authorization';

/** The scope of a call as its refusals name it. */
export const shown = (call: Call): string => call.param('scope') || '/';
