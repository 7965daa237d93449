import type { RoleEligibilityScheduleInstance } from '@azure/arm-authorization';
import * as v from 'valibot';
import type { Instant } from '../../protocol/clock.ts';
import { RoleId } from '../../protocol/ids.ts';
import type { RoleOption } from '../../protocol/model.ts';
import { catalogueDefinitions, catalogueRoles } from '../../roles/catalogue.ts';
import { contains, overlaps } from './actions.ts';
import { azureErrorOf } from './azure-error.ts';
import type { AzureClients } from './clients.ts';
import { type AzureResource, comparable, isWithin, kindOf, roleGuid } from './resource-id.ts';

/** A role that the tenant made somebody eligible for, at the resource or above it. */
export interface Eligibility {
  roleGuid: string;
  roleName: string;
  /** Where the eligibility is, as Azure writes it without the leading slash. */
  scope: string;
  /** Undefined when it has no end. */
  endsAt?: Instant | undefined;
}

/** Of the role itself, the one nearest to the resource: its policy is the likeliest to count. */
export async function eligibilities(
  clients: AzureClients,
  resource: AzureResource,
  now: Instant,
  signal: AbortSignal,
): Promise<Eligibility[]> {
  const client = await clients.authorization();
  const list = async (scope: string): Promise<RoleEligibilityScheduleInstance[]> => {
    const found: RoleEligibilityScheduleInstance[] = [];
    for await (const row of client.roleEligibilityScheduleInstances.listForScope(scope, { filter: 'asTarget()', abortSignal: signal }))
      found.push(row);
    return found;
  };
  // At the root of the tenant the list has every scope.
  const all = (await list('')).filter(({ endDateTime }) => !endDateTime || endDateTime.getTime() > now);
  const direct = all.filter(({ scope }) => isWithin(resource.armId, scope ?? ''));
  // Which management groups the resource is in, its id does not say: the list at the resource does.
  const inGroups = all.filter(({ scope }) => isManagementGroup(scope ?? ''));
  const here = inGroups.length > 0 ? new Set((await list(resource.armId.slice(1))).map(({ id }) => id?.toLowerCase())) : new Set();
  const nearest = new Map<string, Eligibility>();
  for (const row of [...inGroups.filter(({ id }) => here.has(id?.toLowerCase())), ...direct.sort(byDepth)]) {
    const guid = roleGuid(row.roleDefinitionId ?? '');
    const named = row.expandedProperties?.roleDefinition?.displayName;
    if (guid)
      nearest.set(guid, {
        roleGuid: guid,
        roleName: named ?? guid,
        scope: comparable(row.scope ?? '').slice(1),
        endsAt: row.endDateTime?.getTime(),
      });
  }
  return [...nearest.values()];
}

const isManagementGroup = (scope: string): boolean => comparable(scope).startsWith('/providers/microsoft.management/managementgroups/');

const byDepth = (a: RoleEligibilityScheduleInstance, b: RoleEligibilityScheduleInstance): number =>
  comparable(a.scope ?? '').length - comparable(b.scope ?? '').length;

/** A role in words for a person. */
export type RoleWords = Pick<RoleOption, 'id' | 'title' | 'enforcement' | 'allows' | 'actions' | 'unavailable'>;

/** How a role of the tenant's own is called: the catalogue has no words for it. */
const FOREIGN = 'azure/';

/**
 * The catalogue's words where the role is of the catalogue, Azure's own name and actions where it is not. Undefined for a
 * role that allows nothing on this kind of resource.
 */
export async function wordsFor(
  clients: AzureClients,
  resource: AzureResource,
  eligibility: Eligibility,
  now: Instant,
  signal: AbortSignal,
): Promise<RoleWords | undefined> {
  const kind = kindOf(resource);
  if (catalogueDefinitions('azure').some(({ guid }) => guid === eligibility.roleGuid)) {
    const known = kind && catalogueRoles('azure', kind).find(({ definition }) => definition === eligibility.roleGuid);
    return known && { id: known.id, title: known.title, enforcement: known.enforcement, allows: known.allows, actions: known.actions };
  }
  const role = { id: v.parse(RoleId, `${FOREIGN}${eligibility.roleGuid}`), enforcement: 'native' } as const;
  const definition = await definitionAt(clients, resource, eligibility.roleGuid, now, signal);
  if (!definition) {
    const unavailable = 'You may not read what this role allows. Ask an administrator for the right to read role definitions.';
    return { ...role, title: eligibility.roleName.slice(0, 120), allows: [], actions: [], unavailable };
  }
  const permissions = definition.permissions ?? [];
  const whole = `${TYPES[resource.balancerKind]}/*`;
  // A role for more than balancers is shown, and later checked, by what it means here.
  const actions = permissions
    .flatMap((one) => one.actions ?? [])
    .filter((action) => overlaps(action, whole))
    .map((action) => (contains(action, whole) ? whole : action));
  if (actions.length === 0) return undefined;
  const without = permissions.flatMap((one) => one.notActions ?? []).filter((action) => overlaps(action, whole));
  const title = (definition.roleName ?? eligibility.roleName).slice(0, 120);
  return {
    ...role,
    title,
    allows: [
      `What the tenant's role "${title}" allows, here only`,
      ...(without.length > 0 ? [`Except ${without.join(', ')}`.slice(0, 300)] : []),
    ],
    actions: [...new Set(actions)],
  };
}

const TYPES = {
  'load-balancer': 'Microsoft.Network/loadBalancers',
  'application-gateway': 'Microsoft.Network/applicationGateways',
} as const;

async function definitionAt(clients: AzureClients, { subscriptionId }: AzureResource, guid: string, now: Instant, signal: AbortSignal) {
  const client = await clients.authorization({ subscriptionId });
  try {
    return await client.roleDefinitions.get(`subscriptions/${subscriptionId}`, guid, { abortSignal: signal });
  } catch (error) {
    const status = azureErrorOf(error, now)?.status;
    if (status === 403 || status === 404) return undefined;
    throw error;
  }
}

/** The GUID of the role definition that a role id stands for in this tenant. */
export function definitionOf(roleId: RoleId): string | undefined {
  if (roleId.startsWith(FOREIGN)) return roleId.slice(FOREIGN.length);
  return catalogueDefinitions('azure').find((definition) => definition.roleId === roleId)?.guid;
}
