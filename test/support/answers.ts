import type { AuditEvent, AuditKind } from '../../protocol/audit.ts';
import type { AuthorityId } from '../../protocol/model.ts';

type Field = keyof AuditEvent;

/** What is asked of each event beside when: that is in every one of them, by both clocks. */
const NOTHING: readonly Field[] = [];
const PERSON: readonly Field[] = ['person'];
/** Who, what, which resource, why. */
const REQUEST: readonly Field[] = ['person', 'resource', 'role', 'requestId', 'reason'];
/** And by which decision. */
const DECIDED: readonly Field[] = [...REQUEST, 'decision'];
const GRANT: readonly Field[] = [...DECIDED, 'grantId'];

const ANSWERS: Record<AuditKind, readonly Field[]> = {
  'request.intended': REQUEST,
  'request.created': REQUEST,
  'request.decided': DECIDED,
  // Entra PIM's approvers may decide about requests that were made elsewhere: by which decision is not known then.
  'request.approved': REQUEST,
  'request.denied': REQUEST,
  'request.cancelled': DECIDED,
  'request.expired': DECIDED,
  'request.failed': DECIDED,
  'grant.intended': GRANT,
  'grant.assigned': GRANT,
  'grant.usable': GRANT,
  'grant.unknown': GRANT,
  'grant.failed': GRANT,
  'grant.ending': GRANT,
  'grant.gone': GRANT,
  'lease.taken': GRANT,
  'lease.resumed': GRANT,
  'lease.lost': GRANT,
  'revocation.attempted': GRANT,
  'revocation.delayed': GRANT,
  'signed-in': PERSON,
  'signed-out': PERSON,
  'daemon.started': NOTHING,
  'daemon.heartbeat': NOTHING,
  'daemon.stopping': NOTHING,
  'journal.damaged': NOTHING,
  'record.received': PERSON,
  'record.forked': NOTHING,
  'central.started': NOTHING,
  'policy.loaded': NOTHING,
  'orphan.found': NOTHING,
  'orphan.gone': NOTHING,
  'drift.found': NOTHING,
  'store.damaged': NOTHING,
  'store.restored': NOTHING,
  'clock.jumped': NOTHING,
  'contact.lost': NOTHING,
  'contact.restored': NOTHING,
};

/** What events do not say that somebody would ask of them, one line each. */
export function unanswered(events: readonly AuditEvent[], decidedBy: AuthorityId = 'central'): string[] {
  return events.flatMap((event) => {
    const wanted = [...(ANSWERS[event.kind as AuditKind] ?? [])];
    // Whose approval Entra PIM had, it does not say.
    if (decidedBy === 'central' && /^(grant|lease|revocation)\./.test(event.kind)) wanted.push('approvedBy');
    const { successor } = event.data ?? {};
    // What goes on under another grant is no end.
    if (event.kind === 'grant.gone' && successor === undefined) wanted.push('lateBy', 'lateAfter');
    const missing: string[] = wanted.filter((field) => event[field] === undefined);
    if (!(event.at > 0 && event.boot > 0) || event.text === '') missing.push('when or what');
    if (event.decision?.policyVersion === '') missing.push('policy version');
    return missing.map((what) => `${event.source} ${event.seq}, ${event.kind}: no ${what}`);
  });
}
