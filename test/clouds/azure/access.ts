import { ArmError } from './arm-error.ts';
import { type Scope, scopeOf } from './arm-id.ts';
import type { Assignments } from './assignments.ts';
import type { Directory } from './directory.ts';
import type { Hierarchy } from './hierarchy.ts';
import type { Permission, RoleDefinitions } from './role-definitions.ts';

/** Who calls, as their token says. */
export interface Caller {
  oid: string;
  /** User principal name or client id: what a refusal names. */
  client: string;
  name: string;
  kind: 'User' | 'ServicePrincipal';
  /** Place of the token among all tokens and changes. */
  order: number;
  /** Authentication contexts satisfied (`acrs`). */
  contexts: string[];
  multiFactor: boolean;
}

export interface Link {
  action: string;
  id: string;
}

export function actionMatches(pattern: string, action: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`, 'i').test(action);
}

const grants = ({ actions, notActions }: Permission, action: string): boolean =>
  actions.some((pattern) => actionMatches(pattern, action)) && !notActions.some((pattern) => actionMatches(pattern, action));

/** Role-based access control: the one place that says yes or no to a call. */
export class Access {
  readonly #directory: Directory;
  readonly #roles: RoleDefinitions;
  readonly #assignments: Assignments;
  readonly #hierarchy: Hierarchy;

  constructor(directory: Directory, roles: RoleDefinitions, assignments: Assignments, hierarchy: Hierarchy) {
    this.#directory = directory;
    this.#roles = roles;
    this.#assignments = assignments;
    this.#hierarchy = hierarchy;
  }

  /** What the caller holds at a scope now: own, through groups, and inherited. */
  permissions(caller: Pick<Caller, 'oid' | 'order'>, scope: Scope): Permission[] {
    return this.#held(caller)
      .filter((held) => this.#hierarchy.within(scope, held.scope))
      .flatMap(({ permissions }) => permissions);
  }

  allows(caller: Pick<Caller, 'oid' | 'order'>, action: string, scope: Scope): boolean {
    return this.permissions(caller, scope).some((held) => grants(held, action));
  }

  /** Answers many scopes for one action with one look at the assignments. */
  filter(caller: Pick<Caller, 'oid' | 'order'>, action: string): (scope: Scope) => boolean {
    const held = this.#held(caller).filter(({ permissions }) => permissions.some((one) => grants(one, action)));
    return (scope) => held.some((one) => this.#hierarchy.within(scope, one.scope));
  }

  /** Whether the caller holds anything at, above or below a scope. */
  touches(caller: Pick<Caller, 'oid' | 'order'>, scope: Scope): boolean {
    return this.#held(caller).some((held) => this.#hierarchy.within(scope, held.scope) || this.#hierarchy.within(held.scope, scope));
  }

  /** Throws AuthorizationFailed. @param id The scope with its case, for the message. */
  demand(caller: Caller, action: string, id: string): void {
    if (this.allows(caller, action, scopeOf(id))) return;
    throw new ArmError(
      403,
      'AuthorizationFailed',
      `The client '${caller.client}' with object id '${caller.oid}' does not have authorization to perform action '${action}' over scope '${id}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    );
  }

  /** Throws LinkedAuthorizationFailed when a write touches something that the caller may not join. */
  demandLinked(caller: Caller, action: string, id: string, links: readonly Link[]): void {
    const missing = links.filter((link) => !this.allows(caller, link.action, scopeOf(link.id)));
    if (missing.length === 0) return;
    throw new ArmError(
      403,
      'LinkedAuthorizationFailed',
      `The client '${caller.client}' with object id '${caller.oid}' has permission to perform action '${action}' on scope '${id}'; however, it does not have permission to perform action(s) '${missing.map((link) => link.action).join(',')}' on the linked scope(s) '${missing.map((link) => link.id).join(',')}' (respectively) or the linked scope(s) are invalid.`,
    );
  }

  #held(caller: Pick<Caller, 'oid' | 'order'>): { scope: Scope; permissions: Permission[] }[] {
    const identities = this.#directory.identities(caller.oid);
    return this.#assignments
      .inForce(caller.order)
      .filter(({ principalId }) => identities.has(principalId.toLowerCase()))
      .map(({ scope, roleGuid }) => ({ scope, permissions: this.#roles.get(roleGuid)?.permissions ?? [] }));
  }
}
