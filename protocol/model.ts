import * as v from 'valibot';
import { GrantId, PersonId, RequestId, ResourceId, RoleId } from './ids.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const instant = v.pipe(v.number(), v.finite());
const millis = v.pipe(v.number(), v.finite(), v.minValue(0));

export const ProviderId = v.picklist(['azure', 'aws', 'gcp']);
export type ProviderId = v.InferOutput<typeof ProviderId>;

/** Who decides: Portcullis' central service, or the cloud's own just-in-time service (Entra PIM). */
export const AuthorityId = v.picklist(['central', 'pim']);
export type AuthorityId = v.InferOutput<typeof AuthorityId>;

/** *native*: the cloud enforces exactly this role. *guarded*: central makes the change, the cloud cannot split so finely. */
export const Enforcement = v.picklist(['native', 'guarded']);
export type Enforcement = v.InferOutput<typeof Enforcement>;

export const Person = v.object({ id: PersonId, name: text(200), email: v.optional(text(320)) });
export type Person = v.InferOutput<typeof Person>;

/** Where load balancers live: an Azure subscription, later an AWS account or a Google project. */
export const Account = v.object({
  provider: ProviderId,
  id: text(200),
  name: text(200),
  balancers: v.number(),
  /** Why its balancers could not be listed; the list is then the last known one, or empty. */
  problem: v.optional(text(2_000)),
});
export type Account = v.InferOutput<typeof Account>;

export const BalancerKind = v.picklist(['load-balancer', 'application-gateway']);
export type BalancerKind = v.InferOutput<typeof BalancerKind>;

export const PartKind = v.picklist([
  'frontend',
  'backend-pool',
  'member',
  'probe',
  'rule',
  'nat-rule',
  'outbound-rule',
  'listener',
  'certificate',
  'path-map',
  'backend-settings',
  'rewrite-set',
  'redirect',
]);
export type PartKind = v.InferOutput<typeof PartKind>;

export const Health = v.object({
  state: v.picklist(['healthy', 'degraded', 'unhealthy', 'unknown']),
  /** Members that answer their probe, of `total`. */
  up: v.optional(v.number()),
  total: v.optional(v.number()),
  detail: v.optional(text(500)),
});
export type Health = v.InferOutput<typeof Health>;

export const LoadBalancer = v.object({
  id: ResourceId,
  provider: ProviderId,
  kind: BalancerKind,
  name: text(200),
  accountId: text(200),
  resourceGroup: text(200),
  location: text(100),
  sku: text(100),
  exposure: v.picklist(['public', 'internal', 'unknown']),
  tags: v.record(v.string(), v.string()),
  /** The cloud's own word: `Succeeded`, `Updating`, `Failed`… */
  provisioningState: text(100),
  counts: v.object({ frontends: v.number(), pools: v.number(), rules: v.number() }),
});
export type LoadBalancer = v.InferOutput<typeof LoadBalancer>;

export const Part = v.object({
  id: ResourceId,
  balancerId: ResourceId,
  /** The part it hangs under in the tree (a member under its pool); the balancer otherwise. */
  parentId: ResourceId,
  kind: PartKind,
  name: text(200),
  /** One short line: `10.0.1.4`, `TCP 443 → 8443`, `expires 2027-02-01`. */
  detail: text(300),
  health: v.optional(Health),
});
export type Part = v.InferOutput<typeof Part>;

/** Names a resource without asking the cloud again: for screens and for the record. */
export const ResourceRef = v.object({
  id: ResourceId,
  name: text(200),
  /** What it is in words of the screen: `Load balancer`, `Backend pool`… */
  kind: text(60),
  balancerId: ResourceId,
  balancerName: text(200),
});
export type ResourceRef = v.InferOutput<typeof ResourceRef>;

export const RoleRef = v.object({ id: RoleId, title: text(120), enforcement: Enforcement });
export type RoleRef = v.InferOutput<typeof RoleRef>;

/** A role that a person might ask for on one resource, from one authority. */
export const RoleOption = v.object({
  ...RoleRef.entries,
  authority: AuthorityId,
  /** Short lines: what it really allows here. */
  allows: v.array(text(300)),
  /** The cloud's own action names, for the careful reader. Empty for a guarded role. */
  actions: v.array(text(300)),
  longest: millis,
  usual: millis,
  reasonRequired: v.boolean(),
  ticketRequired: v.boolean(),
  /** Absent when the person may ask. Otherwise why not, and what would have to change. */
  unavailable: v.optional(text(1_000)),
});
export type RoleOption = v.InferOutput<typeof RoleOption>;

export const Approvers = v.object({
  /** How many distinct people must say yes. */
  needed: v.number(),
  group: v.optional(text(200)),
  people: v.array(Person),
});
export type Approvers = v.InferOutput<typeof Approvers>;

export const GrantState = v.picklist(['activating', 'assigned', 'usable', 'revoking', 'gone', 'failed', 'unknown']);
export type GrantState = v.InferOutput<typeof GrantState>;

