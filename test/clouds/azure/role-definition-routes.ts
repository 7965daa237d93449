import { ArmError } from './arm-error.ts';
import { scopeOf } from './arm-id.ts';
import { type AuthorizationWorld, BASE, shown } from './authorization.ts';
import { list } from './exchange.ts';
import { roleDefinitionBody } from './role-definitions.ts';
import type { Call, Route } from './router.ts';

/** What the caller holds here, by the same rules and with the same delay as enforcement. Anybody may ask it of themselves. */
export const permissionRoutes = (world: AuthorizationWorld): Route[] => [
  {
    method: 'GET',
    path: `${BASE}/permissions`,
    handle: (call) => list(world.access.permissions(call.caller, scopeOf(call.param('scope'))).map((one) => ({ ...one }))),
  },
];

/** Built-in and custom roles. */
export function roleDefinitionRoutes(world: AuthorizationWorld): Route[] {
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
