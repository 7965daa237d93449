import * as v from 'valibot';
import { ArmError, badRequest } from './arm-error.ts';
import { GUID, scopeOf } from './arm-id.ts';
import { type Assignment, noRoom } from './assignments.ts';
import { type AuthorizationWorld, BASE, shown } from './authorization.ts';
import { list, type Reply } from './exchange.ts';
import { iso, prefix } from './expanded.ts';
import type { JsonObject } from './json.ts';
import { parseFilter } from './odata-filter.ts';
import { roleDefinitionId } from './role-definitions.ts';
import type { Call, Route } from './router.ts';

const NewAssignment = v.object({
  properties: v.object({ roleDefinitionId: v.string(), principalId: v.pipe(v.string(), v.uuid()), principalType: v.optional(v.string()) }),
});

/** Role assignments as such: those of PIM are listed too, late. */
export function roleAssignmentRoutes(world: AuthorizationWorld): Route[] {
  return [
    { method: 'GET', path: `${BASE}/roleAssignments`, handle: (call) => listAssignments(world, call) },
    {
      method: 'GET',
      path: `${BASE}/roleAssignments/{name}`,
      handle: (call) => {
        world.access.demand(call.caller, 'Microsoft.Authorization/roleAssignments/read', shown(call));
        const found = assignmentAt(world, call);
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
        const found = assignmentAt(world, call);
        if (!found) return { status: 204 };
        world.locks.refuseDelete(`${prefix(found.scope)}/providers/Microsoft.Authorization/roleAssignments/${found.name}`);
        world.assignments.remove(found.name);
        world.pim.schedules.assignmentDeleted(found.name);
        return { status: 200, body: assignmentBody(found) };
      },
    },
  ];
}

/** Named at its own scope: what somebody may do elsewhere says nothing about it. */
function assignmentAt(world: AuthorizationWorld, call: Call): Assignment | undefined {
  const found = world.assignments.find(call.param('name'));
  return found?.scope === scopeOf(call.param('scope')) ? found : undefined;
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
  if (world.assignments.isFull(scope)) throw noRoom();
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
