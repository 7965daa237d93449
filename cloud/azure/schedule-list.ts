import type { RoleAssignmentScheduleInstance } from '@azure/arm-authorization';
import type { AzureClients } from './clients.ts';
import type { Elevation } from './elevation.ts';
import { comparable, roleGuid } from './resource-id.ts';

interface Row {
  scope?: string | undefined;
  roleDefinitionId?: string | undefined;
  principalId?: string | undefined;
}

const isOf = (row: Row, at: Elevation): boolean =>
  comparable(row.scope ?? '') === comparable(at.scope) &&
  roleGuid(row.roleDefinitionId ?? '') === at.roleGuid.toLowerCase() &&
  row.principalId?.toLowerCase() === at.principalId.toLowerCase();

/**
 * Time-boxed assignments of exactly this person, role and place, as the list says. The list lags both ways. For minutes
 * after a release it shows a row without an end: no grant of ours is without one, so such a row is not counted.
 * @param filter What the identity may ask: everybody's (`principalId eq …`) or only its own (`asTarget()`).
 */
export async function timeBoxed(
  clients: AzureClients,
  at: Elevation,
  filter: string,
  signal: AbortSignal,
): Promise<RoleAssignmentScheduleInstance[]> {
  const client = await clients.authorization({ subscriptionId: at.subscriptionId });
  const found: RoleAssignmentScheduleInstance[] = [];
  for await (const row of client.roleAssignmentScheduleInstances.listForScope(at.scope, { filter, abortSignal: signal })) {
    if (isOf(row, at) && row.endDateTime) found.push(row);
  }
  return found;
}

/** Whether the plain list of assignments has exactly this person, role and place: it shows those of PIM as well. */
export async function isAssigned(clients: AzureClients, at: Elevation, signal: AbortSignal): Promise<boolean> {
  const client = await clients.authorization({ subscriptionId: at.subscriptionId });
  for await (const row of client.roleAssignments.listForScope(at.scope, { filter: filterFor(at), abortSignal: signal })) {
    if (isOf(row, at)) return true;
  }
  return false;
}

export const filterFor = ({ principalId }: Pick<Elevation, 'principalId'>): string =>
  `principalId eq '${principalId.replaceAll("'", "''")}'`;
