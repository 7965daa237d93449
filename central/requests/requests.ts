import { randomUUID } from 'node:crypto';
import type { CatalogueRole, Granting, Provider } from '../../cloud/provider.ts';
import type { Clock, Millis } from '../../protocol/clock.ts';
import { Deadlines } from '../../protocol/deadlines.ts';
import type { GrantId, RequestId, ResourceId, RoleId } from '../../protocol/ids.ts';
import { isOpen } from '../../protocol/lifecycle.ts';
import type { ElevationRequest } from '../../protocol/model.ts';
import { type Answer, no, yes } from '../../protocol/refusal.ts';
import type { GrantRunner } from '../grants/runner.ts';
import { type Actor, subject } from '../people/actor.ts';
import type { Directory } from '../people/directory.ts';
import { decide, type Ruling } from '../policy/decide.ts';
import type { PolicyEngine } from '../policy/engine.ts';
import { aboutRequest } from '../record/body.ts';
import type { Resource, Resources } from '../resources.ts';
import { type Store, sha256, type Writing } from '../store/store.ts';
import { concerns, isMine, type Views, verdictOf } from '../views.ts';
import { approvers, essence, type GivenApproval, isSatisfied, type RequestEvent, type RequestLife, stepRequest } from './life.ts';
import { overlap, type Refused, tooMany } from './obstacles.ts';
import { GUARDED, lockedText, noSuchRole, notFound, unknownToCloud } from './previews.ts';

export interface RequestParts {
  store: Store;
  clock: Clock;
  policy: PolicyEngine;
  directory: Directory;
  resources: Resources;
  granting: Granting;
  provider: Provider;
  runner: GrantRunner;
  views: Views;
  /** A request that nobody decided about lapses after this. */
  lapse: Millis;
  trouble: (error: unknown, what: string) => void;
}

export interface NewRequest {
  id: RequestId;
  resourceId: ResourceId;
  roleId: RoleId;
  duration: Millis;
  reason: string;
  ticket?: string | undefined;
  follows?: GrantId | undefined;
}

/** Requests from their creation to a grant or a refusal. Policy decides at the request, and again at the moment of granting. */
export class Requests {
  readonly #parts: RequestParts;
  readonly #lapses: Deadlines<RequestId>;