export const EndReason = v.picklist([
  'expired',
  'revoked',
  'lease lost',
  'daemon stopped',
  'window closed',
  'activation failed',
  'superseded',
]);
export type EndReason = v.InferOutput<typeof EndReason>;

/** Public words of a fault: what happened, and the way out. */
export const Problem = v.object({ code: text(100), message: text(2_000), wayOut: v.optional(text(1_000)) });
export type Problem = v.InferOutput<typeof Problem>;

export const Grant = v.object({
  id: GrantId,
  requestId: RequestId,
  authority: AuthorityId,
  resource: ResourceRef,
  role: RoleRef,
  holder: Person,
  /** Held by the person who looks. */
  mine: v.boolean(),
  /** Who holds the right in the cloud (Entra object id): only this identity can observe it. Absent on the grants of others. */
  principalId: v.optional(text(200)),
  reason: text(1_000),
  ticket: v.optional(text(100)),
  state: GrantState,
  createdAt: instant,
  /** The one absolute instant at which power ends. Nothing moves it; *extend* is another grant that follows. */
  notAfter: instant,
  /** When the use of the right was first observed. */
  usableAt: v.optional(instant),
  /** When the end was asked for, or fell due. */
  endingAt: v.optional(instant),
  endReason: v.optional(EndReason),
  endedBy: v.optional(Person),
  /** When denial was observed. */
  goneAt: v.optional(instant),
  /** `denied`: the holder's own identity was refused. `absent`: not assigned any more, and the cloud's propagation bound has passed. */
  proof: v.optional(v.picklist(['denied', 'absent'])),
  /** What is awaited, in words: `Azure allows release at 14:32:10`, `Waiting until Azure denies access`. */
  awaiting: v.optional(text(500)),
  /** First instant at which the cloud accepts a release. */
  releasableAt: v.optional(instant),
  /** The grant that this one follows on from. */
  follows: v.optional(GrantId),
  /** Whether *Extend* makes sense, and why not. */
  extendable: v.object({ ok: v.boolean(), why: v.optional(text(500)) }),
  problem: v.optional(Problem),
});
export type Grant = v.InferOutput<typeof Grant>;

/** What a decision rests on: kept with the request, shown to people, written to the record. */
export const Decision = v.object({
  outcome: v.picklist(['granted', 'needs approval', 'refused']),
  /** One sentence a person can act on. */
  because: text(1_000),
  /** What would have to change, when refused or when approval is needed. */
  wouldChange: v.array(text(500)),
  /** Ids of the rules that decided. */
  rules: v.array(text(2_048)),
  /** Hash of the policy set, or the cloud policy's id: in Azure a path below the resource's own. */
  policyVersion: text(2_048),
  at: instant,
});
export type Decision = v.InferOutput<typeof Decision>;

export const Approval = v.object({
  person: Person,
  verdict: v.picklist(['approved', 'denied']),
  reason: text(1_000),
  at: instant,
});
export type Approval = v.InferOutput<typeof Approval>;

export const RequestState = v.picklist(['requested', 'pending approval', 'approved', 'denied', 'cancelled', 'expired', 'failed']);
export type RequestState = v.InferOutput<typeof RequestState>;

export const ElevationRequest = v.object({
  id: RequestId,
  authority: AuthorityId,
  resource: ResourceRef,
  role: RoleRef,
  /** What the role allows, so that an approver sees exactly what is asked. */
  allows: v.array(text(300)),
  actions: v.array(text(300)),
  duration: millis,
  reason: text(1_000),
  ticket: v.optional(text(100)),
  requester: Person,
  mine: v.boolean(),
  /** The person who looks may approve or deny it now. */
  mayDecide: v.boolean(),
  state: RequestState,
  createdAt: instant,
  /** When it lapses if nobody decides. */
  lapsesAt: instant,
  decision: v.optional(Decision),
  approvers: v.optional(Approvers),
  approvals: v.array(Approval),
  grantId: v.optional(GrantId),
  follows: v.optional(GrantId),
  problem: v.optional(Problem),
});
export type ElevationRequest = v.InferOutput<typeof ElevationRequest>;

/** The answer before the question. */
export const Preview = v.object({
  outcome: v.picklist(['granted', 'needs approval', 'refused']),
  /** `Granted at once`, `Needs approval by Ben Okafor`, `Refused: …`. */
  headline: text(500),
  decision: Decision,
  approvers: v.optional(Approvers),
  longest: millis,
  ticketRequired: v.boolean(),
  /** What the cloud will really allow. */
  actions: v.array(text(300)),
  /** Who is elevated on the same balancer now. */
  elevatedHere: v.array(v.object({ holder: Person, role: text(120), notAfter: instant })),
  /** Truths worth knowing first: locks, propagation, shortest hold. */
  warnings: v.array(text(500)),
});
export type Preview = v.InferOutput<typeof Preview>;
