import * as v from 'valibot';
import { AuditEvent, AuditFilter } from './audit.ts';
import { GrantId, RequestId, ResourceId, RoleId } from './ids.ts';
import { Account, AuthorityId, LoadBalancer, Part, Preview, ProviderId, ResourceRef, RoleOption } from './model.ts';
import { MOST_RANGES, Signed } from './record-file.ts';
import { answerOf } from './refusal.ts';
import { Snapshot } from './state.ts';

/** JSON-RPC 2.0 between clients (extension, command line) and the daemon. Params are strict: an unknown key is refused. */

const reason = v.pipe(v.string(), v.trim(), v.minLength(1, 'A reason is required'), v.maxLength(1_000, 'At most 1,000 characters'));
const ticket = v.pipe(v.string(), v.trim(), v.maxLength(100));
const duration = v.pipe(
  v.number('Say how long, in milliseconds'),
  v.integer('Whole milliseconds only'),
  v.minValue(60_000, 'At least one minute'),
  v.maxValue(86_400_000, 'At most 24 hours'),
);
const key = v.pipe(v.string(), v.uuid());
const accepted = v.object({});

/** The most events that the daemon gives at once. */
export const QUERY_ROWS = 1_000;

/** The most events that the daemon looks at for one page of a chain. */
export const CHAIN_ROWS = 2_000;
/** The most chains that it reads from for one answer. */
export const CHAINS_AT_ONCE = 100;
const seq = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const source = v.pipe(v.string(), v.maxLength(100));

const freshness = { fetchedAt: v.optional(v.number()), problem: v.optional(v.string()) };

export const Ask = {
  resourceId: ResourceId,
  roleId: RoleId,
  authority: AuthorityId,
  duration,
};
export const RequestParams = v.strictObject({ ...Ask, reason, ticket: v.optional(ticket), idempotencyKey: key });
export type RequestParams = v.InferOutput<typeof RequestParams>;
export const ExtendParams = v.strictObject({ grantId: GrantId, duration, reason, ticket: v.optional(ticket), idempotencyKey: key });
export type ExtendParams = v.InferOutput<typeof ExtendParams>;

