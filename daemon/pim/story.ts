import type { AuditBody } from '../../protocol/audit.ts';
import type { Instant } from '../../protocol/clock.ts';
import { lateAfter } from '../../protocol/lateness.ts';
import { decidedWords, endWords, proofWords } from '../../protocol/record-words.ts';
import type { PimLease } from './lease.ts';

type Told = Omit<AuditBody, 'at' | 'boot'>;

/** What goes to the record about a step: compares the lease before and after. `undefined` before: it is new. */
export function story(before: PimLease | undefined, after: PimLease, now: Instant): Told[] {
  const told: Told[] = [];
  const tell = (kind: AuditBody['kind'], text: string, more: Partial<Told> = {}) => told.push({ ...about(after), kind, text, ...more });
  const what = `${after.role.title} on ${after.resource.name}`;
  if (!before) {
    tell('request.created', `${after.person.name} asks for ${what}`);
    tell('request.decided', decidedWords(after.decision));
    tell('grant.intended', `Asking Entra PIM to activate ${what}`);
    return told;
  }
  if (before.doubt === undefined && after.doubt !== undefined) tell('grant.unknown', after.doubt);
  if (!before.alarmed && after.alarmed)
    tell(
      'revocation.delayed',
      `${after.person.name} may still have ${what}. ${after.awaiting ?? 'Entra PIM has not accepted the end yet'}`,
      {
        lateBy: now - (after.endingAt ?? now),
        lateAfter: lateAfter(after),
      },
    );
  if (before.phase === after.phase) return told;
  switch (after.phase) {
    case 'assigned':
      if (before.phase === 'waiting') tell('request.approved', `Approvers in Entra PIM agreed to ${what}`);
      tell('grant.assigned', `Entra PIM activated ${what}`);
      tell('lease.taken', `This daemon holds ${what}`);
      break;
    case 'usable':
      if (before.usableAt === undefined) tell('grant.usable', `${after.person.name} can use ${what}`);
      break;
    case 'releasing':
      if (before.phase !== 'proving')
        tell('grant.ending', `Taking ${what} back from ${after.person.name}: ${endWords(after.endReason ?? 'revoked')}`);
      break;
    case 'gone':
      tell('grant.gone', `${after.person.name} no longer has ${what}: ${proofWords(after.proof ?? 'denied')}`, {
        ...late(after),
        data: { proof: after.proof ?? 'denied' },
      });
      break;
    case 'failed':
      tell('request.failed', because(`Entra PIM did not activate ${what}`, after));
      if (before.shown) tell('grant.failed', `${after.person.name} never had ${what}`);
      break;
    case 'denied':
      tell('request.denied', because(`Approvers in Entra PIM denied ${what}`, after));
      break;
    case 'cancelled':
      tell('request.cancelled', `${after.person.name} took back the request for ${what}`);
      break;
    case 'lapsed':
      tell('request.expired', `Nobody decided about ${what} in time`);
      break;
  }
  return told;
}

const because = (text: string, { problem }: PimLease): string => (problem ? `${text}: ${problem.message}` : text);

const late = (lease: PimLease): Pick<Told, 'lateBy' | 'lateAfter'> => {
  const { endingAt, goneAt } = lease;
  return endingAt === undefined || goneAt === undefined ? {} : { lateBy: Math.max(0, goneAt - endingAt), lateAfter: lateAfter(lease) };
};

export function about(
  lease: PimLease,
): Pick<Told, 'person' | 'resource' | 'role' | 'requestId' | 'grantId' | 'reason' | 'ticket' | 'decision'> {
  const { person, resource, role, requestId, grantId, reason, ticket, decision } = lease;
  return { person, resource, role, requestId, grantId, reason, ticket, decision };
}
