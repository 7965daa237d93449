import type { RequestId } from '../../protocol/ids.ts';
import type { ElevationRequest, Grant } from '../../protocol/model.ts';
import type { DaemonState } from '../../protocol/state.ts';
import { believed, grantNote } from './views/grant.ts';
import { approversWords } from './views/request.ts';
import { clockTime, type Now } from './views/time.ts';

export interface Progress {
  /** One line for a person. */
  said: string;
  request?: ElevationRequest | undefined;
  grant?: Grant | undefined;
  /** Absent while it may still come to a usable grant. */
  end?: 'usable' | 'refused' | undefined;
}

/** How an elevation stands, from request to usable or to no. Undefined while the daemon has not heard of it. */
export function progressOf(state: DaemonState, requestId: RequestId, at: Now): Progress | undefined {
  const request = state.requests[requestId];
  const raw = Object.values(state.grants).find((grant) => grant.requestId === requestId);
  const grant = raw && believed(raw, state);
  if (grant) return { request, grant, ...ofGrant(grant, at) };
  return request && { request, ...ofRequest(request, at) };
}

function ofRequest(request: ElevationRequest, at: Now): Pick<Progress, 'said' | 'end'> {
  switch (request.state) {
    case 'requested':
      return { said: 'Requested' };
    case 'pending approval': {
      const whom = request.approvers ? ` by ${approversWords(request.approvers)}` : '';
      return { said: `Waiting for approval${whom} until ${clockTime(request.lapsesAt, at)}` };
    }
    case 'approved':
      return { said: 'Approved' };
    case 'denied':
      return { said: deniedWords(request), end: 'refused' };
    case 'cancelled':
      return { said: 'The request was cancelled', end: 'refused' };
    case 'expired':
      return { said: 'Nobody decided in time', end: 'refused' };
    case 'failed':
      return { said: request.problem?.message ?? 'The request failed', end: 'refused' };
  }
}

function deniedWords(request: ElevationRequest): string {
  const denial = request.approvals.find(({ verdict }) => verdict === 'denied');
  if (denial) return `Denied by ${denial.person.name}${denial.reason ? `: ${denial.reason}` : ''}`;
  return `Refused: ${request.decision?.because ?? request.problem?.message ?? 'no reason was given'}`;
}

function ofGrant(grant: Grant, at: Now): Pick<Progress, 'said' | 'end'> {
  const note = grantNote(grant);
  switch (grant.state) {
    case 'activating':
      return { said: note || 'Approved, activating' };
    case 'assigned':
      return { said: note || 'Assigned, waiting until access works' };
    case 'usable':
      return { said: `Usable until ${clockTime(grant.notAfter, at)}`, end: 'usable' };
    case 'unknown':
      return { said: `Not known${note ? `: ${note}` : ''}` };
    case 'failed':
      return { said: note || 'Access could not be given', end: 'refused' };
    case 'revoking':
    case 'gone':
      return { said: `It ended before it was usable${grant.endReason ? ` (${grant.endReason})` : ''}`, end: 'refused' };
  }
}
