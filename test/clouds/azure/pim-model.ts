import { randomUUID } from 'node:crypto';
import type { Clock, Instant } from '../../../protocol/clock.ts';
import type { Access, Caller } from './access.ts';
import { ArmError, badRequest } from './arm-error.ts';
import { type Scope, scopeOf } from './arm-id.ts';
import type { Assignments } from './assignments.ts';
import type { Directory } from './directory.ts';
import type { Faults } from './faults.ts';
import type { Hierarchy } from './hierarchy.ts';
import type { Locks } from './locks.ts';
import type { PimOrder } from './pim-order.ts';
import type { Policies, Policy } from './pim-policy.ts';
import type { RoleDefinitions } from './role-definitions.ts';
import type { Timing } from './timing.ts';

export interface Eligibility {
  /** GUID of the schedule. */
  name: string;
  /** A person or a group. */
  principalId: string;
  roleGuid: string;
  scope: Scope;
  startsAt: Instant;
  endsAt?: Instant | undefined;
}

export type Status =
  | 'Provisioned'
  | 'Granted'
  | 'PendingApproval'
  | 'Denied'
  | 'Canceled'
  | 'TimedOut'
  | 'Revoked'
  | 'FailedAsResourceIsLocked';

/** A request as PIM keeps it. */
export interface PimRequest {
  order: PimOrder;
  status: Status;
  createdAt: Instant;
  approval?: Approval | undefined;
  /** The schedule that it made, moved or ended. */
  schedule: string;
}

export interface Approval {
  id: string;
  stage: string;
  approvers: string[];
  reviewed?: { by: string; at: Instant; result: 'Approve' | 'Deny'; justification: string } | undefined;
}

/** An active (or once active, or future) assignment under PIM. */
export interface Schedule {
  /** GUID of the schedule; the instance and the assignment have their own. */
  name: string;
  instance: string;
  assignment: string;
  principalId: string;
  roleGuid: string;
  scope: Scope;
  kind: 'Activated' | 'Assigned';
  request: string;
  eligibility?: string | undefined;
  createdBy: string;
  startsAt: Instant;
  endsAt?: Instant | undefined;
  state: 'future' | 'active' | 'stuck' | 'ended' | 'revoked';
  endedAt?: Instant | undefined;
}

interface World {
  clock: Clock;
  timing: Timing;
  directory: Directory;
  roles: RoleDefinitions;
  access: Access;
  assignments: Assignments;
  hierarchy: Hierarchy;
  locks: Locks;
  policies: Policies;
  faults: Faults;
}

const exists = () => badRequest('RoleAssignmentExists', 'The Role assignment already exists.');
const absent = () => badRequest('RoleAssignmentDoesNotExist', 'The Role assignment does not exist.');
const ruleFailed = (rules: string[]) =>
  badRequest('RoleAssignmentRequestPolicyValidationFailed', `The following policy rules failed: ${JSON.stringify(rules)}`);

/** Entra PIM for Azure resources: requests, schedules and their ends, with the traps that were met on live tenants. */
export class PimModel {
  readonly #world: World;
  readonly #eligibilities: Eligibility[];
  readonly #requests = new Map<string, PimRequest>();
  #schedules: Schedule[] = [];

  constructor(world: World, eligibilities: readonly Eligibility[]) {
    this.#world = world;
    this.#eligibilities = eligibilities.map((one) => ({ ...one, scope: scopeOf(one.scope) }));
  }

