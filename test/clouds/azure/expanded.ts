import { nameOf, type Scope, subscriptionOf, typeOf } from './arm-id.ts';
import type { Directory } from './directory.ts';
import type { JsonObject } from './json.ts';
import { type RoleDefinitions, roleDefinitionId } from './role-definitions.ts';

/** Display names of subscriptions, by id. */
export type SubscriptionNames = ReadonlyMap<string, string>;

/** What PIM adds to every row so that a screen need not ask again. */
export function expandedProperties(
  world: { directory: Directory; roles: RoleDefinitions; subscriptionNames: SubscriptionNames },
  row: { scope: Scope; roleGuid: string; principalId: string },
): JsonObject {
  const role = world.roles.get(row.roleGuid);
  const principal = world.directory.get(row.principalId);
  return {
    scope: { id: row.scope, displayName: scopeName(row.scope, world.subscriptionNames), type: scopeType(row.scope) },
    roleDefinition: { id: roleDefinitionId(row.roleGuid, row.scope), displayName: role?.roleName ?? '', type: role?.kind ?? '' },
    principal: {
      id: row.principalId,
      displayName: principal?.name ?? '',
      ...(principal?.upn && { email: principal.upn }),
      type: principal?.kind ?? 'User',
    },
  };
}

const scopeName = (scope: Scope, names: SubscriptionNames): string =>
  (/^\/subscriptions\/[^/]+$/.test(scope) && names.get(subscriptionOf(scope) ?? '')) || nameOf(scope);

function scopeType(scope: Scope): string {
  if (scope.startsWith('/providers/microsoft.management/')) return 'managementgroup';
  if (/^\/subscriptions\/[^/]+$/.test(scope)) return 'subscription';
  if (/^\/subscriptions\/[^/]+\/resourcegroups\/[^/]+$/.test(scope)) return 'resourcegroup';
  return typeOf(scope) ?? 'tenant';
}

export const iso = (instant: number): string => new Date(instant).toISOString();

/** A scope as the prefix of an id: nothing for the root. */
export const prefix = (scope: Scope): string => (scope === '/' ? '' : scope);
