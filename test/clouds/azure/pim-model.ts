import { randomUUID } from 'node:crypto';
import type { Clock, Instant } from '../../../protocol/clock.ts';
import type { Access, Caller } from './access.ts';
import { ArmError, badRequest } from './arm-error.ts';
import type { Scope } from './arm-id.ts';
import { type Assignments, noRoom } from './assignments.ts';
import type { Directory } from './directory.ts';
import { Eligibilities, type Eligibility } from './eligibilities.ts';
import type { Faults } from './faults.ts';
import type { Hierarchy } from './hierarchy.ts';
import type { Locks } from './locks.ts';
import { isDecidable, isWaiting, Moves, type Status } from './pim-moves.ts';
import type { PimOrder } from './pim-order.ts';
import type { Policies, Policy } from './pim-policy.ts';
import { absent, broken, contextNeeded, exists, nameTaken, notYours, pending, requestNotFound, ruleFailed } from './pim-refusals.ts';
import { type Schedule, Schedules, sameTuple } from './pim-schedules.ts';
import type { RoleDefinitions } from './role-definitions.ts';
import type { Timing } from './timing.ts';

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

/** Entra PIM for Azure resources: requests and what becomes of them, with the traps that were met on live tenants. */
export class PimModel {
  readonly eligibilities: Eligibilities;
  readonly schedules: Schedules;
  readonly #world: World;
  readonly #moves: Moves;
  readonly #requests = new Map<string, PimRequest>();

  constructor(world: World, eligibilities: readonly Eligibility[]) {
    this.#world = world;
    this.eligibilities = new Eligibilities(world, eligibilities);
    this.schedules = new Schedules(world);
    this.#moves = new Moves(world);
  }

  /** Does what fell due since the last look: starts, ends and lapsed approvals. */
  settle(): void {
    this.#moves.settle((at) => this.schedules.settle(at));
    this.schedules.settle();
    const now = this.#world.clock.now();
    for (const request of this.#requests.values()) {
      if (!this.#isWaiting(request)) continue;
      request.status = now >= request.createdAt + this.#world.timing.approvalWindow ? 'TimedOut' : this.#waitingWord(request.createdAt);
    }
  }

  requests(): PimRequest[] {
    return [...this.#requests.values()];
  }

  request(name: string): PimRequest | undefined {
    return this.#requests.get(name.toLowerCase());
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
    if (!isWaiting(request.status) && request.status !== 'Granted') {
      throw badRequest(
        'RoleAssignmentRequestNotPending',
        `The role assignment request is in status '${request.status}' and cannot be canceled.`,
      );
    }
    request.status = 'Canceled';
    this.#moves.forget(request);
    this.schedules.withdraw(request.schedule);
  }

  /** An approver decides. */
  review(request: PimRequest, caller: Caller, result: 'Approve' | 'Deny', justification: string): void {
    const { approval } = request;
    if (!approval || !this.mayReview(approval, caller)) {
      throw new ArmError(403, 'AccessDenied', `The requestor ${caller.oid} is not an approver of this request.`);
    }
    if (!isDecidable(request.status)) throw badRequest('RequestAlreadyReviewed', `The request is in status '${request.status}'.`);
    const now = this.#world.clock.now();
    approval.reviewed = { by: caller.oid, at: now, result, justification };
    if (result === 'Deny') {
      request.status = 'Denied';
      return;
    }
    // The time runs from the approval, not from the question.
    const { type, start, duration, end } = request.order.window;
    const startsAt = Math.max(now, start);
    const endsAt = type === 'AfterDuration' && duration !== undefined ? startsAt + duration : end;
    this.#moves.begin(request, 'approved', (at) =>
      this.schedules.open(request.order, request.schedule, 'Activated', Math.max(startsAt, at), endsAt),
    );
  }

  mayReview(approval: Approval, caller: Caller): boolean {
    const identities = this.#world.directory.identities(caller.oid);
    return approval.approvers.some((approver) => identities.has(approver.toLowerCase()));
  }

  #check(order: PimOrder): void {
    this.#world.roles.named(order.roleGuid);
    if (!this.#world.directory.get(order.principalId)) {
      throw badRequest('SubjectNotFound', `The subject '${order.principalId}' is not found.`);
    }
    const before = this.#requests.get(order.name);
    if (!before) return;
    if (isWaiting(before.status) || this.#moves.isMoving(before)) throw pending();
    throw this.schedules.held(order) ? exists(this.#world.faults) : nameTaken(order.name);
  }

  #decide(order: PimOrder): PimRequest {
    const known = this.schedules.live(order);
    switch (order.type) {
      case 'SelfActivate':
        return this.#activate(order);
      case 'AdminAssign':
        this.#demandAssignment(order);
        return this.#opened(order, 'Assigned');
      case 'AdminUpdate':
      case 'AdminExtend':
        return this.#update(order, known);
      case 'SelfDeactivate':
        if (order.principalId !== order.caller.oid.toLowerCase()) throw notYours(order.caller);
        return this.#closed(order, known?.kind === 'Activated' ? known : undefined);
      case 'AdminRemove':
        this.#demandAdmin(order.caller, order.scope);
        return this.#closed(order, known);
      default:
        throw badRequest('InvalidRoleAssignmentRequestType', `The request type '${order.type}' is not valid for this assignment.`);
    }
  }

  #answered(order: PimOrder, status: Status, schedule = ''): PimRequest {
    return { order, status, createdAt: this.#world.clock.now(), schedule };
  }

  #opened(order: PimOrder, kind: Schedule['kind']): PimRequest {
    const request = this.#answered(order, 'Accepted', randomUUID());
    const { start, end } = order.window;
    this.#moves.begin(request, 'start', (at) => this.schedules.open(order, request.schedule, kind, Math.max(start, at), end));
    return request;
  }

