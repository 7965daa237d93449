import { type AuditBody, type AuditKind, canonicalJson } from '../../protocol/audit.ts';
import type { Instant, Millis } from '../../protocol/clock.ts';
import type { GrantId, RequestId } from '../../protocol/ids.ts';
import { isOpen, mayRequestMove } from '../../protocol/lifecycle.ts';
import type { Approval, Decision, Person, Problem, RequestState, ResourceRef, RoleRef } from '../../protocol/model.ts';
import { decidedWords } from '../../protocol/record-words.ts';
import { type Actor, sameHuman } from '../people/actor.ts';
import type { Target } from '../policy/facts.ts';
import type { Requirement } from '../policy/rule.ts';

/** Everything central knows of one elevation request: kept in the store as it stands here. */
export interface RequestLife {
  id: RequestId;
  requester: Actor;
  resource: ResourceRef;
  /** What the policy was told about the resource. */
  target: Target;
  role: RoleRef;
  allows: string[];
  actions: string[];
  duration: Millis;
  reason: string;
  ticket?: string | undefined;
  follows?: GrantId | undefined;
  state: RequestState;
  createdAt: Instant;
  lapsesAt: Instant;
  decision?: Decision | undefined;
  /** Any one of them suffices. Empty unless approval is needed. */
  requirements: Requirement[];
  approvals: GivenApproval[];
  grantId?: GrantId | undefined;
  problem?: Problem | undefined;
}

/** An approval with what is needed to count humans, not accounts. */
export interface GivenApproval extends Approval {
  keys: readonly string[];
  groups: readonly string[];
  /** Hex SHA-256 of the `essence` that was approved: an approval is for that very request and no other. */
  over: string;
}

export type RequestEvent =
  | { type: 'decided'; decision: Decision; requirements: Requirement[] }
  | { type: 'approved by'; approval: GivenApproval }
  /** Decided again at the moment of granting; power follows as grant `grantId`. */
  | { type: 'granted'; decision: Decision; grantId: GrantId }
  | { type: 'denied by'; approval: GivenApproval }
  | { type: 'cancelled' }
  | { type: 'lapsed' }
  | { type: 'failed'; problem: Problem };

export interface RequestStep {
  request: RequestLife;
  records: { kind: AuditKind; text: string; more?: Pick<AuditBody, 'person' | 'reason' | 'decision' | 'data'> }[];
}

/** The whole life of a request after its creation. Pure and total: an event that means nothing in this state changes nothing. */
export function stepRequest(request: RequestLife, event: RequestEvent): RequestStep {
  const { requester, role, resource } = request;
  const what = `${role.title} on ${resource.name}`;
  if (!isOpen(request.state) && event.type !== 'failed') return { request, records: [] };
  switch (event.type) {
    case 'decided': {
      const { decision, requirements } = event;
      const decided = { ...request, decision, requirements };
      const record = { kind: 'request.decided' as const, text: decidedWords(decision), more: { decision } };
      if (decision.outcome === 'granted') return { request: decided, records: [record] };
      if (decision.outcome === 'needs approval') {
        const waiting = request.state === 'pending approval' ? decided : move(decided, 'pending approval');
        return { request: waiting, records: [record] };
      }
      const text = `${requester.person.name} does not get ${what}`;
      return { request: move(decided, 'denied'), records: [record, { kind: 'request.denied', text }] };
    }
    case 'approved by': {
      const { person, reason, over } = event.approval;
      const more = { person, reason, data: { over } };
      const records = [{ kind: 'request.approved' as const, text: `${person.name} approved ${what} for ${requester.person.name}`, more }];
      return { request: { ...request, approvals: [...request.approvals, event.approval] }, records };
    }
    case 'granted':
      return { request: { ...move(request, 'approved'), decision: event.decision, grantId: event.grantId }, records: [] };
    case 'denied by': {
      const { person, reason } = event.approval;
      const denied = { ...move(request, 'denied'), approvals: [...request.approvals, event.approval] };
      const text = `${person.name} denied ${what} for ${requester.person.name}`;
      return { request: denied, records: [{ kind: 'request.denied', text, more: { person, reason } }] };
    }
    case 'cancelled':
      return {
        request: move(request, 'cancelled'),
        records: [{ kind: 'request.cancelled', text: `${requester.person.name} cancelled ${what}` }],
      };
    case 'lapsed': {
      const text = `Nobody decided about ${what} for ${requester.person.name} in time`;
      return { request: move(request, 'expired'), records: [{ kind: 'request.expired', text }] };
    }
    case 'failed': {
      if (!mayRequestMove(request.state, 'failed')) return { request, records: [] };
      const text = `${requester.person.name} could not be given ${what}: ${event.problem.message}`;
      return { request: { ...move(request, 'failed'), problem: event.problem }, records: [{ kind: 'request.failed', text }] };
    }
  }
}

/** What is asked, in canonical bytes: everything that an approval covers. */
export const essence = ({ id, requester, resource, role, actions, duration, reason, ticket, follows }: RequestLife): string =>
  canonicalJson({ id, requester: requester.keys, resource: resource.id, role: role.id, actions, duration, reason, ticket, follows });

/**
 * Enough distinct humans said yes to this very request. One human in two groups, or with two accounts, is one.
 * @param over Hash of the request's `essence` as it is now.
 */
export function isSatisfied(
  requirements: readonly Requirement[],
  { approvals, requester }: Pick<RequestLife, 'approvals' | 'requester'>,
  over: string,
): boolean {
  return requirements.some(({ needed, group }) => {
    const humans: GivenApproval[] = [];
    for (const approval of approvals) {
      if (approval.verdict !== 'approved' || approval.over !== over || !group || !approval.groups.includes(group)) continue;
      if (sameHuman(approval.keys, requester.keys) || humans.some(({ keys }) => sameHuman(keys, approval.keys))) continue;
      humans.push(approval);
    }
    return humans.length >= needed;
  });
}

export const approvers = ({ approvals }: RequestLife): Person[] =>
  approvals.filter(({ verdict }) => verdict === 'approved').map(({ person }) => person);

function move(request: RequestLife, to: RequestState): RequestLife {
  if (!mayRequestMove(request.state, to)) throw new Error(`A request cannot go from ${request.state} to ${to}`);
  return { ...request, state: to };
}
