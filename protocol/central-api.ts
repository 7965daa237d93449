import * as v from 'valibot';
import { AuditEvent } from './audit.ts';
import { GrantId, RequestId, ResourceId } from './ids.ts';
import { Ask } from './messages.ts';
import { ElevationRequest, Grant, Person, Preview, RoleOption } from './model.ts';
import { MOST_RANGES } from './record-file.ts';
import { answerOf } from './refusal.ts';

/**
 * Central's HTTPS interface, spoken by daemons. Every call carries `Authorization: Bearer <access token>`;
 * the person is taken from the token and never from the body. Answers are `Answer<T>` in JSON:
 * 200 with `ok: true`, or a 4xx with `ok: false` (400 bad input, 401 not signed in, 403, 404, 409 too late, 429).
 * 5xx means that nothing is known.
 */

const { authority: _, ...ask } = Ask;
const reason = v.pipe(v.string(), v.trim(), v.maxLength(1_000));
const accepted = v.object({});

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1, 'Is at least 1'));

/** At most so many at once. */
export const MOST_EVENTS = 200;
/** A body may be so long, in bytes. */
export const LONGEST_BODY = 64 * 1_024;

/** `Idempotency-Key` of a request is its future id: the client chooses the UUID. */
export const CENTRAL = {
  me: { method: 'GET', path: '/v1/me', body: undefined, value: v.object({ person: Person, groups: v.array(v.string()) }) },
  eligibility: {
    method: 'POST',
    path: '/v1/eligibility',
    body: v.strictObject({ resourceId: ResourceId }),
    value: v.object({ roles: v.array(RoleOption) }),
  },
  preview: { method: 'POST', path: '/v1/preview', body: v.strictObject(ask), value: Preview },
  request: {
    method: 'POST',
    path: '/v1/requests',
    body: v.strictObject({
      id: RequestId,
      ...ask,
      reason: v.pipe(reason, v.minLength(1, 'A reason is required')),
      ticket: v.optional(v.pipe(v.string(), v.trim(), v.maxLength(100))),
      follows: v.optional(GrantId),
    }),
    value: ElevationRequest,
  },
  cancel: { method: 'POST', path: '/v1/requests/:id/cancel', body: v.strictObject({}), value: accepted },
  approve: { method: 'POST', path: '/v1/requests/:id/approve', body: v.strictObject({ reason }), value: accepted },
  deny: {
    method: 'POST',
    path: '/v1/requests/:id/deny',
    body: v.strictObject({ reason: v.pipe(reason, v.minLength(1, 'A reason is required')) }),
    value: accepted,
  },
  revoke: {
    method: 'POST',
    path: '/v1/grants/:id/revoke',
    /** `expired`: the daemon's own timer saw the instant pass, and does not wait for central's. */
    body: v.strictObject({ because: v.picklist(['revoked', 'daemon stopped', 'window closed', 'expired']) }),
    value: accepted,
  },
  /** Renews the daemon's hold. Never lengthens the grant. Refused (`too-late`) once the grant is ending. */
  heartbeat: {
    method: 'POST',
    path: '/v1/grants/:id/heartbeat',
    body: v.strictObject({ instance: v.string() }),
    value: v.object({ holdUntil: v.number() }),
  },
  /** What the holder's own identity was really allowed to do, at an instant. Evidence beside central's own checks. */
  observed: {
    method: 'POST',
    path: '/v1/grants/:id/observed',
    body: v.strictObject({ access: v.picklist(['allowed', 'denied']), at: v.number() }),
    value: accepted,
  },
  /** Everything this person may see that is not long over, and the feed's position. */
  state: {
    method: 'GET',
    path: '/v1/state',
    body: undefined,
    value: v.object({ seq: v.number(), requests: v.array(ElevationRequest), grants: v.array(Grant) }),
  },
  /** The record, oldest first, from `?after=SEQ&limit=N` (at most 1,000): only events this person may see. */
  record: { method: 'GET', path: '/v1/record', body: undefined, value: v.object({ events: v.array(AuditEvent), last: v.number() }) },
  /**
   * The newest checkpoint of central's record, and the proof that it grew out of the one of `?after=SIZE` events. Absent as long
   * as nothing was signed. Hashes are hex here and below.
   */
  checkpoint: {
    method: 'GET',
    path: '/v1/record/checkpoint',
    body: undefined,
    value: v.object({ recordKey: v.string(), checkpoint: v.optional(v.string()), consistency: v.array(v.string()) }),
  },
  /** Proves one event of central's record: its path to the root of the first `size` events. */
  inclusion: {
    method: 'POST',
    path: '/v1/record/inclusion',
    body: v.strictObject({ seq: count, size: count }),
    value: v.object({ proof: v.array(v.string()) }),
  },
  /** Subtrees over events of central's record that a person may not see, so that what they export has a root all the same. */
  subtrees: {
    method: 'POST',
    path: '/v1/record/subtrees',
    body: v.strictObject({ ranges: v.pipe(v.array(v.strictObject({ from: count, to: count })), v.maxLength(MOST_RANGES)) }),
    value: v.object({ hashes: v.array(v.array(v.string())) }),
  },
  /**
   * Events of a daemon's own chain, in order, without a gap, as they were recorded. Sent again they change nothing. `receipt` covers
   * the last of them and all before; without one, central lacks what comes before them: `next` is what it wants.
   * Refused with `forked` when they are not those that were sent before.
   */
  deposit: {
    method: 'POST',
    path: '/v1/record/events',
    body: v.strictObject({ events: v.pipe(v.array(AuditEvent), v.minLength(1), v.maxLength(MOST_EVENTS)) }),
    value: v.object({ receipt: v.optional(v.string()), next: v.number() }),
  },
} as const;

export const centralAnswer = <E extends keyof typeof CENTRAL>(endpoint: E) => answerOf(CENTRAL[endpoint].value);

/**
 * `GET /v1/feed?after=SEQ`: server-sent events, `id: SEQ` and `data: <FeedItem>`, with a comment line every 10 s.
 * SEQ is the record's own sequence number, so that state and record never disagree.
 */
export const FeedItem = v.object({
  event: AuditEvent,
  /** The request or grant as this person sees it after the event. */
  request: v.optional(ElevationRequest),
  grant: v.optional(Grant),
  /**
   * Somebody else's grant: reason, ticket and decision are left out of `event`, so its hash does not verify. It tells that
   * the grant has moved, is not in `record`, and is kept by nobody.
   */
  redacted: v.optional(v.boolean()),
});
export type FeedItem = v.InferOutput<typeof FeedItem>;
export const FEED_PATH = '/v1/feed';
export const FEED_HEARTBEAT = 10_000;

/** Discovery for daemons, without a token: where to sign in. */
export const WELL_KNOWN = '/.well-known/portcullis';
export const Discovery = v.object({
  issuer: v.string(),
  clientId: v.string(),
  scopes: v.array(v.string()),
  audience: v.string(),
  /** The identity provider wants `audience` named as `resource` (RFC 8707). Absent: scopes alone say what tokens are for. */
  resourceIndicator: v.optional(v.boolean()),
  version: v.string(),
  /** Central's public key for its record, as a signed note names it. */
  recordKey: v.optional(v.string()),
});
export type Discovery = v.InferOutput<typeof Discovery>;
