import type { Instant, Millis } from '../protocol/clock.ts';
import type { GrantId, PersonId, RequestId, ResourceId, RoleId } from '../protocol/ids.ts';
import type {
  Account,
  Approvers,
  Health,
  LoadBalancer,
  Part,
  Person,
  Problem,
  ProviderId,
  ResourceRef,
  RoleOption,
  RoleRef,
} from '../protocol/model.ts';
import type { Answer } from '../protocol/refusal.ts';

/**
 * One cloud, seen with one identity. The daemon builds it with the engineer's own sign-in, central with the identity
 * that can grant. Every call may throw a `Fault` (`cloud-unreachable`, `cloud-refused`, `cloud-throttled`…) and takes a
 * signal. Nothing here caches and nothing decides.
 */
export interface Provider {
  readonly id: ProviderId;
  readonly inventory: Inventory;
  readonly access: Access;
}

/** The cloud that a resource is in, as its id says. */
export const providerOf = (resource: ResourceId): string => resource.slice(0, resource.indexOf(':'));

export interface Inventory {
  /**
   * Every load balancer the identity may read, page by page. A page may add accounts, balancers, or an account's problem.
   * The same id may come again: the last one counts, for an account comes first without knowing how many balancers it has.
   */
  list(signal: AbortSignal): AsyncIterable<InventoryPage>;
  /** One balancer, read now. Undefined when it does not exist or may not be read. */
  balancer(id: ResourceId, signal: AbortSignal): Promise<LoadBalancer | undefined>;
  /** The parts of one balancer, read now, in tree order. */
  parts(id: ResourceId, signal: AbortSignal): Promise<Part[]>;
  /** Health by part id where the cloud offers it; empty where it does not or the identity may not ask. */
  health(id: ResourceId, signal: AbortSignal): Promise<ReadonlyMap<ResourceId, Health>>;
}

export interface InventoryPage {
  accounts: Account[];
  balancers: LoadBalancer[];
}

export interface Access {
  /** Who the identity is. */
  whoAmI(signal: AbortSignal): Promise<Person>;
  /**
   * A harmless check of effective permissions: may this identity do every one of `actions` on the resource **now**?
   * Asks with a fresh token, changes nothing. `allowed` proves usable, `denied` proves gone.
   * @param principalId Whose right it is (as in `Order`). What anybody else may do proves nothing about it: a `Fault`
   * `sign-in-failed` then, which says who is signed in.
   */
  check(resource: ResourceId, actions: readonly string[], signal: AbortSignal, principalId?: string): Promise<'allowed' | 'denied'>;
  /** Locks that would keep the cloud from taking a right back. Empty when there are none. */
  locks(resource: ResourceId, signal: AbortSignal): Promise<string[]>;
}

/** What to bind: one person, one role, one resource, until one instant. */
export interface Order {
  /** Also the cloud's idempotency key: the same order twice is one grant. */
  grantId: GrantId;
  /** The person as the cloud knows them (Entra object id). */
  principalId: string;
  roleId: RoleId;
  resource: ResourceId;
  notAfter: Instant;
  reason: string;
  ticket?: string | undefined;
}

/**
 * The cloud's answer to an order. `refused` is known never to have been applied;
 * a thrown `Fault` means that the outcome is not known and must be revoked and verified.
 */
export type Bound =
  | { state: 'assigned'; releasableAt?: Instant | undefined }
  /** The cloud's own approvers must decide first (Entra PIM). */
  | { state: 'pending approval'; approvers: Approvers }
  | { state: 'refused'; problem: Problem };

/** The cloud's answer to a revocation. Only `check` or `standing` prove that it is gone. */
export type Unbound =
  | { state: 'accepted' }
  /** Not yet: the cloud says when to ask again (shortest hold, not materialised yet). */
  | { state: 'not yet'; again: Instant; why: string }
  /** Nothing to remove now. Not proof: a late grant may still land. */
  | { state: 'nothing there' }
  /** The cloud refuses to remove it. An alarm: power may stand. */
  | { state: 'stuck'; problem: Problem };

/** Granting with an identity that can grant: mode B, used by central alone. */
export interface Granting {
  bind(order: Order, signal: AbortSignal): Promise<Bound>;
  unbind(order: Order, signal: AbortSignal): Promise<Unbound>;
  /** Is the right of this order bound, as the cloud's own list says? Lists lag: absence needs `propagation` to pass too. */
  standing(order: Order, signal: AbortSignal): Promise<'standing' | 'absent'>;
  /** Follows on from a bound order without a gap: the same right, a later end, keyed by the new grant. */
  prolong(from: Order, to: Order, signal: AbortSignal): Promise<Bound>;
  /** Roles that the cloud can enforce on this resource, from the catalogue; guarded ones are marked. */
  roles(resource: ResourceId): CatalogueRole[];
  /** Longest time that a removed right may still work. */
  readonly propagation: Millis;
}

