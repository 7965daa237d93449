import { type AuditEvent, canonicalJson } from './audit.ts';
import type { Decision, Person } from './model.ts';
import { CATEGORIES, CLASSES, type ClassName, type Meaning, meaningOf, SEVERITIES, STATUSES } from './ocsf-meaning.ts';

/**
 * Events of the record in the Open Cybersecurity Schema Framework, for the systems that watch an organisation. What the
 * schema has no place for stands under `unmapped`, so that nothing is lost; `raw_data` is what the event's hash covers.
 */

export const OCSF_VERSION = '1.8.0';

/** One OCSF event: a JSON object. */
export type OcsfEvent = Record<string, unknown>;

/** @param productVersion Of the Portcullis that writes this down. */
export function ocsfEvent(event: AuditEvent, productVersion: string): OcsfEvent {
  const meaning = meaningOf(event.kind);
  const { uid, category } = CLASSES[meaning.of];
  const control = controlOf(event);
  const status = statusOf(event, meaning);
  const { hash, ...hashed } = event;
  return present({
    class_uid: uid,
    class_name: meaning.of,
    category_uid: CATEGORIES[category],
    category_name: category,
    activity_id: meaning.activity.id,
    activity_name: meaning.activity.name,
    type_uid: uid * 100 + meaning.activity.id,
    type_name: `${meaning.of}: ${uid === 0 ? 'Other' : meaning.activity.name}`,
    severity_id: SEVERITIES[meaning.severity],
    severity: meaning.severity,
    status_id: STATUSES[status],
    status,
    time: Math.round(event.at),
    message: event.text,
    metadata: present({
      version: OCSF_VERSION,
      product: productOf(productVersion),
      profiles: control && ['security_control'],
      uid: `${event.source}/${event.seq}`,
      sequence: event.seq,
      event_code: event.kind,
      log_name: 'Portcullis record',
      log_provider: writerOf(event),
      correlation_uid: event.requestId ?? event.grantId,
    }),
    ...control,
    ...SUBJECTS[meaning.of](event, productVersion),
    raw_data: canonicalJson(hashed),
    unmapped: unmappedOf(event, hash),
  });
}

/** OCSF 1.8.0 has no place of its own for a chain of events; from 1.9.0 on it has a profile for it, `record_integrity`. */
function unmappedOf(event: AuditEvent, hash: string): Record<string, unknown> {
  return present({
    kind: event.kind,
    person: event.person && userOf(event.person),
    resource: event.resource && { ...event.resource },
    role: event.role && { ...event.role },
    request_id: event.requestId,
    grant_id: event.grantId,
    reason: event.reason,
    ticket: event.ticket,
    decision: event.decision && { ...event.decision },
    approved_by: event.approvedBy?.map(userOf),
    late_by_ms: event.lateBy,
    late_after: event.lateAfter,
    boot_ms: event.boot,
    data: event.data && { ...event.data },
    integrity: { source: event.source, seq: event.seq, prev: event.prev, hash, algorithm: 'SHA-256 of prev, line feed, raw_data' },
  });
}

/** What each class must say beside what all say. */
const SUBJECTS: Record<ClassName, (event: AuditEvent, productVersion: string) => OcsfEvent> = {
  'Base Event': () => ({}),
  Authentication: (event) => ({ user: subjectOf(event), service: { name: 'Portcullis' } }),
  'Authorize Session': (event) => ({
    actor: actorOf(event),
    user: subjectOf(event),
    privileges: privilegesOf(event),
    session: event.grantId && { uid: event.grantId, issuer: writerOf(event) },
  }),
  'Entity Management': (event) => ({ actor: actorOf(event), entity: entityOf(event), comment: event.reason }),
  'User Access Management': (event) => ({
    actor: actorOf(event),
    user: subjectOf(event),
    privileges: privilegesOf(event),
    resources: resourcesOf(event),
  }),
  'Application Lifecycle': (event, productVersion) => ({ app: { ...productOf(productVersion), feature: { name: writerOf(event) } } }),
  'API Activity': (event) => ({
    actor: actorOf(event),
    api: { operation: event.kind, service: { name: 'Cloud role assignment' } },
    src_endpoint: { uid: event.source, svc_name: writerOf(event) },
    resources: resourcesOf(event),
  }),
};

