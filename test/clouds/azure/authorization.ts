import * as v from 'valibot';
import type { Clock } from '../../../protocol/clock.ts';
import type { Access } from './access.ts';
import { ArmError, badRequest } from './arm-error.ts';
import { GUID, guidOf, nameOf, type Scope, scopeOf } from './arm-id.ts';
import type { Assignment, Assignments } from './assignments.ts';
import type { Directory } from './directory.ts';
import { list, type Reply } from './exchange.ts';
import { expandedProperties, iso, prefix, type SubscriptionNames } from './expanded.ts';
import type { Hierarchy } from './hierarchy.ts';
import type { JsonObject } from './json.ts';
import { type Locks, lockBody } from './locks.ts';
import { parseFilter } from './odata-filter.ts';
import type { PimModel } from './pim-model.ts';
import { effectiveRules, type Policies, type Policy } from './pim-policy.ts';
import { type RoleDefinitions, roleDefinitionBody, roleDefinitionId } from './role-definitions.ts';
import type { Call, Route } from './router.ts';
import type { Timing } from './timing.ts';

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
  /** Role assignments that a subscription holds; 4,000 on Azure. */
  assignmentLimit: number;
}

const BASE = '{scope}/providers/Microsoft.Authorization';
const shown = (call: Call): string => call.param('scope') || '/';

/** Permissions, role definitions, plain role assignments, locks and PIM's rules. */
export function authorizationRoutes(world: AuthorizationWorld): Route[] {
  return [
    {
      // What the caller holds here, by the same rules and with the same delay as enforcement. Anybody may ask it of themselves.
      method: 'GET',
      path: `${BASE}/permissions`,
      handle: (call) => list(world.access.permissions(call.caller, scopeOf(call.param('scope'))).map((one) => ({ ...one }))),
    },
    ...roleDefinitionRoutes(world),
    ...roleAssignmentRoutes(world),
    ...lockRoutes(world),
    ...policyRoutes(world),
  ];
}

function roleDefinitionRoutes(world: AuthorizationWorld): Route[] {
  const read = (call: Call) => world.access.demand(call.caller, 'Microsoft.Authorization/roleDefinitions/read', shown(call));
  return [
    {
      method: 'GET',
      path: `${BASE}/roleDefinitions`,
      handle: (call) => {
        read(call);
        const scope = scopeOf(call.param('scope'));
        const [, field, value] = /^(roleName|type)\s+eq\s+'([^']*)'$/i.exec(call.query.get('$filter') ?? '') ?? [];
        const rows = world.roles
          .all()
          .filter((role) => role.assignableScopes.some((one) => world.hierarchy.within(scope, scopeOf(one))))
          .filter((role) => !field || (field.toLowerCase() === 'type' ? role.kind : role.roleName).toLowerCase() === value?.toLowerCase());
        return list(rows.map((role) => roleDefinitionBody(role, scope)));
      },
    },
    {
      method: 'GET',
      path: `${BASE}/roleDefinitions/{name}`,
      handle: (call) => {
        // Built-in roles are no secret; custom ones are read by who may read here.
        const role = world.roles.get(call.param('name'));
        if (role?.kind !== 'BuiltInRole') read(call);
        if (!role)
          throw new ArmError(
            404,
            'RoleDefinitionDoesNotExist',
            `The specified role definition with ID '${call.param('name')}' does not exist.`,
          );
        return { status: 200, body: roleDefinitionBody(role, scopeOf(call.param('scope'))) };
      },
    },
  ];
}

const NewAssignment = v.object({
  properties: v.object({ roleDefinitionId: v.string(), principalId: v.pipe(v.string(), v.uuid()), principalType: v.optional(v.string()) }),
});

function roleAssignmentRoutes(world: AuthorizationWorld): Route[] {
  return [
    { method: 'GET', path: `${BASE}/roleAssignments`, handle: (call) => listAssignments(world, call) },
    {
      method: 'GET',
      path: `${BASE}/roleAssignments/{name}`,
      handle: (call) => {
        world.access.demand(call.caller, 'Microsoft.Authorization/roleAssignments/read', shown(call));
        const found = world.assignments.find(call.param('name'));
        if (!found) throw new ArmError(404, 'RoleAssignmentNotFound', `The role assignment '${call.param('name')}' is not found.`);
        return { status: 200, body: assignmentBody(found) };
      },
    },
    { method: 'PUT', path: `${BASE}/roleAssignments/{name}`, handle: (call) => assign(world, call) },
    {
      method: 'DELETE',
      path: `${BASE}/roleAssignments/{name}`,
      handle: (call) => {
        world.access.demand(call.caller, 'Microsoft.Authorization/roleAssignments/delete', shown(call));
        const found = world.assignments.find(call.param('name'));
        if (!found) return { status: 204 };
        world.locks.refuseDelete(`${prefix(found.scope)}/providers/Microsoft.Authorization/roleAssignments/${found.name}`);
        world.assignments.remove(found.name);
        world.pim.assignmentDeleted(found.name);
        return { status: 200, body: assignmentBody(found) };
      },
    },
  ];
}

