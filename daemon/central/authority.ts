import type { Access } from '../../cloud/provider.ts';
import type { AuditEvent } from '../../protocol/audit.ts';
import { backoff } from '../../protocol/backoff.ts';
import type { FeedItem } from '../../protocol/central-api.ts';
import type { Clock } from '../../protocol/clock.ts';
import { SECOND, sleep } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { GrantId, PersonId, RequestId, ResourceId } from '../../protocol/ids.ts';
import { isOpen } from '../../protocol/lifecycle.ts';
import type { ExtendParams, Params, RequestParams } from '../../protocol/messages.ts';
import type { ElevationRequest, Grant, Person, Preview, ResourceRef, RoleOption } from '../../protocol/model.ts';
import { type Answer, yes } from '../../protocol/refusal.ts';
import type { Contact } from '../../protocol/state.ts';
import type { Authority, EndBecause, Truth } from '../authority.ts';
import type { MirrorJournal } from '../journal/ports.ts';
import { type Log, ofError } from '../log.ts';
import { type Observed, Observer } from '../observe.ts';
import { Feed } from './feed.ts';
import type { Body, CentralHttp, Value } from './http.ts';
import { isEnding, type LeaseBasis } from './lease.ts';
import { leaseStep } from './lease-step.ts';
import { CentralLeases } from './leases.ts';

export interface CentralParts {
  http: CentralHttp;
  /** Central's address: whose record is mirrored. */
  url: string;
  instance: string;
  access(resource: ResourceId): Pick<Access, 'check'> | undefined;
  journal: MirrorJournal;
  truth: Truth;
  clock: Clock;
  random: () => number;
  log: Log;
  /** Central has said who the person is. */
  onPerson(person: Person): void;
  /** Central, or who issues its tokens, does not know the person. */
  onSignedOut(problem: string): void;
  /** An event of central's record that was not known here. */
  onEvent(event: AuditEvent): void;
}

const RECORD = 'central';
/** A request is sent this often with the same id before nobody waits for it any more. */
const SEND_TRIES = 3;
/** Missed events are told one by one up to here; beyond, clients ask for the list again. */
const TOLD = 200;

/** Portcullis' central service decides. This daemon asks, holds the leases on what it asked for, and observes. */
export class CentralAuthority implements Authority {
  readonly id = 'central';
  readonly #parts: CentralParts;
  readonly #leases: CentralLeases;
  readonly #feed: Feed;
  readonly #observer: Observer;
  readonly #reporting = new Set<GrantId>();
  #sending = 0;
  readonly #stopped = new AbortController();
  #kept = 0;
  /** The journal has missed events after the last one kept: a mirror has no holes, so it takes none until they are asked for again. */
  #missed = false;
  #told = 0;
  #who: PersonId | undefined;
  #reached = false;