  /** Does what fell due since the last look: starts, ends and lapsed approvals, each at its own instant. */
  settle(): void {
    const now = this.#world.clock.now();
    for (const schedule of this.#schedules) {
      if (schedule.state === 'future' && schedule.startsAt <= now) this.#begin(schedule);
      if (schedule.state === 'active' && schedule.endsAt !== undefined && schedule.endsAt <= now) this.#expire(schedule, schedule.endsAt);
    }
    for (const request of this.#requests.values()) {
      if (request.status === 'PendingApproval' && now >= request.createdAt + this.#world.timing.approvalWindow) request.status = 'TimedOut';
    }
  }

  requests(): PimRequest[] {
    return [...this.#requests.values()];
  }

  request(name: string): PimRequest | undefined {
    return this.#requests.get(name.toLowerCase());
  }

  schedules(): readonly Schedule[] {
    return this.#schedules;
  }

  eligibilities(): Eligibility[] {
    const now = this.#world.clock.now();
    return this.#eligibilities.filter(({ startsAt, endsAt }) => startsAt <= now && (endsAt === undefined || now < endsAt));
  }

  addEligibility(eligibility: Eligibility): void {
    this.#eligibilities.push({ ...eligibility, scope: scopeOf(eligibility.scope) });
  }

  removeEligibility(name: string): void {
    const at = this.#eligibilities.findIndex((one) => one.name === name);
    if (at >= 0) this.#eligibilities.splice(at, 1);
  }

  /** Takes a request. Every outcome that is not an error is answered 201, and its status says what happened. */
  take(order: PimOrder): PimRequest {
    this.#check(order);
    const request = this.#decide(order);
    this.#requests.set(order.name, request);
    return request;
  }

  /** Throws what `take` would, and changes nothing. */
  validate(order: PimOrder): void {
    this.#check(order);
    if (order.type === 'SelfActivate') this.#demandActivation(order);
    if (order.type === 'AdminAssign') this.#demandAssignment(order);
  }

  cancel(name: string, caller: Caller): void {
    const request = this.request(name);
    if (!request) throw requestNotFound(name);
    if (request.order.caller.oid !== caller.oid) this.#demandAdmin(caller, request.order.scope);
    if (request.status !== 'PendingApproval' && request.status !== 'Granted') {
      throw badRequest(
        'RoleAssignmentRequestNotPending',
        `The role assignment request is in status '${request.status}' and cannot be canceled.`,
      );
    }
    request.status = 'Canceled';
    this.#schedules = this.#schedules.filter((schedule) => !(schedule.name === request.schedule && schedule.state === 'future'));
  }

  /** An approver decides. */
  review(request: PimRequest, caller: Caller, result: 'Approve' | 'Deny', justification: string): void {
    const { approval } = request;
    if (!approval || !this.mayReview(approval, caller)) {
      throw new ArmError(403, 'AccessDenied', `The requestor ${caller.oid} is not an approver of this request.`);
    }
    if (request.status !== 'PendingApproval') throw badRequest('RequestAlreadyReviewed', `The request is in status '${request.status}'.`);
    const now = this.#world.clock.now();
    approval.reviewed = { by: caller.oid, at: now, result, justification };
    if (result === 'Deny') {
      request.status = 'Denied';
      return;
    }
    // The time runs from the approval, not from the question.
    const start = Math.max(now, request.order.window.start);
    const { duration, end } = request.order.window;
    const endsAt = request.order.window.type === 'AfterDuration' && duration !== undefined ? start + duration : end;
    request.status = this.#open(request.order, request.schedule, 'Activated', start, endsAt);
  }

  mayReview(approval: Approval, caller: Caller): boolean {
    const identities = this.#world.directory.identities(caller.oid);
    return approval.approvers.some((approver) => identities.has(approver.toLowerCase()));
  }

  /** The rules that govern an activation. */
  policyFor(roleGuid: string, scope: Scope, eligibility: Eligibility | undefined): Policy {
    const at = this.#world.faults.narrowedPolicy === 'eligibility' && eligibility ? eligibility.scope : scope;
    return this.#world.policies.at(roleGuid, at);
  }

  /** Whether the caller may be eligible for something at or above the scope. */
  eligibilityFor(principalId: string, roleGuid: string, scope: Scope, linked?: string): Eligibility | undefined {
    const identities = this.#world.directory.identities(principalId);
    return this.eligibilities().find(
      (one) =>
        identities.has(one.principalId.toLowerCase()) &&
        one.roleGuid.toLowerCase() === roleGuid &&
        this.#world.hierarchy.within(scope, one.scope) &&
        (linked === undefined || linked === one.name.toLowerCase()),
    );
  }

  #check(order: PimOrder): void {
    this.#world.roles.named(order.roleGuid);
    if (!this.#world.directory.get(order.principalId)) {
      throw badRequest('SubjectNotFound', `The subject '${order.principalId}' is not found.`);
    }
    const before = this.#requests.get(order.name);
    if (!before) return;
    if (before.status === 'PendingApproval') throw pending();
    if (this.#held(order)) throw exists();
    throw badRequest(
      'RoleAssignmentScheduleRequestExists',
      `A role assignment schedule request with the name '${order.name}' already exists.`,
    );
  }

  #decide(order: PimOrder): PimRequest {
    const createdAt = this.#world.clock.now();
    const known = this.#live(order);
    const request = (status: Status, schedule: string): PimRequest => ({ order, status, createdAt, schedule });
    switch (order.type) {
      case 'SelfActivate': {
        const { policy, eligibility } = this.#demandActivation(order);
        const schedule = randomUUID();
        if (policy.approvers.length > 0) {
          const approval = { id: randomUUID(), stage: randomUUID(), approvers: [...policy.approvers] };
          return { ...request('PendingApproval', schedule), approval };
        }
        const linked = { ...order, linked: eligibility.name };
        return { ...request(this.#open(linked, schedule, 'Activated', order.window.start, order.window.end), schedule), order: linked };
      }
      case 'AdminAssign': {
        this.#demandAssignment(order);
        const schedule = randomUUID();
        return request(this.#open(order, schedule, 'Assigned', order.window.start, order.window.end), schedule);
      }
      case 'AdminUpdate':
      case 'AdminExtend': {
        this.#demandAdmin(order.caller, order.scope);
        if (!known || known.state === 'stuck') throw absent();
        this.#demandAdminRules(order);
        known.endsAt = order.window.end;
        const assignment = this.#world.assignments.find(known.assignment);
        if (assignment) assignment.endsAt = order.window.end;
        return request('Provisioned', known.name);
      }
      case 'SelfDeactivate':
        if (order.principalId !== order.caller.oid.toLowerCase()) throw notYours(order.caller);
        return request(this.#close(order, known?.kind === 'Activated' ? known : undefined), known?.name ?? '');
      case 'AdminRemove':
        this.#demandAdmin(order.caller, order.scope);
        return request(this.#close(order, known), known?.name ?? '');
      default:
        throw badRequest('InvalidRoleAssignmentRequestType', `The request type '${order.type}' is not valid for this assignment.`);
    }
  }

  #demandActivation(order: PimOrder): { policy: Policy; eligibility: Eligibility } {
    if (order.principalId !== order.caller.oid.toLowerCase()) throw notYours(order.caller);
    if (this.#held(order)) throw exists();
    if (this.#waiting(order)) throw pending();
    const eligibility = this.eligibilityFor(order.principalId, order.roleGuid, order.scope, order.linked);
    if (!eligibility) throw ruleFailed(['EligibilityRule']);
    const policy = this.policyFor(order.roleGuid, order.scope, eligibility);
    const { duration } = order.window;
    const failed = [...(duration === undefined || duration > policy.longest ? ['ExpirationRule'] : []), ...broken(policy.enabled, order)];
    if (failed.length > 0) throw ruleFailed(failed);
    if (policy.context !== undefined && !order.caller.contexts.includes(policy.context)) {
      const claims = encodeURIComponent(JSON.stringify({ access_token: { acrs: { essential: true, value: policy.context } } }));
      throw badRequest(
        'RoleAssignmentRequestAcrsValidationFailed',
        `The role assignment request needs an authentication context. &claims=${claims}`,
      );
    }
    return { policy, eligibility };
  }

  #demandAssignment(order: PimOrder): void {
    this.#demandAdmin(order.caller, order.scope);
    if (this.#held(order)) throw exists();
    if (this.#waiting(order)) throw pending();
    this.#demandAdminRules(order);
  }

  #demandAdminRules(order: PimOrder): void {
    const policy = this.#world.policies.at(order.roleGuid, order.scope);
    const { duration } = order.window;
    const tooLong = duration === undefined ? policy.adminExpirationRequired : duration > policy.adminLongest;
    const failed = [...(tooLong ? ['ExpirationRule'] : []), ...broken(policy.adminEnabled, order)];
    if (failed.length > 0) throw ruleFailed(failed);
  }

  #demandAdmin(caller: Caller, scope: Scope): void {
    if (this.#world.access.allows(caller, 'Microsoft.Authorization/roleAssignments/write', scope)) return;
    throw new ArmError(403, 'InsufficientPermissions', `The requestor ${caller.oid} does not have permissions for this request.`);
  }

  /** What stands, will stand, or could not be removed, of the same person, role and exact scope. */
  #live(order: PimOrder): Schedule | undefined {
    return this.#schedules.find((one) => same(one, order) && one.state !== 'ended' && one.state !== 'revoked');
  }

  #held(order: PimOrder): boolean {
    const now = this.#world.clock.now();
    const closing = this.#schedules.some(
      (one) => same(one, order) && one.state === 'revoked' && now < (one.endedAt ?? 0) + this.#world.timing.stillHeld,
    );
    return closing || this.#live(order) !== undefined || this.#plain(order) !== undefined;
  }

  #plain(order: PimOrder) {
    return this.#world.assignments.standing().find((one) => one.origin === 'plain' && same(one, order));
  }

  #waiting(order: PimOrder): boolean {
    return this.requests().some((request) => request.status === 'PendingApproval' && same(request.order, order));
  }

  #open(order: PimOrder, name: string, kind: Schedule['kind'], startsAt: Instant, endsAt: Instant | undefined): Status {
    const readOnly = this.#world.locks.over(order.scope).some(({ level }) => level === 'ReadOnly');
    if (readOnly) return 'FailedAsResourceIsLocked';
    const schedule: Schedule = {
      name,
      instance: randomUUID(),
      assignment: randomUUID(),
      principalId: order.principalId,
      roleGuid: order.roleGuid,
      scope: order.scope,
      kind,
      request: order.name,
      eligibility: order.linked,
      createdBy: order.caller.oid,
      startsAt,
      endsAt,
      state: 'future',
    };
    this.#schedules.push(schedule);
    if (startsAt > this.#world.clock.now()) return 'Granted';
    this.#begin(schedule);
    return 'Provisioned';
  }

  #begin(schedule: Schedule): void {
    const { name: _, ...rest } = schedule;
    schedule.state = 'active';
    this.#world.assignments.add({
      name: rest.assignment,
      principalId: rest.principalId,
      principalType: this.#world.directory.get(rest.principalId)?.kind ?? 'User',
      roleGuid: rest.roleGuid,
      scope: rest.scope,
      origin: 'pim',
      createdAt: rest.startsAt,
      createdBy: rest.createdBy,
      endsAt: rest.endsAt,
    });
  }

  /** The end that Azure itself makes. A lock keeps it from deleting the assignment, and it does not try again. */
  #expire(schedule: Schedule, at: Instant): void {
    if (this.#world.locks.over(schedule.scope).length > 0) {
      schedule.state = 'stuck';
      return;
    }
    this.#world.assignments.remove(schedule.assignment, at);
    schedule.state = 'ended';
    schedule.endedAt = at;
  }

  /** The end that somebody asks for. */
  #close(order: PimOrder, schedule: Schedule | undefined): Status {
    const now = this.#world.clock.now();
    const { materialise, minActive } = this.#world.timing;
    const plain = order.type === 'AdminRemove' ? this.#plain(order) : undefined;
    if (!schedule && !plain) throw absent();
    if (schedule?.state === 'active') {
      if (now < schedule.startsAt + materialise) throw absent();
      if (now < schedule.startsAt + minActive) {
        throw badRequest('ActiveDurationTooShort', 'The active duration is too short. Miniumum Required is 5 minutes.');
      }
    }
    if (this.#world.locks.over(order.scope).length > 0) return 'FailedAsResourceIsLocked';
    if (plain) this.#world.assignments.remove(plain.name);
    if (schedule) {
      this.#world.assignments.remove(schedule.assignment);
      schedule.state = 'revoked';
      schedule.endedAt = now;
    }
    return 'Revoked';
  }

  /** Somebody deleted the assignment itself, past PIM. */
  assignmentDeleted(name: string): void {
    const schedule = this.#schedules.find((one) => one.assignment === name);
    if (!schedule) return;
    schedule.state = 'ended';
    schedule.endedAt = this.#world.clock.now();
  }
}

const same = (
  one: { principalId: string; roleGuid: string; scope: Scope },
  other: { principalId: string; roleGuid: string; scope: Scope },
): boolean =>
  one.principalId.toLowerCase() === other.principalId.toLowerCase() &&
  one.roleGuid.toLowerCase() === other.roleGuid.toLowerCase() &&
  one.scope === other.scope;

function broken(enabled: Policy['enabled'], order: PimOrder): string[] {
  return [
    ...(enabled.includes('Justification') && !order.justification ? ['JustificationRule'] : []),
    ...(enabled.includes('Ticketing') && !order.ticketNumber ? ['TicketingRule'] : []),
    ...(enabled.includes('MultiFactorAuthentication') && !order.caller.multiFactor ? ['MfaRule'] : []),
  ];
}

const pending = () => badRequest('PendingRoleAssignmentRequest', 'There is already an existing pending Role assignment request.');
const notYours = (caller: Caller) =>
  new ArmError(403, 'InsufficientPermissions', `The requestor ${caller.oid} does not have permissions for this request.`);
export const requestNotFound = (name: string) =>
  new ArmError(404, 'RoleAssignmentScheduleRequestNotFound', `The role assignment schedule request '${name}' is not found.`);
