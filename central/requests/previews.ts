import type { CatalogueRole, Granting, Provider } from '../../cloud/provider.ts';
import { type Clock, MINUTE, type Millis } from '../../protocol/clock.ts';
import type { ResourceId, RoleId } from '../../protocol/ids.ts';
import type { Preview, RoleOption } from '../../protocol/model.ts';
import { type Answer, no, yes } from '../../protocol/refusal.ts';
import { isLive, rightKey } from '../grants/life.ts';
import { type Actor, subject } from '../people/actor.ts';
import { decide, helpedByTicket, inMinutes, type Reach, reach } from '../policy/decide.ts';
import type { PolicyEngine } from '../policy/engine.ts';
import type { Target } from '../policy/facts.ts';
import type { Resource, Resources } from '../resources.ts';
import type { Store } from '../store/store.ts';
import type { Views } from '../views.ts';

/** What is offered first when nothing goes at once. */
const USUAL: Millis = 15 * MINUTE;

interface PreviewParts {
  store: Store;
  clock: Clock;
  policy: PolicyEngine;
  resources: Resources;
  granting: Granting;
  provider: Provider;
  views: Views;
}

export interface AskedFor {
  resourceId: ResourceId;
  roleId: RoleId;
  duration: Millis;
}

/** The answers before the question. Nothing here changes anything. */
export class Previews {
  readonly #parts: PreviewParts;

  constructor(parts: PreviewParts) {
    this.#parts = parts;
  }

  async eligibility(actor: Actor, resourceId: ResourceId, signal: AbortSignal): Promise<Answer<{ roles: RoleOption[] }>> {
    const resource = await this.#parts.resources.recent(resourceId, signal);
    if (!resource) return notFound();
    return yes({ roles: this.#parts.granting.roles(resourceId).map((role) => this.#option(actor, role, resource.target)) });
  }

  async preview(actor: Actor, { resourceId, roleId, duration }: AskedFor, signal: AbortSignal): Promise<Answer<Preview>> {
    const { resources, granting, policy, clock, provider } = this.#parts;
    const resource = await resources.recent(resourceId, signal);
    if (!resource) return notFound();
    const role = granting.roles(resourceId).find(({ id }) => id === roleId);
    if (!role) return noSuchRole(roleId);
    const question = { person: subject(actor), role: roleId, target: resource.target, duration, now: clock.now() };
    const limits = reach(policy, question);
    // What a ticket would change is told as if it were there: it is asked for before the person commits.
    const best = helpedByTicket(policy, question);
    const helped = best.ticket !== undefined;
    const ruling = decide(policy, best);
    const obstacle = this.#obstacle(actor, role);
    const locks = await provider.access.locks(resourceId, signal);
    const blocked = obstacle ?? (locks.length > 0 ? lockedText(locks) : undefined);
    const decision = blocked ? { ...ruling.decision, outcome: 'refused' as const, because: blocked, wouldChange: [] } : ruling.decision;
    const approvers = blocked ? undefined : this.#parts.views.approvers(ruling.requirements, actor);
    const who = approvers?.people.map(({ name }) => name).join(' or ') || (approvers?.group ?? 'somebody');
    const headline =
      decision.outcome === 'granted'
        ? 'Granted at once'
        : decision.outcome === 'refused'
          ? `Refused: ${decision.because}`
          : `Needs approval by ${who}`;
    return yes({
      outcome: decision.outcome,
      headline: `${headline}${helped && !blocked ? ', with a ticket' : ''}`.slice(0, 500),
      decision,
      approvers,
      longest: limits.longest,
      ticketRequired: helped,
      actions: role.actions,
      elevatedHere: await this.#elevatedHere(resource),
      warnings: await this.#warnings(actor, role, resource),
    });
  }

  #option(actor: Actor, role: CatalogueRole, target: Target): RoleOption {
    const { policy, clock } = this.#parts;
    const question = { person: subject(actor), role: role.id, target, now: clock.now() };
    const limits: Reach = reach(policy, question);
    const refused = limits.longest === 0 ? decide(policy, { ...question, duration: MINUTE }).decision : undefined;
    const why = this.#obstacle(actor, role) ?? (refused && [refused.because, ...refused.wouldChange].join('. '));
    return {
      id: role.id,
      title: role.title,
      enforcement: role.enforcement,
      allows: role.allows,
      actions: role.actions,
      authority: 'central',
      longest: limits.longest,
      usual: limits.atOnce || Math.min(limits.longest, USUAL),
      reasonRequired: true,
      ticketRequired: limits.ticketRequired,
      ...(why ? { unavailable: why.slice(0, 1_000) } : {}),
    };
  }

  /** What keeps this person from this role whatever the policy says. */
  #obstacle(actor: Actor, role: CatalogueRole): string | undefined {
    if (role.enforcement === 'guarded') return GUARDED;
    return actor.principals[this.#parts.provider.id] ? undefined : unknownToCloud(actor.person.name);
  }

  async #elevatedHere({ ref }: Resource): Promise<Preview['elevatedHere']> {
    const grants = await this.#parts.store.grantsOn(ref.balancerId);
    return grants.filter(isLive).map(({ holder, role, notAfter }) => ({ holder, role: role.title, notAfter }));
  }

  async #warnings(actor: Actor, role: CatalogueRole, { ref }: Resource): Promise<string[]> {
    const { granting, provider, store } = this.#parts;
    const principalId = actor.principals[provider.id];
    const [held] = principalId ? await store.references(rightKey({ principalId, role, resource: ref })) : [];
    // Not a refusal: the same question comes before an extension, which is allowed.
    const warnings = held ? [`${alreadyElevated(isLive(held))}${isLive(held) ? ': extend it instead of asking anew' : ''}`] : [];
    if (granting.propagation >= MINUTE)
      warnings.push(`The cloud may take up to ${inMinutes(granting.propagation)} to give access, and to take it back`);
    return warnings;
  }
}

export const GUARDED = 'The cloud cannot limit this role; guarded changes come later';
export const unknownToCloud = (name: string): string => `The directory of central does not say who ${name} is in Azure`;
export const lockedText = (locks: readonly string[]): string => `A lock would keep the cloud from taking access back: ${locks.join(', ')}`;
export const alreadyElevated = (live: boolean): string =>
  live ? 'You already have this role here' : 'Your last access of this kind is still being taken back';
export const notFound = () =>
  no('not-found', 'There is no such load balancer, or central may not read it', {
    field: 'resourceId',
    wayOut: 'Refresh the list of load balancers',
  });
export const noSuchRole = (role: string) =>
  no('bad-input', `There is no role "${role}" here`, { field: 'roleId', wayOut: 'Ask which roles there are' });
