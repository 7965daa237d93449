import type { AuditBody } from '../../protocol/audit.ts';
import type { PimLease } from './lease.ts';

type Told = Omit<AuditBody, 'at' | 'boot'>;

/** What goes to the record about a step: compares the lease before and after. `undefined` before: it is new. */
export function story(before: PimLease | undefined, after: PimLease): Told[] {
  const told: Told[] = [];
  const tell = (kind: AuditBody['kind'], text: string, more: Partial<Told> = {}) => told.push({ ...about(after), kind, text, ...more });
  const what = `${after.role.title} on ${after.resource.name}`;
  if (!before) {
    tell('request.created', `Asked for ${what}`, { decision: after.decision });
    tell('request.decided', after.decision.because, { decision: after.decision });
    tell('grant.intended', `Activation of ${what} is about to be sent to Entra PIM`);
    return told;
  }
  if (before.doubt === undefined && after.doubt !== undefined) tell('grant.unknown', after.doubt);
  if (before.phase === after.phase) return told;
  switch (after.phase) {
    case 'assigned':
      if (before.phase === 'waiting') tell('request.approved', `Approved in Entra PIM: ${what}`);
      tell('grant.assigned', `Assigned: ${what}`);
      tell('lease.taken', `This daemon holds ${what}`);
      break;
    case 'usable':
      if (before.usableAt === undefined) tell('grant.usable', `Usable: ${what}`);
      break;
    case 'releasing':
      if (before.phase !== 'proving')
        tell('grant.ending', `Ending (${after.endReason ?? 'revoked'}): ${what}`, { lateBy: late(after, after.endingAt) });
      break;
    case 'gone':
      tell('grant.gone', `Gone: ${what}`, { lateBy: late(after, after.goneAt), data: { proof: after.proof ?? 'denied' } });
      break;
    case 'failed':
      tell('request.failed', after.problem?.message ?? `Entra PIM did not activate ${what}`);
      if (before.shown) tell('grant.failed', `Never assigned: ${what}`);
      break;
    case 'denied':
      tell('request.denied', after.problem?.message ?? `Denied in Entra PIM: ${what}`);
      break;
    case 'cancelled':
      tell('request.cancelled', `Taken back: ${what}`);
      break;
    case 'lapsed':
      tell('request.expired', `Nobody decided in time: ${what}`);
      break;
  }
  return told;
}

/** How long after the end was asked for, or fell due. */
const late = ({ endingAt }: PimLease, at: number | undefined): number | undefined =>
  endingAt === undefined || at === undefined ? undefined : Math.max(0, at - endingAt);

export function about(lease: PimLease): Pick<Told, 'person' | 'resource' | 'role' | 'requestId' | 'grantId' | 'reason' | 'ticket'> {
  const { person, resource, role, requestId, grantId, reason, ticket } = lease;
  return { person, resource, role, requestId, grantId, reason, ticket };
}
