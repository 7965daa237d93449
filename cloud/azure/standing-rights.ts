import type { RoleAssignmentScheduleRequest } from '@azure/arm-authorization';
import type { Clock } from '../../protocol/clock.ts';
import type { GrantId, ResourceId, RoleId } from '../../protocol/ids.ts';
import { catalogueDefinitions } from '../../roles/catalogue.ts';
import type { DirectRight, Order } from '../provider.ts';
import { overlaps } from './actions.ts';
import type { AzureClients } from './clients.ts';
import { GRANT_MARK } from './elevation.ts';
import { faultOf } from './errors.ts';
import { comparable, parseResource, resourceId, roleGuid } from './resource-id.ts';

/** Roles of the catalogue by the GUID that Azure knows them by. */
const CATALOGUE: ReadonlyMap<string, RoleId> = new Map(catalogueDefinitions('azure').map(({ guid, roleId }) => [guid, roleId]));

/**
 * Rights that stand and that this very identity has started with our mark, as the orders they were made by. What another
 * central of the same tenant gave is its own.
 * @param self The object id of this identity.
 * @throws Fault at the end, when a subscription could not be read.
 */
export async function* markedRights(clients: AzureClients, clock: Clock, self: string, signal: AbortSignal): AsyncGenerator<Order> {
  yield* eachSubscription(clients, clock, signal, async function* (subscriptionId) {
    const standing = await timeBoxedRights(clients, clock, subscriptionId, signal);
    if (standing.size === 0) return;
    const client = await clients.authorization({ subscriptionId });
    const requests = client.roleAssignmentScheduleRequests.listForScope(`subscriptions/${subscriptionId}`, { abortSignal: signal });
    for await (const request of requests) {
      const order = request.requestorId?.toLowerCase() === self ? orderOf(request) : undefined;
      if (order && order.notAfter > clock.now() && standing.has(rightOf(request))) yield order;
    }
  });
}

/**
 * Assignments to balancers or parts of them that allow changing them and that Azure does not end by itself.
 * @throws Fault at the end, when a subscription could not be read.
 */
export async function* directRights(clients: AzureClients, clock: Clock, signal: AbortSignal): AsyncGenerator<DirectRight> {
  yield* eachSubscription(clients, clock, signal, async function* (subscriptionId) {
    const client = await clients.authorization({ subscriptionId });
    const roles = new Map<string, Promise<Role>>();
    let boxed: Promise<ReadonlySet<string>> | undefined;
    for await (const row of client.roleAssignments.listForScope(`subscriptions/${subscriptionId}`, { abortSignal: signal })) {
      const resource = resourceId(row.scope ?? '');
      if (!row.id || !row.principalId || !row.roleDefinitionId || !parseResource(resource)) continue;
      const definition = row.roleDefinitionId;
      const role = await (roles.get(definition) ?? keep(roles, definition, () => roleOf(clients, subscriptionId, definition, signal)));
      boxed ??= timeBoxedRights(clients, clock, subscriptionId, signal);
      if (!role.writes || (await boxed).has(rightOf(row))) continue;
      yield { id: comparable(row.id), principalId: row.principalId.toLowerCase(), role: role.title, resource };
    }
  });
}

async function* eachSubscription<T>(
  clients: AzureClients,
  clock: Clock,
  signal: AbortSignal,
  read: (subscriptionId: string) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  let failed: { error: unknown } | undefined;
  try {
    const client = await clients.subscriptions();
    for await (const { subscriptionId } of client.subscriptions.list({ abortSignal: signal })) {
      if (!subscriptionId) continue;
      try {
        yield* read(subscriptionId);
      } catch (error) {
        // One that may not be read hides no other.
        failed ??= { error };
      }
    }
  } catch (error) {
    failed ??= { error };
  }
  if (failed) throw faultOf(failed.error, clock.now());
}

interface Row {
  scope?: string | undefined;
  roleDefinitionId?: string | undefined;
  principalId?: string | undefined;
}

const rightOf = ({ scope, roleDefinitionId, principalId }: Row): string =>
  JSON.stringify([comparable(scope ?? ''), roleGuid(roleDefinitionId ?? ''), principalId?.toLowerCase()]);

/** Rights that Azure ends by itself. One that was released is listed for minutes, but without an end. */
async function timeBoxedRights(
  clients: AzureClients,
  clock: Clock,
  subscriptionId: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const client = await clients.authorization({ subscriptionId });
  const found = new Set<string>();
  for await (const row of client.roleAssignmentScheduleInstances.listForScope(`subscriptions/${subscriptionId}`, { abortSignal: signal })) {
    if (row.endDateTime && row.endDateTime.getTime() > clock.now()) found.add(rightOf(row));
  }
  return found;
}

/** Undefined for a request that is not ours, or that an engineer made for themselves. */
function orderOf({
  requestType,
  justification,
  scope,
  principalId,
  roleDefinitionId,
  scheduleInfo,
  ticketInfo,
}: RoleAssignmentScheduleRequest): Order | undefined {
  const [mark] = GRANT_MARK.exec(justification ?? '') ?? [];
  const roleId = CATALOGUE.get(roleGuid(roleDefinitionId ?? ''));
  const notAfter = scheduleInfo?.expiration?.endDateTime?.getTime();
  const isOurs = requestType === 'AdminAssign' || requestType === 'AdminUpdate';
  if (!mark || !isOurs || !roleId || !principalId || notAfter === undefined || !scope) return undefined;
  return {
    grantId: mark.slice(-37, -1) as GrantId,
    principalId,
    roleId,
    resource: resourceId(comparable(scope)) as ResourceId,
    notAfter,
    reason: (justification ?? '').slice(0, -mark.length),
    // Azure has null for none.
    ...(ticketInfo?.ticketNumber ? { ticket: ticketInfo.ticketNumber } : {}),
  };
}

interface Role {
  title: string;
  writes: boolean;
}

/** What changes a balancer or a part of one. */
const CHANGES = ['loadBalancers', 'applicationGateways'].flatMap((type) =>
  ['write', 'delete', 'action'].map((verb) => `Microsoft.Network/${type}/*${verb}`),
);

async function roleOf(clients: AzureClients, subscriptionId: string, id: string, signal: AbortSignal): Promise<Role> {
  const client = await clients.authorization({ subscriptionId });
  const { roleName, permissions } = await client.roleDefinitions.getById(id, { abortSignal: signal });
  const actions = (permissions ?? []).flatMap(({ actions: allowed }) => allowed ?? []);
  // Without its notActions: a finding too many is better than one too few.
  const writes = actions.some((action) => CHANGES.some((change) => overlaps(action, change)));
  return { title: CATALOGUE.get(roleGuid(id)) ?? roleName ?? id, writes };
}

function keep<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const made = make();
  map.set(key, made);
  return made;
}