  constructor(parts: CentralParts) {
    this.#parts = parts;
    this.#leases = new CentralLeases({ ...parts, machine: leaseStep });
    this.#observer = new Observer({ ...parts, onObserved: (observed) => void this.#report(observed) });
    this.#feed = new Feed({
      ...parts,
      lastKept: () => this.#kept,
      onPerson: (person) => this.#person(person),
      onState: (state) => this.#state(state),
      onRecord: (events) => this.#mirror(events, events.length <= TOLD),
      onItem: (item) => this.#item(item),
      onContact: (contact) => this.#contact(contact),
    });
  }

  start(): void {
    this.#leases.resume();
    this.#feed.start();
  }

  get resumed(): boolean {
    return this.#leases.resumed;
  }

  /** Central tells of everything that it granted. */
  get recovered(): boolean {
    return this.#parts.truth.now().central.state === 'connected';
  }

  /** What the journal did not take meanwhile, and what it could not say, is gone over again. */
  healed(): void {
    this.#leases.resume();
    this.#leases.rewrite();
    this.#feed.again();
  }

  clockJumped(): void {
    this.#leases.wake();
  }

  /** Somebody has signed in, or wants it tried again now. */
  kick(): void {
    this.#feed.kick();
  }

  async eligibility(resource: ResourceRef, signal: AbortSignal): Promise<Answer<RoleOption[]>> {
    const answer = await this.#parts.http.call('eligibility', { body: { resourceId: resource.id } }, signal);
    return answer.ok ? yes(answer.value.roles) : answer;
  }

  preview({ authority: _, ...ask }: Params<'preview'>, _resource: ResourceRef, signal: AbortSignal): Promise<Answer<Preview>> {
    return this.#parts.http.call('preview', { body: ask }, signal);
  }

  request(
    { authority: _, idempotencyKey, ...ask }: RequestParams,
    _resource: ResourceRef,
    signal: AbortSignal,
  ): Promise<Answer<RequestId>> {
    return this.#send({ id: idempotencyKey as RequestId, ...ask }, signal);
  }

  extend({ grantId, idempotencyKey, ...more }: ExtendParams, grant: Grant, signal: AbortSignal): Promise<Answer<RequestId>> {
    return this.#send(
      { id: idempotencyKey as RequestId, resourceId: grant.resource.id, roleId: grant.role.id, follows: grantId, ...more },
      signal,
    );
  }

  cancel(id: RequestId, signal: AbortSignal): Promise<Answer<unknown>> {
    return this.#parts.http.call('cancel', { id, body: {} }, signal);
  }

  approve(id: RequestId, reason: string, signal: AbortSignal): Promise<Answer<unknown>> {
    return this.#parts.http.call('approve', { id, body: { reason } }, signal);
  }

  deny(id: RequestId, reason: string, signal: AbortSignal): Promise<Answer<unknown>> {
    return this.#parts.http.call('deny', { id, body: { reason } }, signal);
  }

  async revoke(id: GrantId, because: EndBecause, signal: AbortSignal): Promise<Answer<unknown>> {
    if (!this.#leases.has(id)) return this.#parts.http.call('revoke', { id, body: { because } }, signal);
    // Durable, and asked for until central accepts it: that is all a reply says.
    void this.#leases.end(id, because);
    return yes({});
  }

  get asking(): boolean {
    return this.#sending > 0;
  }

  held(): GrantId[] {
    return this.#leases.standing();
  }

  /** Central's own reaper ends what no daemon holds any more. */
  endsHere(): Grant[] {
    return [];
  }

  async endAll(because: EndBecause): Promise<void> {
    await Promise.all(this.#leases.standing().map((id) => this.#leases.end(id, because)));
  }

  stop(): void {
    this.#stopped.abort();
    this.#feed.stop();
    this.#observer.stop();
    this.#leases.stop();
  }

  /** Intent first: a grant that comes of it is known as ours, even when the answer is lost. */
  async #send(body: Body<'request'>, signal: AbortSignal): Promise<Answer<RequestId>> {
    const { journal } = this.#parts;
    const id = body.id as RequestId;
    journal.must((leases) => leases.intend(id, JSON.stringify({ resourceId: body.resourceId, roleId: body.roleId })));
    this.#sending += 1;
    try {
      return await this.#sent(id, body, signal);
    } finally {
      this.#sending -= 1;
    }
  }

  async #sent(id: RequestId, body: Body<'request'>, signal: AbortSignal): Promise<Answer<RequestId>> {
    const { journal, http, truth, clock, random } = this.#parts;
    for (let tries = 1; ; tries++) {
      try {
        const answer = await http.call('request', { body }, signal);
        if (answer.ok) return yes(id);
        journal.may((leases) => leases.drop(id));
        return answer;
      } catch (error) {
        if (error instanceof Fault && error.code === 'sign-in-failed') {
          journal.may((leases) => leases.drop(id));
          throw error;
        }
        if (tries < SEND_TRIES && !signal.aborted) {
          await sleep(clock, Math.min(2 * SECOND, backoff(tries, random())), signal).catch(() => {});
          continue;
        }
        // The answer was lost, and the feed has shown that the request was not.
        if (truth.now().requests[id]) return yes(id);
        journal.may((leases) => leases.abandon(id));
        const cause = error instanceof Fault ? error : undefined;
        throw new Fault('central-unreachable', 'Central does not answer. Should the request have reached it, it is taken back.', {
          cause: error,
          wayOut: cause?.wayOut ?? 'Try again when central can be reached.',
        });
      }
    }
  }

  #person(person: Person): void {
    const { journal, url, onPerson } = this.#parts;
    journal.may((_, record) => record.mirrorFor(RECORD, `${url} ${person.id}`));
    this.#kept = journal.may((_, record) => record.last(RECORD)) ?? (this.#who === person.id ? this.#kept : 0);
    this.#missed = false;
    if (this.#who !== person.id) this.#told = this.#kept;
    this.#who = person.id;
    onPerson(person);
  }

  #state({ requests, grants }: Value<'state'>): void {
    const { truth } = this.#parts;
    const known = new Set<string>([...requests.map(({ id }) => id), ...grants.map(({ id }) => id)]);
    const before = truth.now();
    for (const request of requests) this.#request(request);
    for (const grant of grants) this.#grant(grant);
    for (const { id, authority } of Object.values(before.requests)) {
      if (authority === 'central' && !known.has(id)) truth.apply({ type: 'request.forgotten', requestId: id });
    }
    for (const { id, authority } of Object.values(before.grants)) {
      if (authority === 'central' && !known.has(id)) truth.apply({ type: 'grant.forgotten', grantId: id });
    }
    for (const id of this.#leases.ids()) if (!known.has(id)) this.#leases.lost(id);
  }

  #item({ event, request, grant, redacted }: FeedItem): void {
    if (request) this.#request(request);
    if (grant) this.#grant(grant);
    // Central's record does not show it to this person, and its hash could not verify: it moves the grant and is no event here.
    if (!redacted) this.#mirror([event], true);
  }

  #request(request: ElevationRequest): void {
    const { truth, journal } = this.#parts;
    if (JSON.stringify(truth.now().requests[request.id]) !== JSON.stringify(request)) truth.apply({ type: 'request', request });
    // Nobody waited for its answer any more: it is taken back.
    if (isOpen(request.state) && journal.may((leases) => leases.intent(request.id))?.abandoned)
      void this.#untilSaid(() => this.cancel(request.id, this.#stopped.signal));
  }

  #grant(grant: Grant): void {
    const { truth, journal } = this.#parts;
    if (this.#leases.has(grant.id)) this.#leases.see(grant);
    else {
      if (JSON.stringify(truth.now().grants[grant.id]) !== JSON.stringify(grant)) truth.apply({ type: 'grant', grant });
      if (!grant.mine || isEnding(grant)) return;
      const intent = journal.may((leases) => leases.intent(grant.requestId));
      // Asked for on another machine of this person: that daemon holds it.
      if (!intent) return;
      this.#leases.take(grant, basisOf(truth.now().requests[grant.requestId]));
      if (intent.abandoned) void this.#leases.end(grant.id, 'revoked');
    }
    this.#observe(grant);
  }

  #observe({ id, state, usableAt, resource, principalId }: Grant): void {
    const awaited =
      state === 'revoking' ? 'denied' : state === 'assigned' || (state === 'unknown' && usableAt === undefined) ? 'allowed' : undefined;
    if (!awaited) this.#observer.drop(id);
    else if (this.#leases.has(id))
      this.#observer.watch({ grantId: id, resource: resource.id, actions: this.#leases.actions(id), principalId }, awaited);
  }

  async #report({ grantId, access, at }: Observed): Promise<void> {
    // One at a time: while central does not answer, a later one says nothing more.
    if (this.#reporting.has(grantId)) return;
    this.#reporting.add(grantId);
    await this.#untilSaid(() => this.#parts.http.call('observed', { id: grantId, body: { access, at } }, this.#stopped.signal));
    this.#reporting.delete(grantId);
  }

  /** Repeats until central has said yes or a definite no. */
  async #untilSaid(act: () => Promise<Answer<unknown>>): Promise<void> {
    const { clock, random, log } = this.#parts;
    for (let tries = 1; !this.#stopped.signal.aborted; tries++) {
      try {
        const answer = await act();
        if (answer.ok || (answer.refusal.code !== 'rate-limited' && answer.refusal.code !== 'not-signed-in')) return;
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        log.warn('central not told yet', { attempt: tries, ...ofError(error) });
      }
      await sleep(clock, backoff(tries, random()), this.#stopped.signal).catch(() => {});
    }
  }

  #mirror(events: AuditEvent[], tell: boolean): void {
    const fresh = events.filter(({ seq }) => seq > this.#kept);
    if (fresh.length === 0) return;
    const last = fresh.at(-1)?.seq ?? this.#kept;
    if (!this.#missed && this.#parts.journal.may((_, record) => record.mirror(fresh) ?? true)) this.#kept = last;
    else this.#missed = true;
    const untold = fresh.filter(({ seq }) => seq > this.#told);
    this.#told = Math.max(this.#told, last);
    if (tell) for (const event of untold) this.#parts.onEvent(event);
  }

  #contact(contact: { state: 'connected' } | { state: 'lost'; problem: string; signedOut: boolean }): void {
    if (contact.state === 'lost' && contact.signedOut) this.#parts.onSignedOut(contact.problem);
    const { truth, clock } = this.#parts;
    const before = truth.now().central;
    const problem = contact.state === 'lost' ? contact.problem : undefined;
    if (before.state === contact.state && before.problem === problem) return;
    const since = before.state === contact.state ? before.since : clock.now();
    const next: Contact = { state: contact.state, since, ...(problem === undefined ? {} : { problem }) };
    truth.apply({ type: 'central', contact: next });
    if (contact.state === 'connected') {
      if (this.#reached) truth.record({ kind: 'contact.restored', text: 'Contact with central is restored' });
      this.#reached = true;
      this.#leases.wake();
    } else if (before.state === 'connected')
      truth.record({ kind: 'contact.lost', text: `Contact with central is lost: ${contact.problem}` });
  }
}

const basisOf = (request: ElevationRequest | undefined): LeaseBasis => ({
  actions: request?.actions ?? [],
  decision: request?.decision,
  approvedBy: request?.approvals.filter(({ verdict }) => verdict === 'approved').map(({ person }) => person),
});
