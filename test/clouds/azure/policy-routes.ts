import { ArmError } from './arm-error.ts';
import { guidOf, scopeOf } from './arm-id.ts';
import { type AuthorizationWorld, BASE, shown } from './authorization.ts';
import { list } from './exchange.ts';
import { expandedProperties, prefix } from './expanded.ts';
import type { JsonObject } from './json.ts';
import { parseFilter } from './odata-filter.ts';
import { effectiveRules, type Policy } from './pim-policy.ts';
import { roleDefinitionId } from './role-definitions.ts';
import type { Call, Route } from './router.ts';

/** PIM's rules: one policy per role and scope, with the default where none was set. */
export function policyRoutes(world: AuthorizationWorld): Route[] {
  const read = (call: Call, action: string) => {
    const scope = scopeOf(call.param('scope'));
    // Who may activate here may read under which rules.
    const eligible = world.pim.eligibilities
      .all()
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
  `${prefix(policy.scope)}/providers/Microsoft.Authorization/${type}/${name}`;

function rulesOf(world: AuthorizationWorld, policy: Policy): JsonObject[] {
  return effectiveRules(policy, (oid) => world.directory.get(oid));
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
    name: policy.name,
    id: policyPath(policy, 'roleManagementPolicies', policy.name),
    type: 'Microsoft.Authorization/roleManagementPolicies',
  };
}
