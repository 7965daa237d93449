import type { AuditEvent } from '../protocol/audit.ts';
import type { FeedItem } from '../protocol/central-api.ts';
import { fitted } from '../protocol/fit.ts';
import { isOpen } from '../protocol/lifecycle.ts';
import { type Approvers, ElevationRequest, Grant } from '../protocol/model.ts';
import { type GrantLife, isLive } from './grants/life.ts';
import { type Actor, sameHuman, subject } from './people/actor.ts';
import type { Directory } from './people/directory.ts';
import type { PolicyEngine } from './policy/engine.ts';
import type { Requirement } from './policy/rule.ts';
import type { RequestLife } from './requests/life.ts';
import type { Reading } from './store/store.ts';

/** What each person may see, in the shapes of the contract. */
export class Views {
  readonly #policy: PolicyEngine;
  readonly #directory: Directory;

  constructor(policy: PolicyEngine, directory: Directory) {
    this.#policy = policy;
    this.#directory = directory;
  }

  seesAll(actor: Actor): boolean {
    return this.#policy.mayAudit(subject(actor));
  }

  /** Undefined when the request is none of this person's business. */
  request(actor: Actor, request: RequestLife, seesAll: boolean): ElevationRequest | undefined {
    const mine = isMine(actor, request);
    if (!mine && !seesAll && !concerns(actor, request)) return undefined;
    const { requester, requirements, approvals, target: _, ...shown } = request;
    const mayDecide =
      !mine && isOpen(request.state) && concerns(actor, request) && !hasDecided(actor, request) && this.mayApprove(actor, request);
    const seen: ElevationRequest = {
      ...shown,
      authority: 'central',
      requester: requester.person,
      mine,
      mayDecide,
      approvals: approvals.map(({ person, verdict, reason, at }) => ({ person, verdict, reason, at })),
      approvers: this.approvers(requirements, requester),
    };
    return fitted(ElevationRequest, seen) ?? seen;
  }

  /** Who must decide, without the one who asks. */
  approvers(requirements: readonly Requirement[], requester: Actor): Approvers | undefined {
    const [first] = requirements;
    if (!first) return undefined;
    const people = first.group ? this.#directory.members(first.group).filter(({ id }) => id !== requester.person.id) : [];
    return { needed: first.needed, group: first.group, people };
  }

  /** The policy lets this person approve this very request. */
  mayApprove(actor: Actor, { requester, role, target, duration }: RequestLife): boolean {
    const asked = { requester: subject(requester), role: role.id, target, duration };
    return this.#policy.mayApprove(subject(actor), asked);
  }

  /** Everybody sees who holds what until when; why and how is for those concerned. Undefined: ended, and not this person's. */
  grant(actor: Actor, life: GrantLife, seesAll: boolean): Grant | undefined {
    const mine = isHolder(actor, life);
    const whole = mine || seesAll;
    const { id, requestId, resource, role, holder, state, createdAt, notAfter, usableAt, endingAt, endReason, endedBy, goneAt, proof } =
      life;
    const seen: Grant = {
      id,
      requestId,
      authority: 'central',
      resource,
      role,
      holder,
      mine,
      ...(mine ? { principalId: life.principalId } : {}),
      reason: whole ? life.reason : '',
      ...(whole ? { ticket: life.ticket, follows: life.follows, problem: life.problem } : {}),
      state,
      createdAt,
      notAfter,
      usableAt,
      endingAt,
      endReason,
      endedBy,
      goneAt,
      proof,
      awaiting: life.awaiting,
      releasableAt: life.releasableAt,
      extendable: extendable(life, mine),
    };
    // The cloud's own words are in it: one that is too long must not keep daemons from understanding the rest.
    return fitted(Grant, seen) ?? seen;
  }

  /** One event as this person may see it, with what it is about. Undefined when they may not. */
  async item(actor: Actor, event: AuditEvent, store: Reading, seesAll: boolean): Promise<FeedItem | undefined> {
    const life = event.grantId && (await store.grant(event.grantId));
    const asked = event.requestId && (await store.request(event.requestId));
    const request = asked && this.request(actor, asked, seesAll);
    const grant = life && this.grant(actor, life, seesAll);
    const about = { ...(request ? { request } : {}), ...(grant ? { grant } : {}) };
    if (seesAll || request || (life && isHolder(actor, life)) || event.person?.id === actor.person.id) return { event, ...about };
    if (!grant || !event.kind.startsWith('grant.')) return undefined;
    return { event: withoutReasons(event), redacted: true, grant };
  }

  /** For the record: whole events only. */
  async maySee(actor: Actor, event: AuditEvent, store: Reading, seesAll: boolean): Promise<boolean> {
    if (seesAll || event.person?.id === actor.person.id) return true;
    const asked = event.requestId && (await store.request(event.requestId));
    return Boolean(asked && (isMine(actor, asked) || concerns(actor, asked)));
  }
}

export const isMine = (actor: Actor, request: RequestLife): boolean => sameHuman(actor.keys, request.requester.keys);
export const isHolder = (actor: Actor, life: GrantLife): boolean => actor.issuer === life.issuer && actor.person.id === life.holder.id;
export const hasDecided = (actor: Actor, request: RequestLife): boolean => verdictOf(actor, request) !== undefined;

/** What this human has decided, under whatever account. */
export const verdictOf = (actor: Actor, { approvals }: RequestLife): RequestLife['approvals'][number]['verdict'] | undefined =>
  approvals.find(({ keys }) => sameHuman(keys, actor.keys))?.verdict;

/** One of those who were asked to decide. */
export const concerns = (actor: Actor, { requirements }: RequestLife): boolean =>
  requirements.some(({ group }) => group !== undefined && actor.groups.includes(group));

function extendable(life: GrantLife, mine: boolean): Grant['extendable'] {
  if (!mine) return { ok: false, why: 'Only the holder can extend it' };
  if (life.state === 'assigned' || life.state === 'usable') return { ok: true };
  return { ok: false, why: isLive(life) ? 'Not before the cloud has confirmed it' : 'It is over' };
}

function withoutReasons(event: AuditEvent): AuditEvent {
  const { reason: _, ticket: __, decision: ___, approvedBy: ____, data: _____, ...rest } = event;
  return rest;
}