function listAssignments(world: AuthorizationWorld, call: Call): Reply {
  world.access.demand(call.caller, 'Microsoft.Authorization/roleAssignments/read', shown(call));
  const scope = scopeOf(call.param('scope'));
  const filter = parseFilter(call.query.get('$filter'));
  const now = world.clock.now();
  const rows = world.assignments.standing().filter((one) => {
    const above = world.hierarchy.within(scope, one.scope);
    const principal = one.principalId.toLowerCase();
    return (
      (filter.atScope ? above : above || world.hierarchy.within(one.scope, scope)) &&
      (one.origin === 'plain' || now >= one.createdAt + world.timing.listLag) &&
      (filter.principalId === undefined || principal === filter.principalId) &&
      (filter.assignedTo === undefined || world.directory.identities(filter.assignedTo).has(principal))
    );
  });
  return list(rows.map(assignmentBody));
}

function assign(world: AuthorizationWorld, call: Call): Reply {
  world.access.demand(call.caller, 'Microsoft.Authorization/roleAssignments/write', shown(call));
  const name = call.param('name').toLowerCase();
  if (!GUID.test(name))
    throw badRequest('InvalidRoleAssignmentId', `The role assignment ID '${name}' is not valid. The role assignment ID must be a GUID.`);
  const parsed = v.safeParse(NewAssignment, call.body());
  if (!parsed.success) throw badRequest('InvalidRequestContent', 'The request content was invalid and could not be deserialized.');
  const { properties } = parsed.output;
  const role = world.roles.named(properties.roleDefinitionId);
  const scope = scopeOf(call.param('scope'));
  if (!role.assignableScopes.some((one) => world.hierarchy.within(scope, scopeOf(one)))) {
    throw badRequest('ScopeDoesNotMatchRoleDefinition', `The scope '${scope}' is not valid for the role definition '${role.guid}'.`);
  }
  const principal = world.directory.get(properties.principalId);
  if (!principal)
    throw badRequest('PrincipalNotFound', `Principal ${properties.principalId.replaceAll('-', '')} does not exist in the directory.`);
  world.locks.refuseWrite(shown(call));
  const same = (one: Assignment) =>
    one.scope === scope && one.roleGuid === role.guid && one.principalId.toLowerCase() === properties.principalId.toLowerCase();
  const named = world.assignments.find(name);
  if (named) {
    if (same(named)) return { status: 200, body: assignmentBody(named) };
    throw badRequest(
      'RoleAssignmentUpdateNotPermitted',
      'Tenant ID, application ID, principal ID, and scope are not allowed to be updated.',
    );
  }
  const twin = world.assignments.standing().find(same);
  if (twin)
    throw new ArmError(
      409,
      'RoleAssignmentExists',
      `The role assignment already exists. The ID of the existing role assignment is ${twin.name.replaceAll('-', '')}.`,
    );
  const subscription = /^\/subscriptions\/[^/]+/.exec(scope)?.[0];
  const full =
    subscription && world.assignments.standing().filter((one) => one.scope.startsWith(subscription)).length >= world.assignmentLimit;
  if (full) throw badRequest('RoleAssignmentLimitExceeded', 'No more role assignments can be created.');
  const assignment: Assignment = {
    name,
    principalId: principal.oid,
    principalType: principal.kind,
    roleGuid: role.guid,
    scope,
    origin: 'plain',
    createdAt: world.clock.now(),
    createdBy: call.caller.oid,
  };
  world.assignments.add(assignment);
  return { status: 201, body: assignmentBody(assignment) };
}

function assignmentBody(one: Assignment): JsonObject {
  const at = iso(one.createdAt);
  return {
    properties: {
      roleDefinitionId: roleDefinitionId(one.roleGuid, one.scope),
      principalId: one.principalId,
      principalType: one.principalType,
      scope: one.scope,
      condition: null,
      conditionVersion: null,
      createdOn: at,
      updatedOn: at,
      createdBy: one.createdBy,
      updatedBy: one.createdBy,
      delegatedManagedIdentityResourceId: null,
      description: null,
    },
    id: `${prefix(one.scope)}/providers/Microsoft.Authorization/roleAssignments/${one.name}`,
    type: 'Microsoft.Authorization/roleAssignments',
    name: one.name,
  };
}