/** What stands in the cloud, as its lists say to the identity that can grant. */
export interface StandingRights {
  /**
   * Rights that stand and carry our mark, wherever the identity can see, as the orders that they were made by. Lists lag
   * both ways. @throws Fault at the end, when a part of the list could not be read.
   */
  ours(signal: AbortSignal): AsyncIterable<Order>;
  /**
   * Rights given on balancers or their parts themselves that allow changing them, whoever gave them, but for those that
   * the cloud ends by itself. @throws Fault at the end, when a part of the list could not be read.
   */
  direct(signal: AbortSignal): AsyncIterable<DirectRight>;
}

/** An assignment as the cloud lists it. */
export interface DirectRight {
  /** The cloud's own id of the assignment. */
  id: string;
  /** In lower case. */
  principalId: string;
  /** Our id of the role where the catalogue has it, else the cloud's name for it. */
  role: string;
  resource: ResourceId;
}

export interface CatalogueRole {
  id: RoleId;
  title: string;
  enforcement: 'native' | 'guarded';
  allows: string[];
  /** The cloud's action names on this resource; empty for a guarded role. */
  actions: string[];
  /** Why the cloud cannot enforce it. Guarded roles only. */
  guardedBecause?: string | undefined;
}

/** Elevation as the engineer, where the cloud itself is the policy: mode A, used by the daemon alone. */
export interface SelfService {
  /** Roles the person may activate on the resource, with the cloud policy's limits. */
  eligible(resource: ResourceRef, signal: AbortSignal): Promise<RoleOption[]>;
  /** Who must approve, longest duration, what must be given: read from the cloud's policy. */
  rules(resource: ResourceId, roleId: RoleId, signal: AbortSignal): Promise<SelfServiceRules>;
  activate(order: Order, signal: AbortSignal): Promise<Bound>;
  /** State of an activation that waits for the cloud's approvers. */
  pending(order: Order, signal: AbortSignal): Promise<Bound | { state: 'denied'; why: string } | { state: 'lapsed' }>;
  cancel(order: Order, signal: AbortSignal): Promise<void>;
  deactivate(order: Order, signal: AbortSignal): Promise<Unbound>;
  /** Whether the cloud lists this activation as active. Its list lags both ways. */
  standing(order: Order, signal: AbortSignal): Promise<'standing' | 'absent'>;
  /** What the person activated through Portcullis, on whichever machine, and may still have or waits for: as the cloud tells it. */
  mine(signal: AbortSignal): Promise<OwnElevation[]>;
  readonly propagation: Millis;
}

export interface OwnElevation {
  grantId: GrantId;
  principalId: string;
  resource: ResourceRef;
  role: RoleRef;
  allows: string[];
  actions: string[];
  reason: string;
  ticket?: string | undefined;
  state: 'assigned' | 'pending approval';
  startedAt: Instant;
  duration: Millis;
  /** By the cloud's list. While it waits for approvers, when it would end if they agreed now. */
  notAfter: Instant;
}

/** The person's own decisions in the cloud's just-in-time service: mode A, used by the daemon alone. */
export interface Approving {
  /** What waits for this person to decide, anywhere, as far as it is about load balancers and exactly known. */
  waiting(signal: AbortSignal): Promise<WaitingRequest[]>;
  /**
   * A refusal is the cloud's definite no; a thrown `Fault` leaves the outcome open.
   * @param by Who decides: it is in nobody else's name, whoever is signed in by then.
   */
  approve(id: RequestId, reason: string, by: PersonId, signal: AbortSignal): Promise<Answer<void>>;
  deny(id: RequestId, reason: string, by: PersonId, signal: AbortSignal): Promise<Answer<void>>;
}

export interface WaitingRequest {
  /** The cloud's own id of what is to be decided. */
  id: RequestId;
  /** As its id names it. */
  resource: ResourceRef;
  role: RoleRef;
  allows: string[];
  actions: string[];
  requester: Person;
  duration: Millis;
  reason: string;
  ticket?: string | undefined;
  askedAt: Instant;
}

export interface SelfServiceRules {
  longest: Millis;
  reasonRequired: boolean;
  ticketRequired: boolean;
  approvers?: Approvers | undefined;
  /** Id of the cloud's policy: goes to the record as its version. */
  policyId: string;
}
