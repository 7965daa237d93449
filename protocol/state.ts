import * as v from 'valibot';
import { AuditEvent } from './audit.ts';
import { GrantId, RequestId } from './ids.ts';
import { ElevationRequest, Grant, Person, ProviderId } from './model.ts';

/** Where a person is signed in, or what keeps them from it. */
export const SignIn = v.object({
  /** `azure`: the cloud; `central`: the policy service. */
  to: v.union([ProviderId, v.literal('central')]),
  state: v.picklist(['signed in', 'signing in', 'signed out', 'failed', 'not used']),
  person: v.optional(Person),
  /** `VS Code`, `Azure CLI`, `browser`… */
  by: v.optional(v.string()),
  problem: v.optional(v.string()),
});
export type SignIn = v.InferOutput<typeof SignIn>;

/** What the daemon knows of its link to an authority. `lost` makes every grant of that authority unknown. */
export const Contact = v.object({
  state: v.picklist(['connected', 'connecting', 'lost', 'not used']),
  since: v.number(),
  problem: v.optional(v.string()),
});
export type Contact = v.InferOutput<typeof Contact>;

export const DaemonState = v.object({
  daemon: v.object({ instance: v.string(), version: v.string(), pid: v.number(), startedAt: v.number(), stopping: v.boolean() }),
  signIns: v.array(SignIn),
  central: Contact,
  /** No durable record is possible: no new power until it is. The reason, when so. */
  unhealthy: v.optional(v.string()),
  /** It is not known what this machine held before: what is listed here need not be all. The reason, when so. */
  heldUnknown: v.optional(v.string()),
  /** Mine, and those I may decide. Ended ones are kept for an hour. */
  requests: v.record(v.string(), ElevationRequest),
  /** Mine, and other people's live ones. Ended ones of mine are kept for an hour. */
  grants: v.record(v.string(), Grant),
  /** Changes when the list of load balancers did: ask `inventory.*` again. */
  inventory: v.object({
    revision: v.number(),
    refreshing: v.boolean(),
    fetchedAt: v.optional(v.number()),
    problem: v.optional(v.string()),
  }),
});
export type DaemonState = v.InferOutput<typeof DaemonState>;

export const Snapshot = v.object({ seq: v.number(), state: DaemonState });
export type Snapshot = v.InferOutput<typeof Snapshot>;

/** A change of state. Each carries the whole thing that changed, never a delta inside it. */
export const Change = v.variant('type', [
  v.object({ type: v.literal('request'), request: ElevationRequest }),
  v.object({ type: v.literal('request.forgotten'), requestId: RequestId }),
  v.object({ type: v.literal('grant'), grant: Grant }),
  v.object({ type: v.literal('grant.forgotten'), grantId: GrantId }),
  v.object({ type: v.literal('sign-in'), signIn: SignIn }),
  v.object({ type: v.literal('central'), contact: Contact }),
  v.object({ type: v.literal('inventory'), inventory: DaemonState.entries.inventory }),
  v.object({ type: v.literal('health'), unhealthy: v.optional(v.string()), heldUnknown: v.optional(v.string()) }),
  v.object({ type: v.literal('stopping') }),
  /** Not part of the state: for those who watch the record. */
  v.object({ type: v.literal('audit'), event: AuditEvent }),
]);
export type Change = v.InferOutput<typeof Change>;

/** `seq` counts 1, 2, 3…: a gap means that something was missed, and calls for a new snapshot. */
export const Numbered = v.object({ seq: v.number(), at: v.number(), change: Change });
export type Numbered = v.InferOutput<typeof Numbered>;

/** The one way in which state changes, in every process. Pure and total. */
export function reduce(state: DaemonState, change: Change): DaemonState {
  switch (change.type) {
    case 'request':
      return { ...state, requests: { ...state.requests, [change.request.id]: change.request } };
    case 'request.forgotten':
      return { ...state, requests: without(state.requests, change.requestId) };
    case 'grant':
      return { ...state, grants: { ...state.grants, [change.grant.id]: change.grant } };
    case 'grant.forgotten':
      return { ...state, grants: without(state.grants, change.grantId) };
    case 'sign-in':
      return { ...state, signIns: [...state.signIns.filter(({ to }) => to !== change.signIn.to), change.signIn] };
    case 'central':
      return { ...state, central: change.contact };
    case 'inventory':
      return { ...state, inventory: change.inventory };
    case 'health':
      return { ...state, unhealthy: change.unhealthy, heldUnknown: change.heldUnknown };
    case 'stopping':
      return { ...state, daemon: { ...state.daemon, stopping: true } };
    case 'audit':
      return state;
  }
}

/** What to show of a grant: with lost contact to its authority, the last good news is no news. */
export function shownState(grant: Grant, state: Pick<DaemonState, 'central'>): Grant['state'] {
  const lost = grant.authority === 'central' && state.central.state !== 'connected';
  return lost && (grant.state === 'assigned' || grant.state === 'usable') ? 'unknown' : grant.state;
}

function without<T>(record: Record<string, T>, key: string): Record<string, T> {
  const { [key]: _, ...rest } = record;
  return rest;
}
