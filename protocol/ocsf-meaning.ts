import type { AuditKind } from './audit.ts';

/** What each kind of event is in OCSF 1.8.0: its class, its activity, how grave it is, and whether it went well. */

/** The classes that we write, with those of their activities that we use. Numbers as the schema gives them. */
export const CLASSES = {
  'Base Event': { uid: 0, category: 'Uncategorized', activities: { Other: 99 } },
  Authentication: { uid: 3002, category: 'Identity & Access Management', activities: { Logon: 1, Logoff: 2 } },
  'Authorize Session': { uid: 3003, category: 'Identity & Access Management', activities: { 'Assign Privileges': 1 } },
  'Entity Management': { uid: 3004, category: 'Identity & Access Management', activities: { Create: 1, Update: 3, Deactivate: 11 } },
  'User Access Management': {
    uid: 3005,
    category: 'Identity & Access Management',
    activities: { 'Assign Privileges': 1, 'Revoke Privileges': 2 },
  },
  'Application Lifecycle': { uid: 6002, category: 'Application Activity', activities: { Start: 3, Stop: 4 } },
  'API Activity': { uid: 6003, category: 'Application Activity', activities: { Create: 1, Read: 2, Delete: 4 } },
} as const;
export type ClassName = keyof typeof CLASSES;

export const CATEGORIES = { Uncategorized: 0, 'Identity & Access Management': 3, 'Application Activity': 6 } as const;
export const SEVERITIES = { Informational: 1, Low: 2, Medium: 3, High: 4 } as const;
export const STATUSES = { Unknown: 0, Success: 1, Failure: 2 } as const;

export interface Meaning {
  of: ClassName;
  activity: { id: number; name: string };
  severity: keyof typeof SEVERITIES;
  status: keyof typeof STATUSES;
}

const is = <C extends ClassName>(
  of: C,
  name: Extract<keyof (typeof CLASSES)[C]['activities'], string>,
  { severity = 'Informational', status = 'Success' }: Partial<Pick<Meaning, 'severity' | 'status'>> = {},
): Meaning => ({ of, activity: { id: (CLASSES[of].activities as Record<string, number>)[name] ?? 99, name }, severity, status });

/** Nothing that the schema has a class for. The activity is called by the kind itself. */
const other = (name: string, severity: Meaning['severity'] = 'Informational'): Meaning => ({
  of: 'Base Event',
  activity: { id: 99, name },
  severity,
  status: 'Unknown',
});

const MEANINGS: Record<AuditKind, Meaning> = {
  // Asked for next: whether central takes it is not known yet.
  'request.intended': is('Entity Management', 'Create', { status: 'Unknown' }),
  'request.created': is('Entity Management', 'Create'),
  'request.decided': is('Entity Management', 'Update'),
  'request.approved': is('Entity Management', 'Update'),
  'request.denied': is('Entity Management', 'Update'),
  'request.cancelled': is('Entity Management', 'Deactivate'),
  'request.expired': is('Entity Management', 'Deactivate'),
  'request.failed': is('Entity Management', 'Deactivate', { severity: 'Low', status: 'Failure' }),
  // The call to the cloud comes next: how it goes is not known yet.
  'grant.intended': is('API Activity', 'Create', { status: 'Unknown' }),
  'grant.assigned': is('User Access Management', 'Assign Privileges'),
  'grant.usable': is('API Activity', 'Read'),
  'grant.unknown': is('API Activity', 'Read', { severity: 'Medium', status: 'Unknown' }),
  'grant.failed': is('User Access Management', 'Assign Privileges', { severity: 'Low', status: 'Failure' }),
  'grant.ending': is('Entity Management', 'Deactivate'),
  'grant.gone': is('User Access Management', 'Revoke Privileges'),
  'lease.taken': is('Authorize Session', 'Assign Privileges'),
  'lease.resumed': is('Authorize Session', 'Assign Privileges'),
  'lease.lost': is('Entity Management', 'Deactivate', { severity: 'Medium' }),
  'revocation.attempted': is('API Activity', 'Delete', { status: 'Unknown' }),
  'revocation.delayed': is('API Activity', 'Delete', { severity: 'High', status: 'Failure' }),
  'signed-in': is('Authentication', 'Logon'),
  'signed-out': is('Authentication', 'Logoff'),
  'daemon.started': is('Application Lifecycle', 'Start'),
  'daemon.heartbeat': other('daemon.heartbeat'),
  'daemon.stopping': is('Application Lifecycle', 'Stop'),
  'central.started': is('Application Lifecycle', 'Start'),
  'policy.loaded': is('Entity Management', 'Update'),
  'record.received': other('record.received'),
  'record.forked': other('record.forked', 'High'),
  'journal.damaged': other('journal.damaged', 'High'),
  'orphan.found': is('User Access Management', 'Revoke Privileges', { severity: 'High', status: 'Unknown' }),
  'orphan.gone': is('User Access Management', 'Revoke Privileges'),
  'drift.found': other('drift.found', 'Medium'),
  'store.damaged': other('store.damaged', 'High'),
  'store.restored': other('store.restored', 'High'),
  'clock.jumped': other('clock.jumped', 'Medium'),
  'contact.lost': other('contact.lost', 'Low'),
  'contact.restored': other('contact.restored'),
};

/** What only a newer writer knows is told by its text. */
export const meaningOf = (kind: string): Meaning => (Object.hasOwn(MEANINGS, kind) ? MEANINGS[kind as AuditKind] : other(kind));