const writerOf = ({ source }: AuditEvent): string => (source === 'central' ? 'portcullis-central' : 'portcullis-daemon');

const productOf = (version: string) => ({ name: 'Portcullis', vendor_name: 'Portcullis', version });

/** What a mail system would take; anything else stands in `unmapped` and in the raw data only as part of a name. */
const EMAIL = /^[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}$/;

const userOf = ({ id, name, email }: Person): OcsfEvent =>
  present({
    type_id: 1,
    type: 'User',
    uid: id,
    name: email ?? name,
    full_name: name,
    email_addr: email !== undefined && EMAIL.test(email) ? email : undefined,
  });

/** Whose power it is about. The schema wants somebody there, so an event that names nobody says that. */
const subjectOf = ({ person }: AuditEvent): OcsfEvent => (person ? userOf(person) : { type_id: 0, type: 'Unknown', name: 'unknown' });

const actorOf = (event: AuditEvent): OcsfEvent =>
  present({ app_name: writerOf(event), app_uid: event.source, user: event.person && userOf(event.person) });

const privilegesOf = ({ role }: AuditEvent): string[] => [role?.id ?? 'unknown'];

const resourcesOf = ({ resource }: AuditEvent): OcsfEvent[] | undefined =>
  resource && [
    {
      uid: resource.id,
      name: resource.name,
      type: resource.kind,
      role_id: 1,
      role: 'Target',
      data: { balancer_uid: resource.balancerId, balancer_name: resource.balancerName },
    },
  ];

function entityOf({ kind, role, resource, requestId, grantId, data, source }: AuditEvent): OcsfEvent {
  const what = role && resource ? `${role.title} on ${resource.name}` : undefined;
  if (kind === 'policy.loaded')
    return present({ type_id: 5, type: 'Policy', name: 'Portcullis policy', version: data?.['version'] && String(data['version']) });
  const isRequest = kind.startsWith('request.');
  const type = isRequest ? 'Elevation request' : 'Grant';
  return present({ type_id: 99, type, uid: isRequest ? requestId : grantId, name: what ?? `${type} of ${source}` });
}

/** Where a decision was taken or somebody said yes or no: the profile `security_control`. */
function controlOf(event: AuditEvent): OcsfEvent | undefined {
  const { kind, decision } = event;
  const verdict = decision?.outcome ?? (kind === 'request.approved' ? 'granted' : kind === 'request.denied' ? 'refused' : undefined);
  return verdict && { ...VERDICTS[verdict], authorizations: decision && [authorizationOf(decision)] };
}

const VERDICTS: Record<Decision['outcome'], OcsfEvent> = {
  granted: { action_id: 1, action: 'Allowed', disposition_id: 8, disposition: 'Approved' },
  'needs approval': { action_id: 99, action: 'Needs approval', disposition_id: 14, disposition: 'Delayed' },
  refused: { action_id: 2, action: 'Denied', disposition_id: 25, disposition: 'Rejected' },
};

const authorizationOf = ({ outcome, because, rules, policyVersion }: Decision): OcsfEvent => ({
  decision: outcome,
  policy: { name: rules.join(' ') || 'Portcullis policy', uid: policyVersion, version: policyVersion, desc: because },
});

function statusOf({ data }: AuditEvent, { status, of, activity }: Meaning): Meaning['status'] {
  if (of !== 'API Activity' || activity.name !== 'Delete' || status !== 'Unknown') return status;
  return OUTCOMES[String(data?.['outcome'])] ?? status;
}

/** How the cloud answered when it was asked to take power back. */
const OUTCOMES: Partial<Record<string, Meaning['status']>> = {
  accepted: 'Success',
  'nothing there': 'Success',
  'not yet': 'Failure',
  refused: 'Failure',
  stuck: 'Failure',
  unanswered: 'Unknown',
};

/** Without members that are not there. */
const present = (members: OcsfEvent): OcsfEvent => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

/** One event in each line. */
export const ocsfLines = (events: readonly AuditEvent[], productVersion: string): string =>
  events.map((event) => `${JSON.stringify(ocsfEvent(event, productVersion))}\n`).join('');