  #closed(order: PimOrder, known: Schedule | undefined): PimRequest {
    if (this.#moves.isEnding(order)) throw pending();
    this.schedules.demandEnd(order, known);
    const request = this.#answered(order, 'PendingRevocation', known?.name);
    this.#moves.begin(request, 'end', (at) => this.schedules.close(order, known, at));
    return request;
  }

  #activate(asked: PimOrder): PimRequest {
    const { policy, eligibility } = this.#demandActivation(asked);
    const order = { ...asked, linked: eligibility.name };
    if (policy.approvers.length === 0) return this.#opened(order, 'Activated');
    const approval = { id: randomUUID(), stage: randomUUID(), approvers: [...policy.approvers] };
    return { ...this.#answered(order, this.#waitingWord(this.#world.clock.now()), randomUUID()), approval };
  }

  /** For its approvers, and not for Azure, whatever the word. */
  #isWaiting(request: PimRequest): boolean {
    return isWaiting(request.status) && !this.#moves.isMoving(request);
  }

  #waitingWord(askedAt: Instant): Status {
    const { clock, faults, timing } = this.#world;
    return faults.waitIsCalled ?? (clock.now() < askedAt + timing.approvalLag ? 'PendingApprovalProvisioning' : 'PendingApproval');
  }

  #update(order: PimOrder, known: Schedule | undefined): PimRequest {
    this.#demandAdmin(order.caller, order.scope);
    if (!known || known.state === 'stuck') throw absent();
    if (this.#moves.isEnding(order)) throw pending();
    this.#demandAdminRules(order);
    this.schedules.move(known, order.window.end);
    return this.#answered(order, 'Provisioned', known.name);
  }

  #demandActivation(order: PimOrder): { policy: Policy; eligibility: Eligibility } {
    if (order.principalId !== order.caller.oid.toLowerCase()) throw notYours(order.caller);
    this.#demandFree(order);
    const eligibility = this.eligibilities.covering(order.principalId, order.roleGuid, order.scope, order.linked);
    if (!eligibility) throw ruleFailed(['EligibilityRule']);
    const { faults, policies } = this.#world;
    const policy = policies.at(order.roleGuid, faults.narrowedPolicy === 'eligibility' ? eligibility.scope : order.scope);
    const { duration } = order.window;
    const tooLong = duration === undefined || duration > policy.longest;
    const failed = [...(tooLong ? ['ExpirationRule'] : []), ...broken(policy.enabled, order)];
    if (failed.length > 0) throw ruleFailed(failed);
    if (policy.context !== undefined && !order.caller.contexts.includes(policy.context)) throw contextNeeded(policy.context);
    if (policy.approvers.length === 0) this.#demandRoom(order);
    return { policy, eligibility };
  }

  #demandAssignment(order: PimOrder): void {
    this.#demandAdmin(order.caller, order.scope);
    this.#demandFree(order);
    this.#demandAdminRules(order);
    this.#demandRoom(order);
  }

  /** What starts later takes no room before, and what somebody must approve first, none before that. */
  #demandRoom({ scope, window }: PimOrder): void {
    const { assignments, clock } = this.#world;
    if (window.start <= clock.now() && assignments.isFull(scope)) throw noRoom();
  }

  #demandFree(order: PimOrder): void {
    if (this.schedules.held(order)) throw exists(this.#world.faults);
    if (this.#moves.isStarting(order)) throw pending();
    if (this.requests().some((request) => isWaiting(request.status) && sameTuple(request.order, order))) throw pending();
  }

  #demandAdminRules(order: PimOrder): void {
    const policy = this.#world.policies.at(order.roleGuid, order.scope);
    const { duration } = order.window;
    const tooLong = duration === undefined ? policy.adminExpirationRequired : duration > policy.adminLongest;
    const failed = [...(tooLong ? ['ExpirationRule'] : []), ...broken(policy.adminEnabled, order)];
    if (failed.length > 0) throw ruleFailed(failed);
  }

  #demandAdmin(caller: Caller, scope: Scope): void {
    if (!this.#world.access.allows(caller, 'Microsoft.Authorization/roleAssignments/write', scope)) throw notYours(caller);
  }
}