function lockRoutes(world: AuthorizationWorld): Route[] {
  const read = (call: Call) => world.access.demand(call.caller, 'Microsoft.Authorization/locks/read', shown(call));
  return [
    {
      method: 'GET',
      path: `${BASE}/locks`,
      handle: (call) => {
        read(call);
        const scope = scopeOf(call.param('scope'));
        const below = /atScope\(\)/i.test(call.query.get('$filter') ?? '') ? [] : world.locks.below(scope);
        return list([...world.locks.over(scope), ...below].map(lockBody));
      },
    },
    {
      method: 'GET',
      path: `${BASE}/locks/{name}`,
      handle: (call) => {
        read(call);
        const lock = world.locks.get(call.param('scope'), call.param('name'));
        if (!lock) throw new ArmError(404, 'LockNotFound', `The lock '${call.param('name')}' could not be found.`);
        return { status: 200, body: lockBody(lock) };
      },
    },
  ];
}

/** PIM's rules: one policy per role and scope, with the default where none was set. */
function policyRoutes(world: AuthorizationWorld): Route[] {
  const read = (call: Call, action: string) => {
    const scope = scopeOf(call.param('scope'));
    // Who may activate here may read under which rules.
    const eligible = world.pim
      .eligibilities()
      .some(
        (one) => world.directory.identities(call.caller.oid).has(one.principalId.toLowerCase()) && world.hierarchy.within(scope, one.scope),
      );
    if (!eligible) world.access.demand(call.caller, `Microsoft.Authorization/${action}/read`, shown(call));
  };
  const policies = (call: Call): Policy[] => {
    const scope = scopeOf(call.param('scope'));
    const { roleGuid } = parseFilter(call.query.get('$filter'));
    if (roleGuid) return [world.policies.at(roleGuid, scope)];
    const set = world.policies.setAt(scope);
    const rest = world.roles.all().filter((role) => !set.some((policy) => policy.roleGuid === role.guid));
    return [...set, ...rest.map((role) => world.policies.at(role.guid, scope))];
  };
  return [
    {
      method: 'GET',
      path: `${BASE}/roleManagementPolicyAssignments`,
      handle: (call) => {
        read(call, 'roleManagementPolicyAssignments');
        return list(policies(call).map((policy) => policyAssignment(world, policy)));
      },
    },
    {
      method: 'GET',
      path: `${BASE}/roleManagementPolicies`,
      handle: (call) => {
        read(call, 'roleManagementPolicies');
        return list(policies(call).map((policy) => policyBody(world, policy)));
      },
    },
    {
      method: 'GET',
      path: `${BASE}/roleManagementPolicies/{name}`,
      handle: (call) => {
        read(call, 'roleManagementPolicies');
        const found = policies(call).find((policy) => policy.name === guidOf(call.param('name')));
        if (!found) throw new ArmError(404, 'RoleManagementPolicyNotFound', `The policy '${call.param('name')}' is not found.`);
        return { status: 200, body: policyBody(world, found) };
      },
    },
  ];
}

const policyPath = (policy: Policy, type: string, name: string): string =>
  `${prefix(policy.scope as Scope)}/providers/Microsoft.Authorization/${type}/${name}`;

function rulesOf(world: AuthorizationWorld, policy: Policy): JsonObject[] {
  return effectiveRules(policy, (oid) => world.directory.get(oid)?.kind === 'Group');
}

function policyAssignment(world: AuthorizationWorld, policy: Policy): JsonObject {
  const name = `${policy.name}_${policy.roleGuid}`;
  const id = policyPath(policy, 'roleManagementPolicies', policy.name);
  const { scope, roleDefinition } = expandedProperties(world, { ...policy, principalId: '' });
  return {
    properties: {
      scope: policy.scope,
      roleDefinitionId: roleDefinitionId(policy.roleGuid, policy.scope),
      policyId: id,
      effectiveRules: rulesOf(world, policy),
      policyAssignmentProperties: {
        scope,
        roleDefinition,
        policy: { id, lastModifiedBy: { id: null, displayName: 'Admin', type: null, email: null }, lastModifiedDateTime: null },
      },
    },
    name,
    id: policyPath(policy, 'roleManagementPolicyAssignment', name),
    type: 'Microsoft.Authorization/RoleManagementPolicyAssignment',
  };
}

function policyBody(world: AuthorizationWorld, policy: Policy): JsonObject {
  const rules = rulesOf(world, policy);
  const { scope } = expandedProperties(world, { ...policy, principalId: '' });
  return {
    properties: {
      scope: policy.scope,
      displayName: null,
      description: null,
      isOrganizationDefault: false,
      lastModifiedBy: { id: null, displayName: 'Admin', type: null, email: null },
      lastModifiedDateTime: null,
      rules,
      effectiveRules: rules,
      policyProperties: { scope },
    },
    name: nameOf(policy.name),
    id: policyPath(policy, 'roleManagementPolicies', policy.name),
    type: 'Microsoft.Authorization/roleManagementPolicies',
  };
}
