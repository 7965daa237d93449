import type { RoleAssignmentScheduleInstance, RoleAssignmentScheduleRequest } from '@azure/arm-authorization';
import { type Clock, type Instant, type Millis, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { Problem } from '../../protocol/model.ts';
import type { Bound } from '../provider.ts';
import { aside } from './aside.ts';
import { type AzureError, codeOf } from './azure-error.ts';
import type { Elevation } from './elevation.ts';
import { isTooLong, problemOf } from './errors.ts';
import { meaningOf } from './request-status.ts';
import type { ScheduleRequests, Sent } from './schedule-requests.ts';

export interface Start {
  at: Elevation;
  body: () => RoleAssignmentScheduleRequest;
  /** Time-boxed rows of the same person, role and place. */
  rows: () => Promise<RoleAssignmentScheduleInstance[]>;
  approvers: () => Promise<Extract<Bound, { state: 'pending approval' }>['approvers']>;
  /** Longest time that the role's policy allows; undefined when it cannot be read. */
  longest: (signal: AbortSignal) => Promise<Millis | undefined>;
  shortestHold: Millis;
}

/** Whoever asks waits a minute in all, and Azure's last answer takes 15 s of it: a definite no must not become a lost answer. */
const PATIENCE: Millis = 30 * SECOND;
const TRY_AGAIN: Millis = 15 * SECOND;

const refused = (problem: Problem): Bound => ({ state: 'refused', problem });

/** Sends a request that starts an elevation, and finds out what became of it. Throws a `Fault` when that is not known. */
export async function startElevation(requests: ScheduleRequests, clock: Clock, start: Start, signal: AbortSignal): Promise<Bound> {
  const { at } = start;
  const began = clock.boot();
  for (;;) {
    if (at.notAfter <= clock.now())
      return refused({ code: 'too-late', message: 'The time of this elevation is over.', wayOut: 'Ask again.' });
    const sent = await requests.send(at, at.startName, start.body, signal);
    if ('request' in sent) return boundBy(requests, start, sent.request, signal);
    const ours = mayBeOurs(sent.refused) ? await requests.find(at, at.startName, signal) : undefined;
    if (ours) return boundBy(requests, start, ours, signal);
    const passing = await passes(sent.refused, start, clock);
    const isInTime = clock.boot() - began < PATIENCE && clock.now() + TRY_AGAIN < at.notAfter;
    if (!passing || !isInTime || !(await requests.waited(TRY_AGAIN, signal)))
      return refused(await problemOfSent(sent, start, passing, clock));
  }
}

/** A role that was released a moment ago is closing for about two minutes; a new account is not known everywhere at once. */
async function passes(error: AzureError, start: Start, clock: Clock): Promise<boolean> {
  const code = codeOf(error);
  if (code === 'RoleAssignmentExists') return !(await isActive(start, clock));
  return code === 'SubjectNotFound' || code === 'PrincipalNotFound';
}

/** A refusal of a second request like the first: the first one may have arrived although its answer did not. */
const mayBeOurs = (error: AzureError): boolean => error.status === 409 || /Exists|Pending/.test(codeOf(error));

/** Where the list may not be read, what Azure said stands. */
async function isActive({ rows }: Start, clock: Clock): Promise<boolean> {
  try {
    return (await rows()).some(({ endDateTime }) => endDateTime !== undefined && endDateTime.getTime() > clock.now());
  } catch {
    return true;
  }
}

async function problemOfSent(
  { refused: error, wayOut }: Extract<Sent, { refused: AzureError }>,
  { at, longest }: Start,
  passing: boolean,
  clock: Clock,
): Promise<Problem> {
  const known = { elevation: at, passing, ...(isTooLong(error) && { longest: await aside(clock, longest, undefined) }) };
  return { ...problemOf(error, known), ...(wayOut && { wayOut }) };
}

/** What became of a request that Azure has. */
export async function boundBy(
  requests: ScheduleRequests,
  start: Start,
  request: RoleAssignmentScheduleRequest,
  signal: AbortSignal,
): Promise<Bound> {
  const settled = await requests.settled(start.at, request, start.at.startName, signal);
  const meaning = meaningOf(settled.status);
  switch (meaning.is) {
    case 'active':
      return { state: 'assigned', ...releasable(settled, start.shortestHold) };
    case 'awaiting approval':
      return { state: 'pending approval', approvers: await start.approvers() };
    case 'refused':
      return refused(meaning.problem);
    case 'released':
      return refused({ code: 'too-late', message: 'This elevation was released already.', wayOut: 'Ask again.' });
    case 'locked':
      return refused({
        code: 'locked',
        message: 'A resource lock keeps Azure from making the assignment.',
        wayOut: 'An administrator must remove the lock.',
      });
    case 'moving':
    case 'unknown':
      throw new Fault('timed-out', `Azure did not say whether the elevation started (${settled.status ?? 'no status'}).`, {
        retryable: true,
      });
  }
}

/** By Azure's own clock: ours may differ. */
function releasable({ createdOn, scheduleInfo }: RoleAssignmentScheduleRequest, shortestHold: Millis): { releasableAt?: Instant } {
  const startedAt = Math.max(createdOn?.getTime() ?? 0, scheduleInfo?.startDateTime?.getTime() ?? 0);
  return startedAt === 0 ? {} : { releasableAt: startedAt + shortestHold };
}
