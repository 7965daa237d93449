import type { ElevationRequest, Grant, GrantState, RequestState } from '../../protocol/model.ts';
import type { PimLease } from './lease.ts';

/** What the screen shows as the request. */
export function requestOf(lease: PimLease): ElevationRequest {
  return {
    id: lease.requestId,
    authority: 'pim',
    resource: lease.resource,
    role: lease.role,
    allows: lease.allows,
    actions: lease.actions,
    duration: lease.duration,
    reason: lease.reason,
    ticket: lease.ticket,
    requester: lease.person,
    mine: true,
    mayDecide: false,
    state: requestState(lease),
    createdAt: lease.createdAt,
    lapsesAt: lease.lapsesAt,
    decision: lease.decision,
    approvers: lease.approvers,
    approvals: lease.approvals,
    ...(lease.shown ? { grantId: lease.grantId } : {}),
    ...(lease.phase === 'failed' || lease.phase === 'denied' ? { problem: lease.problem } : {}),
  };
}

/** What the screen shows as the grant; undefined while no power can stand. */
export function grantOf(lease: PimLease): Grant | undefined {
  if (!lease.shown) return undefined;
  return {
    id: lease.grantId,
    requestId: lease.requestId,
    authority: 'pim',
    resource: lease.resource,
    role: lease.role,
    holder: lease.person,
    mine: true,
    reason: lease.reason,
    ticket: lease.ticket,
    state: grantState(lease),
    createdAt: lease.createdAt,
    notAfter: lease.notAfter,
    usableAt: lease.usableAt,
    endingAt: lease.endingAt,
    endReason: lease.endReason,
    endedBy: lease.endedBy,
    goneAt: lease.goneAt,
    proof: lease.proof,
    awaiting: (lease.doubt ?? lease.awaiting)?.slice(0, 500),
    releasableAt: lease.releasableAt,
    extendable: { ok: false, why: 'Entra PIM cannot extend an activation. Revoke it and ask again.' },
    problem: lease.problem,
  };
}

function grantState({ phase, doubt }: PimLease): GrantState {
  switch (phase) {
    case 'intended':
      return 'activating';
    case 'assigned':
    case 'usable':
      return doubt === undefined ? phase : 'unknown';
    case 'gone':
      return 'gone';
    case 'failed':
    case 'denied':
    case 'cancelled':
    case 'lapsed':
      return 'failed';
    default:
      return 'revoking';
  }
}

function requestState({ phase }: PimLease): RequestState {
  switch (phase) {
    case 'intended':
      return 'requested';
    case 'waiting':
    case 'cancelling':
      return 'pending approval';
    case 'denied':
    case 'cancelled':
    case 'failed':
      return phase;
    case 'lapsed':
      return 'expired';
    default:
      return 'approved';
  }
}
