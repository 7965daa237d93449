import type { AuditEvent, AuditKind } from '../protocol/audit.ts';

/** How an event is marked. Each has a shape of its own, so that colour is never alone. */
export type Tone = 'wait' | 'good' | 'end' | 'bad' | 'note';

const KINDS: Record<AuditKind, readonly [label: string, tone: Tone]> = {
  'request.intended': ['Asking', 'wait'],
  'request.created': ['Requested', 'wait'],
  'request.decided': ['Decided by policy', 'note'],
  'request.approved': ['Approved', 'good'],
  'request.denied': ['Denied', 'bad'],
  'request.cancelled': ['Request cancelled', 'end'],
  'request.expired': ['Request lapsed', 'end'],
  'request.failed': ['Request failed', 'bad'],
  'grant.intended': ['Activating', 'wait'],
  'grant.assigned': ['Assigned', 'wait'],
  'grant.usable': ['Usable', 'good'],
  'grant.unknown': ['Unknown', 'bad'],
  'grant.failed': ['Grant failed', 'bad'],
  'grant.ending': ['Revoking', 'wait'],
  'grant.gone': ['Gone', 'end'],
  'lease.taken': ['Lease taken', 'note'],
  'lease.resumed': ['Lease resumed', 'note'],
  'lease.lost': ['Lease lost', 'bad'],
  'revocation.attempted': ['Revocation attempted', 'wait'],
  'revocation.delayed': ['Revocation delayed', 'bad'],
  'signed-in': ['Signed in', 'note'],
  'signed-out': ['Signed out', 'note'],
  'daemon.started': ['Daemon started', 'note'],
  'daemon.heartbeat': ['Heartbeat', 'note'],
  'daemon.stopping': ['Daemon stopping', 'note'],
  'central.started': ['Central started', 'note'],
  'policy.loaded': ['Policy loaded', 'note'],
  'record.received': ['Record received', 'note'],
  'record.forked': ['Record forked', 'bad'],
  'journal.damaged': ['Journal damaged', 'bad'],
  'orphan.found': ['Right without a grant', 'bad'],
  'orphan.gone': ['Right without a grant gone', 'end'],
  'drift.found': ['Granted elsewhere', 'bad'],
  'store.damaged': ['Store damaged', 'bad'],
  'store.restored': ['Store restored', 'bad'],
  'clock.jumped': ['Clock jumped', 'bad'],
  'contact.lost': ['Contact lost', 'bad'],
  'contact.restored': ['Contact restored', 'note'],
};

export const kindLabel = (kind: AuditKind): string => KINDS[kind][0];

/** What only a newer writer knows: named as it is recorded, and told by its text. */
const unknownKind = (kind: string): readonly [label: string, tone: Tone] => {
  const words = kind.replaceAll(/[.-]/g, ' ');
  return [words.slice(0, 1).toUpperCase() + words.slice(1), 'note'];
};

const DECIDED: Record<NonNullable<AuditEvent['decision']>['outcome'], readonly [label: string, tone: Tone]> = {
  granted: ['Granted by policy', 'good'],
  'needs approval': ['Needs approval', 'wait'],
  refused: ['Refused by policy', 'bad'],
};

/** A decision is named by its outcome. */
export function nameOf({ kind, decision }: AuditEvent): { label: string; tone: Tone } {
  const [label, tone] = kind === 'request.decided' && decision ? DECIDED[decision.outcome] : isKind(kind) ? KINDS[kind] : unknownKind(kind);
  return { label, tone };
}

export const isKind = (text: string): text is AuditKind => Object.hasOwn(KINDS, text);