/** Method → shape of its params and of its result. The daemon's handler table must have each of them. */
export const METHODS = {
  /** First message after the proof. Answers with the protocol version picked and everything known; changes follow. */
  hello: {
    params: v.strictObject({
      versions: v.array(v.number()),
      client: v.strictObject({
        name: v.pipe(v.string(), v.maxLength(100)),
        version: v.pipe(v.string(), v.maxLength(40)),
        /** Only editors count as windows: when the last one has gone, the daemon ends what it holds. */
        kind: v.picklist(['editor', 'terminal']),
        whenLastWindowCloses: v.optional(v.picklist(['end', 'keep'])),
      }),
    }),
    result: v.object({ version: v.number(), snapshot: Snapshot }),
  },
  /** A fresh snapshot, after a gap in `seq`. */
  snapshot: { params: v.strictObject({}), result: Snapshot },

  'inventory.accounts': { params: v.strictObject({}), result: v.object({ accounts: v.array(Account), ...freshness }) },
  /** In order of name. `cursor` is what the last page called `next`. */
  'inventory.balancers': {
    params: v.strictObject({ provider: ProviderId, accountId: v.string(), cursor: v.optional(v.string()) }),
    result: v.object({ balancers: v.array(LoadBalancer), next: v.optional(v.string()), ...freshness }),
  },
  /** Asks the cloud. Refused with `unreachable` when it does not answer. */
  'inventory.parts': { params: v.strictObject({ resourceId: ResourceId }), result: answerOf(v.object({ parts: v.array(Part) })) },
  /** Balancers whose name, group, tag or id contains `text`: for filters, pickers and the command line. */
  'inventory.find': {
    params: v.strictObject({ text: v.pipe(v.string(), v.maxLength(2_048)), limit: v.pipe(v.number(), v.maxValue(200)) }),
    result: v.object({ balancers: v.array(LoadBalancer), more: v.boolean() }),
  },
  /** Name and balancer of a resource id, from the cache or the cloud. */
  'inventory.resolve': { params: v.strictObject({ resourceId: ResourceId }), result: answerOf(ResourceRef) },
  'inventory.refresh': { params: v.strictObject({}), result: accepted },

  eligibility: { params: v.strictObject({ resourceId: ResourceId }), result: answerOf(v.object({ roles: v.array(RoleOption) })) },
  preview: { params: v.strictObject(Ask), result: answerOf(Preview) },
  request: { params: RequestParams, result: answerOf(v.object({ requestId: RequestId })) },
  'request.cancel': { params: v.strictObject({ requestId: RequestId }), result: answerOf(accepted) },
  'request.approve': {
    params: v.strictObject({ requestId: RequestId, reason: v.pipe(v.string(), v.trim(), v.maxLength(1_000)) }),
    result: answerOf(accepted),
  },
  'request.deny': { params: v.strictObject({ requestId: RequestId, reason }), result: answerOf(accepted) },
  /** A request that follows on from a grant, decided by policy like any other. */
  extend: { params: ExtendParams, result: answerOf(v.object({ requestId: RequestId })) },
  revoke: { params: v.strictObject({ grantId: GrantId }), result: answerOf(accepted) },
  'revoke.all': { params: v.strictObject({}), result: v.object({ revoking: v.number(), refused: v.array(v.string()) }) },

  /** Newest first; `offset` counts from the newest. `cut`: there were more rows than fit into one answer, so ask for the rest. */
  'audit.query': {
    params: v.strictObject({
      filter: AuditFilter,
      offset: v.pipe(v.number(), v.integer(), v.minValue(0)),
      limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(QUERY_ROWS)),
    }),
    result: v.object({ total: v.number(), events: v.array(AuditEvent), cut: v.optional(v.literal(true)) }),
  },
  /**
   * The chains of the record, as far as they go now: sequence numbers of the first and the last event that are kept, and when
   * the first was written. In order of `source`; `next` when there are more after it.
   */
  'audit.chains': {
    params: v.strictObject({ after: v.optional(source) }),
    result: v.object({ chains: v.array(v.object({ source, first: seq, last: seq, at: v.number() })), next: v.optional(source) }),
  },
  /**
   * Events in the order of their chains: those of the first chain after `after` and up to `to` that match, then those of the
   * next, until `limit` have been looked at or the answer is full. `reached` says up to where each chain was read; one that is
   * missing there was not begun. What it costs does not depend on the length of the record.
   */
  'audit.read': {
    params: v.strictObject({
      filter: AuditFilter,
      chains: v.pipe(v.array(v.strictObject({ source, after: seq, to: seq })), v.minLength(1), v.maxLength(CHAINS_AT_ONCE)),
      limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(CHAIN_ROWS)),
    }),
    result: v.object({ events: v.array(AuditEvent), reached: v.array(v.object({ source, seq })) }),
  },
  /** What central has signed of the record here: its key, its newest checkpoint, the last receipt for each daemon's chain. */
  'audit.signed': { params: v.strictObject({}), result: v.object({ lines: v.array(Signed) }) },
  /** The subtrees over events of one chain that an export leaves out, in hex. Absent when they are not known, or central not reached. */
  'audit.subtrees': {
    params: v.strictObject({
      source,
      ranges: v.pipe(v.array(v.strictObject({ from: seq, to: seq })), v.minLength(1), v.maxLength(MOST_RANGES)),
    }),
    result: v.object({ hashes: v.optional(v.array(v.array(v.string()))) }),
  },
  /** People, balancers and kinds that occur, for the filter's lists. */
  'audit.facets': {
    params: v.strictObject({}),
    result: v.object({
      people: v.array(v.object({ id: v.string(), name: v.string() })),
      balancers: v.array(v.object({ id: v.string(), name: v.string() })),
      kinds: v.array(v.string()),
    }),
  },

  /**
   * Starts a sign-in. `open` is an https (or loopback) page for the person's browser. For Azure without `open`
   * the extension hands over VS Code's own session with `sign-in.session`.
   */
  'sign-in': {
    params: v.strictObject({ to: v.union([ProviderId, v.literal('central')]) }),
    result: answerOf(v.object({ open: v.optional(v.string()), scopes: v.optional(v.array(v.string())) })),
  },
  /** VS Code's Microsoft session. The token stays in the daemon's memory. */
  'sign-in.session': {
    params: v.strictObject({ to: v.literal('azure'), token: v.pipe(v.string(), v.maxLength(16_384)), expiresAt: v.number() }),
    result: answerOf(accepted),
  },
  'sign-out': { params: v.strictObject({ to: v.union([ProviderId, v.literal('central')]) }), result: answerOf(accepted) },

  /** Ends what this daemon holds, then the daemon. */
  'daemon.stop': { params: v.strictObject({}), result: accepted },
  /** Makes way for a newer daemon, which takes up the journal: nothing is ended, and nothing but the journal goes over. */
  'daemon.hand-over': { params: v.strictObject({ version: v.pipe(v.string(), v.maxLength(60)) }), result: answerOf(accepted) },
} as const;

export type Method = keyof typeof METHODS;
export type Params<M extends Method> = v.InferOutput<(typeof METHODS)[M]['params']>;
export type Result<M extends Method> = v.InferOutput<(typeof METHODS)[M]['result']>;

/** The daemon's only notification: a numbered change. */
export const CHANGED = 'changed';

export const RpcRequest = v.strictObject({
  jsonrpc: v.literal('2.0'),
  id: v.pipe(v.number(), v.integer()),
  method: v.pipe(v.string(), v.maxLength(60)),
  params: v.optional(v.unknown()),
});
export const RpcResponse = v.object({
  jsonrpc: v.literal('2.0'),
  id: v.nullable(v.number()),
  result: v.optional(v.unknown()),
  error: v.optional(v.object({ code: v.number(), message: v.string(), data: v.optional(v.unknown()) })),
});

export const RPC_ERROR = {
  parse: -32_700,
  invalid: -32_600,
  unknownMethod: -32_601,
  badParams: -32_602,
  bug: -32_603,
  fault: -32_000,
} as const;
