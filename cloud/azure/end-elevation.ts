import type { RoleAssignmentScheduleRequest } from '@azure/arm-authorization';
import { type Clock, type Instant, type Millis, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { GrantId } from '../../protocol/ids.ts';
import type { Unbound } from '../provider.ts';
import { aside } from './aside.ts';
import { type AzureError, azureErrorOf, codeOf } from './azure-error.ts';
import type { Elevation } from './elevation.ts';
import { problemOf } from './errors.ts';
import { millisOf } from './iso-duration.ts';
import { endName } from './request-name.ts';
import { meaningOf } from './request-status.ts';
import type { ScheduleRequests } from './schedule-requests.ts';

export interface End {
  at: Elevation;
  grantId: GrantId;
  requestType: 'SelfDeactivate' | 'AdminRemove';
  shortestHold: Millis;
  /** Locks that keep Azure from taking the right back, in words. */
  locks: (signal: AbortSignal) => Promise<string[]>;
}

const SOON: Millis = 15 * SECOND;

/**
 * Asks Azure to end an elevation of ours. What Azure says is taken for what it is worth: "does not exist" within the
 * first minutes means "not finished starting", and the role is active.
 */
export async function endElevation(requests: ScheduleRequests, clock: Clock, end: End, signal: AbortSignal): Promise<Unbound> {
  const { at } = end;
  let started: RoleAssignmentScheduleRequest | undefined;
  try {
    started = await requests.find(at, at.startName, signal);
  } catch (error) {
    const refused = azureErrorOf(error instanceof Fault ? error.cause : error, clock.now());
    if (refused?.status !== 403) throw error;
    // Nothing was sent: somebody must give this identity back what it may no longer read.
    return { state: 'stuck', problem: problemOf(refused) };
  }
  // Not our grant: removing it would take the same right from somebody who holds it otherwise.
  if (!started) return { state: 'nothing there' };
  const before = meaningOf(started.status);
  if (before.is === 'refused' || before.is === 'locked') return { state: 'nothing there' };
  if (before.is === 'awaiting approval') {
    await requests.cancel(at, at.startName, signal);
    return { state: 'accepted' };
  }
  const name = endName(end.grantId, clock.now());
  const sent = await requests.send(at, name, () => body(end), signal);
  const request = 'request' in sent ? sent.request : isOwn(sent.refused) ? await requests.find(at, name, signal) : undefined;
  if (request) return endedBy(await requests.settled(at, request, name, signal), end, clock);
  return 'refused' in sent ? refusedEnd(sent.refused, started, end, clock) : { state: 'nothing there' };
}

const body = ({ at, requestType }: End): RoleAssignmentScheduleRequest => ({
  principalId: at.principalId,
  roleDefinitionId: at.roleDefinitionId,
  requestType,
  justification: at.justification,
});

/** This minute's request was sent before: a repeated one is answered by its name. */
const isOwn = (error: AzureError): boolean => error.status === 409 || /Exists|Pending/.test(codeOf(error));

/** Azure says that there is a lock, not which: asked for, so that somebody can remove it. */
async function locked({ locks }: End, error: AzureError, clock: Clock): Promise<Unbound> {
  const named = await aside(clock, locks, []);
  return { state: 'stuck', problem: problemOf(error, { locks: named }) };
}

async function endedBy({ status }: RoleAssignmentScheduleRequest, end: End, clock: Clock): Promise<Unbound> {
  const meaning = meaningOf(status);
  switch (meaning.is) {
    case 'released':
    case 'active': // Azure's word for "the removal is done" in some answers.
      return { state: 'accepted' };
    case 'locked':
      return locked(end, { status: 409, code: 'FailedAsResourceIsLocked', message: '' }, clock);
    case 'refused':
      return { state: 'stuck', problem: meaning.problem };
    case 'awaiting approval':
    case 'moving':
    case 'unknown':
      return { state: 'not yet', again: clock.now() + SOON, why: `Azure is still at work on the release (${status ?? 'no status'})` };
  }
}

async function refusedEnd(error: AzureError, started: RoleAssignmentScheduleRequest, end: End, clock: Clock): Promise<Unbound> {
  const { at, shortestHold } = end;
  const now = clock.now();
  const startedAt = startOf(started) ?? now;
  // What was prolonged had started before, at an instant that its own request does not tell.
  const allowedAt = started.requestType === 'AdminUpdate' ? now : startedAt + shortestHold;
  switch (codeOf(error)) {
    case 'ActiveDurationTooShort':
      return {
        state: 'not yet',
        again: allowedAt > now ? allowedAt : now + SOON,
        why: 'Azure does not release an elevation in its first minutes',
      };
    case 'RoleAssignmentDoesNotExist': {
      const isOver = now >= endOf(started, startedAt, at.notAfter);
      const isStarting = meaningOf(started.status).is === 'moving';
      if (isOver || (now >= allowedAt && !isStarting)) return { state: 'nothing there' };
      return { state: 'not yet', again: now + SOON, why: 'Azure has not finished starting the elevation' };
    }
    case 'PendingRoleAssignmentRequest': // An earlier minute's release of ours may be on the move.
      return { state: 'not yet', again: now + SOON, why: 'Azure is still at work on another request for this role' };
  }
  if (error.status === 429) return { state: 'not yet', again: now + (error.retryAfter ?? SOON), why: 'Azure is asked too often' };
  const problem = problemOf(error, { elevation: at });
  return problem.code === 'locked' ? locked(end, error, clock) : { state: 'stuck', problem };
}

const startOf = ({ createdOn, scheduleInfo }: RoleAssignmentScheduleRequest): Instant | undefined => {
  const at = Math.max(createdOn?.getTime() ?? 0, scheduleInfo?.startDateTime?.getTime() ?? 0);
  return at === 0 ? undefined : at;
};

/** When Azure ends it by itself. */
function endOf({ scheduleInfo }: RoleAssignmentScheduleRequest, startedAt: Instant, notAfter: Instant): Instant {
  const { endDateTime, duration } = scheduleInfo?.expiration ?? {};
  if (endDateTime) return endDateTime.getTime();
  const length = duration === undefined ? undefined : millisOf(duration);
  return length === undefined ? notAfter : startedAt + length;
}
