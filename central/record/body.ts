import type { AuditBody, AuditKind } from '../../protocol/audit.ts';
import type { Clock } from '../../protocol/clock.ts';
import type { GrantLife } from '../grants/life.ts';
import type { RequestLife } from '../requests/life.ts';

/** An event about a request: who asked for what, why, and how it was decided. */
export function aboutRequest(clock: Clock, request: RequestLife, kind: AuditKind, text: string, more: Partial<AuditBody> = {}): AuditBody {
  return {
    ...stamp(clock, kind, text),
    person: request.requester.person,
    resource: request.resource,
    role: request.role,
    requestId: request.id,
    grantId: request.grantId,
    reason: request.reason,
    ticket: request.ticket,
    decision: request.decision,
    ...more,
    data: { requester: request.requester.person.id, duration: request.duration, ...more.data },
  };
}

/** An event about a grant: the same questions answered, from its own row. */
export function aboutGrant(clock: Clock, life: GrantLife, kind: AuditKind, text: string, more: Partial<AuditBody> = {}): AuditBody {
  return {
    ...stamp(clock, kind, text),
    person: life.holder,
    resource: life.resource,
    role: life.role,
    requestId: life.requestId,
    grantId: life.id,
    reason: life.reason,
    ticket: life.ticket,
    decision: life.decision,
    approvedBy: life.approvedBy,
    ...more,
    data: { holder: life.holder.id, notAfter: life.notAfter, ...more.data },
  };
}

export function stamp(clock: Clock, kind: AuditKind, text: string): AuditBody {
  return { kind, at: clock.now(), boot: Math.round(clock.boot()), text: text.slice(0, 1_000) };
}
