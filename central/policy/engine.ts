import { randomUUID } from 'node:crypto';
import type { Context, EntityUidJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { Millis } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { action, calendarOf, entitiesOf, entity, type Question, record, resource, type Subject, type Target, user } from './facts.ts';
import type { RoleTree } from './roles.ts';
import type { Requirement, Rule } from './rule.ts';
import { type PolicySet, policiesOf } from './set.ts';

/** One rule that would grant, with what it asks for. */
export interface Granting {
  rule: Rule;
  requirement: Requirement;
  longest: Millis;
}

/** What Cedar says to one question, with the annotations of the rules that determined it. */
export type Verdict =
  /** `grants`: the permits that cover the asked time, least demanding first. */
  | { kind: 'allowed'; grants: readonly [Granting, ...Granting[]] }
  /** Permits match, but none covers the asked time. */
  | { kind: 'too long'; rules: readonly Rule[]; longest: Millis }
  | { kind: 'forbidden'; rules: readonly Rule[] }
  /** No permit matches. */
  | { kind: 'no rule' }
  /** The policy could not be evaluated. Refused, whatever Cedar decided: it skips an erring forbid. */
  | { kind: 'broken'; why: string };

/** A policy set, parsed once. Evaluates; words and consequences are elsewhere. */
export class PolicyEngine {
  readonly timeZone: string;
  readonly roles: RoleTree;
  readonly hardCap: Millis;
  readonly #calendar: ReturnType<typeof calendarOf>;
  // Parsed sets are never freed: the same two names are used in turn, for ever.
  readonly #slots = [randomUUID(), randomUUID()] as const;
  #live: { set: PolicySet; slot: 0 | 1 } | undefined;

  constructor(roles: RoleTree, timeZone: string, hardCap: Millis) {
    this.roles = roles;
    this.timeZone = timeZone;
    this.hardCap = hardCap;
    this.#calendar = calendarOf(timeZone);
  }

  get set(): PolicySet {
    if (!this.#live) throw new Fault('configuration-invalid', 'No policy set is loaded');
    return this.#live.set;
  }

  /** Swaps the set in when `accept` finds nothing wrong with it; the old one stays otherwise. Synchronous: no question falls between. */
  swap<T>(set: PolicySet, accept: (engine: this) => { ok: boolean; report: T }): { ok: boolean; report: T } {
    const before = this.#live;
    const slot = before?.slot === 0 ? 1 : 0;
    const schema = cedar.preparseSchema(this.#slots[slot], set.schema);
    const policies = cedar.preparsePolicySet(this.#slots[slot], { staticPolicies: policiesOf(set.rules) });
    if (schema.type === 'failure' || policies.type === 'failure')
      throw new Fault('configuration-invalid', 'The policy set cannot be parsed');
    this.#live = { set, slot };
    const verdict = accept(this);
    if (!verdict.ok) this.#live = before;
    return verdict;
  }

  elevate({ person, role, target, duration, ticket, now }: Question): Verdict {
    const context: Context = {
      role: entity('Role', role),
      durationSec: Math.ceil(duration / 1_000),
      now: { __extn: { fn: 'datetime', arg: `${new Date(now).toISOString().slice(0, 19)}Z` } },
      ...this.#calendar(now),
      ...(ticket ? { ticket: { id: ticket } } : {}),
    };
    const answer = this.#ask([person], 'elevate', resource(target), context, target);
    if ('broken' in answer) return { kind: 'broken', why: answer.broken };
    if (!answer.allowed) return answer.rules.length > 0 ? { kind: 'forbidden', rules: answer.rules } : { kind: 'no rule' };
    const grants = answer.rules.flatMap((rule) =>
      rule.requirement && rule.longest ? [{ rule, requirement: rule.requirement, longest: Math.min(rule.longest, this.hardCap) }] : [],
    );
    const [first, ...rest] = grants.filter(({ longest }) => duration <= longest).sort(byDemand);
    if (first) return { kind: 'allowed', grants: [first, ...rest] };
    const nearest = grants.sort((a, b) => b.longest - a.longest);
    return { kind: 'too long', rules: nearest.map(({ rule }) => rule), longest: nearest[0]?.longest ?? 0 };
  }

  mayApprove(approver: Subject, asked: { requester: Subject; role: string; target: Target; duration: Millis }): boolean {
    const context = {
      requester: entity('User', asked.requester.id),
      role: entity('Role', asked.role),
      durationSec: Math.ceil(asked.duration / 1_000),
    };
    const people = approver.id === asked.requester.id ? [approver] : [approver, asked.requester];
    return this.#allows(people, 'approve', asked.target, context);
  }

  mayRevoke(person: Subject, grant: { holder: Subject; role: string; target: Target }): boolean {
    const people = person.id === grant.holder.id ? [person] : [person, grant.holder];
    return this.#allows(people, 'revoke', grant.target, { holder: entity('User', grant.holder.id), role: entity('Role', grant.role) });
  }

  mayAudit(person: Subject): boolean {
    return this.#allows([person], 'audit', undefined, {});
  }

  #allows(people: readonly [Subject, ...Subject[]] | Subject[], name: string, target: Target | undefined, context: Context): boolean {
    const answer = this.#ask(people, name, target ? resource(target) : record, context, target);
    return !('broken' in answer) && answer.allowed;
  }

  #ask(
    people: readonly Subject[],
    name: string,
    on: TypeAndId,
    context: Context,
    target: Target | undefined,
  ): { allowed: boolean; rules: Rule[] } | { broken: string } {
    const { set, slot } = this.#live ?? { set: this.set, slot: 0 };
    const principal: EntityUidJson = user(people[0]?.id ?? '');
    const answer = cedar.statefulIsAuthorized({
      principal,
      action: action(name),
      resource: on,
      context,
      entities: entitiesOf(people, target, this.roles),
      preparsedSchemaName: this.#slots[slot],
      preparsedPolicySetId: this.#slots[slot],
      validateRequest: true,
    });
    if (answer.type === 'failure') return { broken: answer.errors.map(({ message }) => message).join('; ') };
    const { decision, diagnostics } = answer.response;
    if (diagnostics.errors.length > 0) {
      return { broken: diagnostics.errors.map(({ policyId, error }) => `${policyId}: ${error.message}`).join('; ') };
    }
    // Cedar gives the determining policies in no order.
    const rules = [...diagnostics.reason].sort().flatMap((id) => set.rules.get(id) ?? []);
    return { allowed: decision === 'allow', rules };
  }
}

const byDemand = (a: Granting, b: Granting): number =>
  a.requirement.needed - b.requirement.needed || b.longest - a.longest || (a.rule.id < b.rule.id ? -1 : 1);