  constructor(parts: RequestParts) {
    this.#parts = parts;
    this.#lapses = new Deadlines(
      parts.clock,
      (id) => void this.#lapse(id).catch((error: unknown) => parts.trouble(error, `request ${id} lapses`)),
    );
  }

  /** Takes up the open requests of the store. */
  async start(): Promise<void> {
    for (const { id, state, lapsesAt } of await this.#parts.store.requests(Number.MAX_SAFE_INTEGER))
      if (isOpen(state)) this.#lapses.set(id, lapsesAt);
  }

  close(): void {
    this.#lapses.close();
  }

  /** The same id again is the same request: it is answered as it is now. */
  async create(actor: Actor, asked: NewRequest, signal: AbortSignal): Promise<Answer<ElevationRequest>> {
    const { store, resources, clock } = this.#parts;
    const known = await store.request(asked.id);
    if (known) return this.#again(actor, known, asked);
    const resource = await resources.read(asked.resourceId, signal);
    if (!resource) return notFound();
    const role = this.#role(actor, asked);
    if (!role.ok) return role;
    const locked = await this.#locked(asked.resourceId, signal);
    if (locked) return locked;
    const now = clock.now();
    const fresh: RequestLife = {
      id: asked.id,
      requester: actor,
      resource: resource.ref,
      target: resource.target,
      role: { id: role.value.id, title: role.value.title, enforcement: role.value.enforcement },
      allows: role.value.allows,
      actions: role.value.actions,
      duration: asked.duration,
      reason: asked.reason,
      ticket: asked.ticket || undefined,
      follows: asked.follows,
      state: 'requested',
      createdAt: now,
      lapsesAt: now + this.#parts.lapse,
      requirements: [],
      approvals: [],
    };
    const ruling = this.#decide(fresh, actor, resource);
    const { answer, after } = await store.write(async (tx) => {
      // Whoever came first in the meantime is the request.
      const other = await tx.request(asked.id);
      if (other) return { answer: this.#again(actor, other, asked), after: undefined };
      const obstacle = (await tooMany(tx, actor)) ?? (await this.#overlap(tx, fresh));
      if (obstacle) return { answer: obstacle, after: undefined };
      await tx.append(
        aboutRequest(clock, fresh, 'request.created', `${actor.person.name} asks for ${role.value.title} on ${resource.ref.name}`),
      );
      const decided = await this.#take(tx, fresh, { type: 'decided', ...ruling });
      if (ruling.decision.outcome !== 'granted') return { answer: this.#answer(actor, decided, ruling), after: undefined };
      const { request, start } = await this.#grant(tx, decided, ruling);
      return { answer: yes(this.#view(actor, request)), after: start };
    });
    after?.();
    if (answer.ok && isOpen(answer.value.state)) this.#lapses.set(asked.id, answer.value.lapsesAt);
    return answer;
  }

  /** Approved once more by the same person changes nothing. Power follows when enough distinct humans said yes. */
  async approve(actor: Actor, id: RequestId, reason: string, signal: AbortSignal): Promise<Answer<Record<never, never>>> {
    const { store, resources } = this.#parts;
    const seen = await store.request(id);
    const refused = this.#mayNotDecide(actor, seen, 'approved');
    if (refused || !seen) return refused ?? unknownRequest();
    if (verdictOf(actor, seen) === 'approved') return yes({});
    const resource = await resources.read(seen.resource.id, signal);
    const locked = await this.#locked(seen.resource.id, signal);
    const { answer, after } = await store.write(async (tx) => {
      const before = await tx.request(id);
      const late = this.#mayNotDecide(actor, before, 'approved');
      if (late || !before) return { answer: late ?? unknownRequest(), after: undefined };
      if (verdictOf(actor, before) === 'approved') return { answer: yes({}), after: undefined };
      const approval: GivenApproval = { ...this.#signed(actor, before, reason), verdict: 'approved' };
      let request = await this.#take(tx, before, { type: 'approved by', approval });
      if (!resource) return this.#fail(tx, request, notFound());
      if (locked) return this.#fail(tx, request, locked);
      // The policy may have changed since, and so may the requester's groups and the resource's tags.
      const ruling = this.#decide(request, this.#parts.directory.find(request.requester.person.id) ?? request.requester, resource);
      if (ruling.decision.outcome === 'refused') {
        await this.#take(tx, request, { type: 'decided', ...ruling });
        return { answer: no('refused-by-policy', `Policy does not allow this any more: ${ruling.decision.because}`), after: undefined };
      }
      const enough = ruling.decision.outcome === 'granted' || isSatisfied(ruling.requirements, request, sha256(essence(request)));
      if (!enough) return { answer: yes({}), after: undefined };
      const doubled = await this.#overlap(tx, request);
      if (doubled) return this.#fail(tx, request, doubled);
      const granted = await this.#grant(tx, request, ruling);
      request = granted.request;
      return { answer: yes({}), after: granted.start };
    });
    after?.();
    if (!isOpen((await store.request(id))?.state ?? 'failed')) this.#lapses.delete(id);
    return answer;
  }

  async deny(actor: Actor, id: RequestId, reason: string): Promise<Answer<Record<never, never>>> {
    return this.#change(id, (request) => {
      const refused = this.#mayNotDecide(actor, request, 'denied');
      return refused ?? { type: 'denied by', approval: { ...this.#signed(actor, request, reason), verdict: 'denied' } };
    });
  }

  async cancel(actor: Actor, id: RequestId): Promise<Answer<Record<never, never>>> {
    return this.#change(id, (request) => {
      if (!isMine(actor, request)) return no('not-yours', 'Only who asked can cancel a request');
      return isOpen(request.state) ? { type: 'cancelled' } : tooLate(request);
    });
  }

  async #lapse(id: RequestId): Promise<void> {
    await this.#change(id, () => ({ type: 'lapsed' }));
  }

  async #change(id: RequestId, decideOn: (request: RequestLife) => RequestEvent | Refused): Promise<Answer<Record<never, never>>> {
    const answer = await this.#parts.store.write(async (tx): Promise<Answer<Record<never, never>>> => {
      const request = await tx.request(id);
      if (!request) return unknownRequest();
      const event = decideOn(request);
      if ('ok' in event) return event;
      await this.#take(tx, request, event);
      return yes({});
    });
    if (answer.ok) this.#lapses.delete(id);
    return answer;
  }

  async #take(tx: Writing, before: RequestLife, event: RequestEvent): Promise<RequestLife> {
    const { clock } = this.#parts;
    const { request, records } = stepRequest(before, event);
    await tx.putRequest(request, clock.now());
    for (const { kind, text, more } of records) await tx.append(aboutRequest(clock, request, kind, text, more));
    return request;
  }

  /** Request approved and intent recorded in the one transaction; `start` calls the cloud, after it is durable. */
  async #grant(tx: Writing, before: RequestLife, { decision }: Ruling): Promise<{ request: RequestLife; start: () => void }> {
    const { clock, runner, provider } = this.#parts;
    const grantId = randomUUID() as GrantId;
    const request = await this.#take(tx, before, { type: 'granted', decision, grantId });
    const { requester, resource, role, actions, reason, ticket, follows } = request;
    const start = await runner.intend(tx, {
      id: grantId,
      requestId: request.id,
      issuer: requester.issuer,
      holder: requester.person,
      principalId: requester.principals[provider.id] ?? '',
      resource,
      role,
      actions,
      reason,
      ticket,
      decision,
      approvedBy: approvers(request),
      follows,
      notAfter: clock.now() + request.duration,
    });
    return { request, start };
  }

  #overlap(tx: Writing, request: RequestLife): Promise<Refused | undefined> {
    const { provider, clock, runner } = this.#parts;
    return overlap(tx, request, provider.id, clock.now(), (id) => runner.find(id));
  }

  async #fail(tx: Writing, request: RequestLife, because: Refused): Promise<{ answer: Refused; after: undefined }> {
    const { code, message } = because.refusal;
    await this.#take(tx, request, { type: 'failed', problem: { code, message } });
    return { answer: because, after: undefined };
  }

  #decide({ role, duration, ticket }: RequestLife, requester: Actor, { target }: Resource): Ruling {
    const { policy, clock } = this.#parts;
    return decide(policy, { person: subject(requester), role: role.id, target, duration, ticket, now: clock.now() });
  }

  #role(actor: Actor, { resourceId, roleId }: NewRequest): Answer<CatalogueRole> {
    const role = this.#parts.granting.roles(resourceId).find(({ id }) => id === roleId);
    if (!role) return noSuchRole(roleId);
    if (role.enforcement === 'guarded') return no('unsupported', GUARDED, { field: 'roleId', wayOut: 'Ask for a native role' });
    if (!actor.principals[this.#parts.provider.id]) {
      return no('not-eligible', unknownToCloud(actor.person.name), { wayOut: 'Ask whoever runs central to add the object id' });
    }
    return yes(role);
  }

  async #locked(resource: ResourceId, signal: AbortSignal): Promise<Refused | undefined> {
    const locks = await this.#parts.provider.access.locks(resource, signal);
    return locks.length === 0 ? undefined : no('locked', lockedText(locks), { wayOut: 'Have the lock removed, then ask again' });
  }

  #mayNotDecide(actor: Actor, request: RequestLife | undefined, verdict: 'approved' | 'denied'): Refused | undefined {
    if (!request) return unknownRequest();
    if (isMine(actor, request))
      return no('self-approval', 'Nobody decides about their own request', { wayOut: 'Ask one of the approvers, or cancel it' });
    if (!concerns(actor, request) || !this.#parts.views.mayApprove(actor, request))
      return no('not-yours', 'You are not among those who decide about this');
    // Its timer may fire a moment late, after a restart for one; the instant holds all the same.
    if (isOpen(request.state) && request.lapsesAt <= this.#parts.clock.now()) return no('too-late', 'This request has lapsed');
    // The same once more changes nothing; the other way round it is too late.
    return isOpen(request.state) || verdictOf(actor, request) === verdict ? undefined : tooLate(request);
  }

  #signed(actor: Actor, request: RequestLife, reason: string): Omit<GivenApproval, 'verdict'> {
    return {
      person: actor.person,
      reason,
      at: this.#parts.clock.now(),
      keys: actor.keys,
      groups: actor.groups,
      over: sha256(essence(request)),
    };
  }

  #again(actor: Actor, known: RequestLife, asked: NewRequest): Answer<ElevationRequest> {
    const same =
      isMine(actor, known) && known.resource.id === asked.resourceId && known.role.id === asked.roleId && known.duration === asked.duration;
    if (!same)
      return no('bad-input', 'id: is the id of another request', { field: 'id', wayOut: 'Choose a new random id for each request' });
    return this.#answer(actor, known, undefined);
  }

  #answer(actor: Actor, request: RequestLife, ruling: Ruling | undefined): Answer<ElevationRequest> {
    const { decision } = request;
    if (request.state !== 'denied' || decision?.outcome !== 'refused') return yes(this.#view(actor, request));
    const code = ruling?.hopeless && decision.rules.length === 0 ? 'not-eligible' : 'refused-by-policy';
    const wayOut = decision.wouldChange.join('. ').slice(0, 1_000);
    return no(code, decision.because, wayOut ? { wayOut } : {});
  }

  #view(actor: Actor, request: RequestLife): ElevationRequest {
    const view = this.#parts.views.request(actor, request, true);
    if (!view) throw new Error('A person cannot see their own request');
    return view;
  }
}

const unknownRequest = () => no('not-found', 'There is no such request');
const tooLate = ({ state }: RequestLife) => no('too-late', `This request is ${state} already`);
