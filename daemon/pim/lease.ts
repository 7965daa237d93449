import * as v from 'valibot';
import type { Order } from '../../cloud/provider.ts';
import { GrantId, RequestId } from '../../protocol/ids.ts';
import { Approval, Approvers, Decision, EndReason, Person, Problem, ResourceRef, RoleRef } from '../../protocol/model.ts';

/** What a date can be: a damaged row with an end beyond all time would never be ended. */
const instant = v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15));
const amount = v.pipe(v.number(), v.minValue(0), v.finite());

/**
 * `intended`: durable, the cloud is being asked · `waiting`: for the cloud's approvers · `cancelling`: taking that request back ·
 * `assigned` · `usable` · `releasing`: the cloud has not accepted the end yet · `proving`: it has; denial is awaited ·
 * then the ends: `gone`, `failed` (never assigned), `denied`, `cancelled`, `lapsed`.
 */
export const Phase = v.picklist([
  'intended',
  'waiting',
  'cancelling',
  'assigned',
  'usable',
  'releasing',
  'proving',
  'gone',
  'failed',
  'denied',
  'cancelled',
  'lapsed',
]);
export type Phase = v.InferOutput<typeof Phase>;

/** One elevation through Entra PIM, from intent to gone, as the journal keeps it. No secrets. */
export const PimLease = v.object({
  grantId: GrantId,
  requestId: RequestId,
  person: Person,
  resource: ResourceRef,
  role: RoleRef,
  allows: v.array(v.string()),
  actions: v.array(v.string()),
  duration: amount,
  reason: v.string(),
  ticket: v.optional(v.string()),
  decision: Decision,
  approvers: v.optional(Approvers),
  approvals: v.array(Approval),
  createdAt: instant,
  lapsesAt: instant,
  phase: Phase,
  /** The end that goes to the cloud. With approvers it begins to run when they have decided. */
  notAfter: instant,
  /** Whether power may stand, so that the screen shows a grant beside the request. */
  shown: v.boolean(),
  /** The cloud has confirmed that this activation was applied. Without it an absence proves nothing for a while. */
  confirmed: v.boolean(),
  /** Why the last good news is no news. */
  doubt: v.optional(v.string()),
  usableAt: v.optional(instant),
  endingAt: v.optional(instant),
  endReason: v.optional(EndReason),
  endedBy: v.optional(Person),
  /** When the cloud accepted the end, or said that there is nothing to end. */
  releasedAt: v.optional(instant),
  goneAt: v.optional(instant),
  proof: v.optional(v.picklist(['denied', 'absent'])),
  awaiting: v.optional(v.string()),
  releasableAt: v.optional(instant),
  problem: v.optional(Problem),
  /** Checks and failed tries within the phase, for growing intervals. */
  checks: amount,
  tries: amount,
  /** Denials in a row: while it should be usable, or once it should be over. */
  denials: amount,
  /** When the cloud was last asked to release. */
  releaseAskedAt: v.optional(instant),
  /** The wall clock was set then: a wait that began with `createdAt` began anew. */
  countedFrom: v.optional(instant),
  /** When to act next. */
  nextAt: instant,
  next: v.picklist(['activate', 'poll', 'cancel', 'check', 'release', 'look', 'nothing']),
  /** An end that takes longer than a minute was reported. */
  alarmed: v.boolean(),
});
export type PimLease = v.InferOutput<typeof PimLease>;

export const isOver = ({ phase }: Pick<PimLease, 'phase'>): boolean =>
  phase === 'gone' || phase === 'failed' || phase === 'denied' || phase === 'cancelled' || phase === 'lapsed';

export function orderOf(lease: PimLease): Order {
  return {
    grantId: lease.grantId,
    principalId: lease.person.id,
    roleId: lease.role.id,
    resource: lease.resource.id,
    notAfter: lease.notAfter,
    reason: lease.reason,
    ticket: lease.ticket,
  };
}
