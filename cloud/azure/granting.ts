import type { RoleAssignmentScheduleRequest } from '@azure/arm-authorization';
import type { Clock } from '../../protocol/clock.ts';
import type { ResourceId, RoleId } from '../../protocol/ids.ts';
import type { Problem } from '../../protocol/model.ts';
import { type CatalogueEntry, catalogueRoles } from '../../roles/catalogue.ts';
import type { Bound, CatalogueRole, Granting, Order, StandingRights } from '../provider.ts';
import { azureClients } from './clients.ts';
import { type Elevation, elevationOf } from './elevation.ts';
import { endElevation } from './end-elevation.ts';
import { faultOf } from './errors.ts';
import { locksAt } from './locks.ts';
import { personOf } from './person.ts';
import { longestAssignmentAt } from './pim-rules.ts';
import { kindOf, parseResource } from './resource-id.ts';
import { filterFor, isAssigned, timeBoxed } from './schedule-list.ts';
import { ScheduleRequests } from './schedule-requests.ts';
import { type AzureSettings, PROPAGATION, SHORTEST_HOLD } from './settings.ts';
import type { SharedTokens } from './shared-tokens.ts';
import { directRights, markedRights } from './standing-rights.ts';
import { startElevation } from './start-elevation.ts';

/**
 * Mode B: an administrator's assignment under Entra PIM that Azure itself ends at the order's instant. The end is
 * absolute, so that no retry and no delay lengthens it.
 */
export function azureGranting(tokens: SharedTokens, settings: AzureSettings, clock: Clock): Granting & StandingRights {
  const clients = azureClients(tokens, settings);
  const requests = new ScheduleRequests(clients, tokens, clock);
  const shortestHold = settings.shortestHold ?? SHORTEST_HOLD;

  async function begin(order: Order, requestType: 'AdminAssign' | 'AdminUpdate', signal: AbortSignal): Promise<Bound> {
    const role = nativeRole(order.resource, order.roleId);
    if (!role) return { state: 'refused', problem: notBindable(order.roleId) };
    const at = elevationOf(order, role.definition);
    const start = {
      at,
      body: () => body(at, requestType),
      rows: () => timeBoxed(clients, at, filterFor(at), signal),
      // Azure asks nobody for an administrator's assignment.
      approvers: async () => ({ needed: 1, people: [] }),
      // What is prolonged started before, so that its release is allowed at once or soon.
      longest: (soon: AbortSignal) => longestAssignmentAt(clients, settings, at, soon),
      shortestHold: requestType === 'AdminUpdate' ? 0 : shortestHold,
    };
    return startElevation(requests, clock, start, signal).catch((error) => {
      throw faultOf(error, clock.now());
    });
  }

  return {
    propagation: settings.propagation ?? PROPAGATION,
    bind: (order, signal) => begin(order, 'AdminAssign', signal),
    prolong: (_from, to, signal) => begin(to, 'AdminUpdate', signal),
    async unbind(order, signal) {
      const role = nativeRole(order.resource, order.roleId);
      if (!role) return { state: 'nothing there' };
      const locks = (soon: AbortSignal) => locksAt(clients, settings, order.resource, soon);
      const at = elevationOf(order, role.definition);
      const end = { at, grantId: order.grantId, requestType: 'AdminRemove', shortestHold, locks } as const;
      return endElevation(requests, clock, end, signal).catch((error) => {
        throw faultOf(error, clock.now());
      });
    },
    async standing(order, signal) {
      const role = nativeRole(order.resource, order.roleId);
      if (!role) return 'absent';
      const at = elevationOf(order, role.definition);
      try {
        const rows = await timeBoxed(clients, at, filterFor(at), signal);
        return rows.length > 0 || (await isAssigned(clients, at, signal)) ? 'standing' : 'absent';
      } catch (error) {
        throw faultOf(error, clock.now());
      }
    },
    async *ours(signal) {
      const { id } = await personOf(tokens, settings, signal).catch((error) => {
        throw faultOf(error, clock.now());
      });
      yield* markedRights(clients, clock, id, signal);
    },
    direct: (signal) => directRights(clients, clock, signal),
    roles: (resource) => rolesOn(resource).map(shown),
  };
}

function body(at: Elevation, requestType: 'AdminAssign' | 'AdminUpdate'): RoleAssignmentScheduleRequest {
  return {
    principalId: at.principalId,
    roleDefinitionId: at.roleDefinitionId,
    requestType,
    justification: at.justification,
    ...(at.ticketInfo && { ticketInfo: at.ticketInfo }),
    scheduleInfo: { expiration: { type: 'AfterDateTime', endDateTime: new Date(at.notAfter) } },
  };
}

function rolesOn(resource: ResourceId): CatalogueEntry[] {
  const parsed = parseResource(resource);
  const kind = parsed && kindOf(parsed);
  return kind ? catalogueRoles('azure', kind) : [];
}

function nativeRole(resource: ResourceId, roleId: RoleId): { definition: string } | undefined {
  const entry = rolesOn(resource).find(({ id }) => id === roleId);
  return entry?.definition === undefined ? undefined : { definition: entry.definition };
}

const shown = ({ definition: _, ...role }: CatalogueEntry): CatalogueRole => role;

const notBindable = (roleId: RoleId): Problem => ({
  code: 'unsupported',
  message: `Azure cannot enforce the role "${roleId}" on this resource.`,
  wayOut: 'Choose a role that is marked native here.',
});
