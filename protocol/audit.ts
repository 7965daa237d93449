import * as v from 'valibot';
import { GrantId, RequestId } from './ids.ts';
import { LateAfter } from './lateness.ts';
import { Decision, Person, ResourceRef, RoleRef } from './model.ts';

export const AuditKind = v.picklist([
  'request.intended',
  'request.created',
  'request.decided',
  'request.approved',
  'request.denied',
  'request.cancelled',
  'request.expired',
  'request.failed',
  'grant.intended',
  'grant.assigned',
  'grant.usable',
  'grant.unknown',
  'grant.failed',
  'grant.ending',
  'grant.gone',
  'lease.taken',
  'lease.resumed',
  'lease.lost',
  'revocation.attempted',
  'revocation.delayed',
  'signed-in',
  'signed-out',
  'daemon.started',
  'daemon.heartbeat',
  'daemon.stopping',
  'journal.damaged',
  'record.received',
  'record.forked',
  'central.started',
  'policy.loaded',
  'orphan.found',
  'orphan.gone',
  'drift.found',
  'store.damaged',
  'store.restored',
  'clock.jumped',
  'contact.lost',
  'contact.restored',
]);
export type AuditKind = v.InferOutput<typeof AuditKind>;

/** Who, what, which resource, when, why, by which decision, on whose approval, and how late. */
export const AuditBody = v.object({
  kind: AuditKind,
  at: v.number(),
  /** Milliseconds since boot of the machine that wrote it: the wall clock alone can be set. */
  boot: v.number(),
  /** One line for a person. */
  text: v.pipe(v.string(), v.maxLength(1_000)),
  person: v.optional(Person),
  resource: v.optional(ResourceRef),
  role: v.optional(RoleRef),
  requestId: v.optional(RequestId),
  grantId: v.optional(GrantId),
  reason: v.optional(v.pipe(v.string(), v.maxLength(1_000))),
  ticket: v.optional(v.pipe(v.string(), v.maxLength(100))),
  decision: v.optional(Decision),
  approvedBy: v.optional(v.array(Person)),
  /** How long after it began an end was observed, in ms. */
  lateBy: v.optional(v.number()),
  /** From when `lateBy` counts. */
  lateAfter: v.optional(LateAfter),
  data: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
});
export type AuditBody = v.InferOutput<typeof AuditBody>;

const Recorded = v.object({
  ...AuditBody.entries,
  /** An `AuditKind`, or what a newer writer calls it: such an event is shown by its text. */
  kind: v.pipe(v.string(), v.maxLength(60), v.regex(/^[a-z]+([.-][a-z]+)*$/)),
  /** `central` or the daemon's instance id: each writes a chain of its own. */
  source: v.pipe(v.string(), v.maxLength(100)),
  /** 1, 2, 3… without a gap within its source. */
  seq: v.number(),
  /** Hex SHA-256 of the event before it in the same source; 64 zeros before the first. */
  prev: v.pipe(v.string(), v.length(64)),
  /** Hex SHA-256 over `prev` and the canonical JSON of all but `hash`. */
  hash: v.pipe(v.string(), v.length(64)),
});
export type AuditEvent = v.InferOutput<typeof Recorded>;

/** Given as it was written: what only a newer writer knows belongs to its hash too, and must not get lost on the way. */
export const AuditEvent = v.custom<AuditEvent>((event) => v.is(Recorded, event), 'This is no event of a record');

export const NO_EVENT_BEFORE = '0'.repeat(64);

export const AuditFilter = v.strictObject({
  person: v.optional(v.pipe(v.string(), v.maxLength(256))),
  balancer: v.optional(v.pipe(v.string(), v.maxLength(2_048))),
  grantId: v.optional(GrantId),
  /** The story of a grant begins with its request, which knows no grant yet. */
  requestId: v.optional(RequestId),
  kind: v.optional(AuditKind),
  text: v.optional(v.pipe(v.string(), v.maxLength(200))),
});
export type AuditFilter = v.InferOutput<typeof AuditFilter>;

/** JSON with sorted keys and without undefined members: the same event always gives the same bytes. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  let members = '';
  for (const key of Object.keys(value).sort()) {
    const member: unknown = (value as Record<string, unknown>)[key];
    if (member !== undefined) members += `${members && ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${members}}`;
}

/**
 * Links a body to the event before it.
 * @param sha256 Hex digest of a UTF-8 string. Injected: `protocol/` has no crypto of its own.
 */
export function chain(body: AuditBody, link: { source: string; seq: number; prev: string }, sha256: (text: string) => string): AuditEvent {
  const unsealed = { ...body, ...link };
  return { ...unsealed, hash: sha256(`${link.prev}\n${canonicalJson(unsealed)}`) };
}

/** Why an event does not follow `before` in its source; undefined when it does. Without `before`, what is before it is not known. */
export function whyBroken(
  event: AuditEvent,
  before: Pick<AuditEvent, 'seq' | 'hash'> | undefined,
  sha256: (text: string) => string,
): string | undefined {
  const { hash, ...unsealed } = event;
  const seq = before ? before.seq + 1 : event.seq;
  const prev = before ? before.hash : event.seq === 1 ? NO_EVENT_BEFORE : event.prev;
  if (event.seq !== seq) return `expected event ${seq}`;
  if (event.prev !== prev) return 'does not follow the event before it';
  return hash === sha256(`${event.prev}\n${canonicalJson(unsealed)}`) ? undefined : 'its content was changed';
}

/** The first event that breaks the chain, with the reason; undefined when all hold. Events in order of seq, from one source. */
export function firstBroken(events: Iterable<AuditEvent>, sha256: (text: string) => string): { seq: number; why: string } | undefined {
  let before: AuditEvent | undefined;
  for (const event of events) {
    const why = whyBroken(event, before, sha256);
    if (why !== undefined) return { seq: event.seq, why };
    before = event;
  }
  return undefined;
}
