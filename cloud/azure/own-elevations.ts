import type { RoleAssignmentScheduleInstance, RoleAssignmentScheduleRequest } from '@azure/arm-authorization';
import * as v from 'valibot';
import { type Clock, type Instant, MINUTE, type Millis } from '../../protocol/clock.ts';
import { GrantId } from '../../protocol/ids.ts';
import type { OwnElevation } from '../provider.ts';
import { atMost } from './at-most.ts';
import type { AzureClients } from './clients.ts';
import { GRANT_MARK } from './elevation.ts';
import { wordsFor } from './eligibility.ts';
import { millisOf } from './iso-duration.ts';
import { placeOf } from './place.ts';
import { startName } from './request-name.ts';
import { meaningOf } from './request-status.ts';
import { comparable, roleGuid } from './resource-id.ts';

/** The root of the tenant: one question for every subscription. */
const EVERYWHERE = '';
const ASKED_AT_ONCE = 4;
/** The list of what is active lags behind what was activated. */
const LIST_LAGS: Millis = 5 * MINUTE;

/** What the person activated in Entra PIM through Portcullis and may still have, or waits for: told by our mark and our names. */
export async function ownElevations(clients: AzureClients, clock: Clock, signal: AbortSignal): Promise<OwnElevation[]> {
  const client = await clients.authorization();
  const options = { filter: 'asTarget()', abortSignal: signal };
  const requests: RoleAssignmentScheduleRequest[] = [];
  for await (const one of client.roleAssignmentScheduleRequests.listForScope(EVERYWHERE, options)) requests.push(one);
  const ours = requests.filter((request) => grantOf(request) !== undefined);
  if (ours.length === 0) return [];
  const active: RoleAssignmentScheduleInstance[] = [];
  for await (const one of client.roleAssignmentScheduleInstances.listForScope(EVERYWHERE, options)) active.push(one);
  const found = await atMost(ASKED_AT_ONCE, ours, async (request): Promise<OwnElevation[]> => {
    const known = standing(request, active, clock.now());
    const grantId = grantOf(request);
    const place = placeOf(request.scope ?? '');
    if (!known || !grantId || !place) return [];
    const guid = roleGuid(request.roleDefinitionId ?? '');
    const roleName = request.expandedProperties?.roleDefinition?.displayName ?? guid;
    const words = await wordsFor(
      clients,
      place.resource,
      { roleGuid: guid, roleName, scope: place.resource.armId.slice(1) },
      clock.now(),
      signal,
    );
    if (!words) return [];
    const { id, title, enforcement, allows, actions } = words;
    const ticket = request.ticketInfo?.ticketNumber;
    return [
      {
        grantId,
        principalId: (request.principalId ?? '').toLowerCase(),
        resource: place.ref,
        role: { id, title, enforcement },
        allows,
        actions,
        reason: (request.justification ?? '').replace(GRANT_MARK, ''),
        ...(ticket ? { ticket } : {}),
        ...known,
      },
    ];
  });
  return found.flat();
}

/** The grant that a request started. Anybody may write our mark: only the name that follows from it shows that it is ours. */
function grantOf({ requestType, justification, name }: RoleAssignmentScheduleRequest): GrantId | undefined {
  if (requestType !== 'SelfActivate') return undefined;
  const marked = GRANT_MARK.exec(justification ?? '')?.[0].match(/[0-9a-f-]{36}/)?.[0];
  const id = v.safeParse(GrantId, marked);
  return id.success && name?.toLowerCase() === startName(id.output) ? id.output : undefined;
}

function standing(
  request: RoleAssignmentScheduleRequest,
  active: readonly RoleAssignmentScheduleInstance[],
  now: Instant,
): Pick<OwnElevation, 'state' | 'startedAt' | 'notAfter' | 'duration'> | undefined {
  const startedAt = Math.max(request.createdOn?.getTime() ?? 0, request.scheduleInfo?.startDateTime?.getTime() ?? 0);
  const duration = millisOf(request.scheduleInfo?.expiration?.duration ?? '');
  if (duration === undefined) return undefined;
  const { is } = meaningOf(request.status);
  if (is === 'awaiting approval') return { state: 'pending approval', startedAt, duration, notAfter: now + duration };
  if (is !== 'active' && is !== 'moving') return undefined;
  const row = active.find((one) => isSame(one, request) && one.endDateTime && one.endDateTime.getTime() > now);
  const notAfter = row?.endDateTime?.getTime() ?? startedAt + duration;
  const stands = row !== undefined || now < startedAt + LIST_LAGS;
  return stands && notAfter > now ? { state: 'assigned', startedAt, duration, notAfter } : undefined;
}

const isSame = (row: RoleAssignmentScheduleInstance, request: RoleAssignmentScheduleRequest): boolean =>
  comparable(row.scope ?? '') === comparable(request.scope ?? '') &&
  roleGuid(row.roleDefinitionId ?? '') === roleGuid(request.roleDefinitionId ?? '') &&
  row.principalId?.toLowerCase() === request.principalId?.toLowerCase();
