import type { Approving, WaitingRequest } from '../../cloud/provider.ts';
import type { Cancel, Clock } from '../../protocol/clock.ts';
import { HOUR, MINUTE, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { RequestId, ResourceId } from '../../protocol/ids.ts';
import type { Approval, ElevationRequest, Person, ResourceRef } from '../../protocol/model.ts';
import { type Answer, no } from '../../protocol/refusal.ts';
import type { Truth } from '../authority.ts';
import { type Log, ofError } from '../log.ts';

export interface ApprovalsParts {
  approving: Approving;
  /** Who is signed in to the cloud, when somebody is. */
  person(): Person | undefined;
  /** What the screen calls a resource. */
  resolve(id: ResourceId, signal: AbortSignal): Promise<Answer<ResourceRef>>;
  truth: Truth;
  clock: Clock;
  log: Log;
}

const LOOK_EVERY = 30 * SECOND;
const LONGEST_BETWEEN = 5 * MINUTE;
const LOOK_WITHIN = MINUTE;
/** Entra PIM's own window for approvers. */
const LAPSES_AFTER = 24 * HOUR;

/**
 * Requests of other people that wait in the cloud for this person. The cloud tells nobody: it is asked while somebody looks,
 * and what it does not list any more leaves the screen.
 */
export class Approvals {
  readonly #parts: ApprovalsParts;
  readonly #waiting = new Map<RequestId, ElevationRequest>();
  #watched = false;
  #failures = 0;
  #cancel: Cancel = () => {};
  #look: { controller: AbortController; done: Promise<void> } | undefined;
  #personId: string | undefined;
  #stopped = false;

  constructor(parts: ApprovalsParts) {
    this.#parts = parts;
  }

  has(id: RequestId): boolean {
    return this.#waiting.has(id);
  }

  /** Whether somebody looks at this daemon. */
  watched(watched: boolean): void {
    const began = watched && !this.#watched;
    this.#watched = watched;
    if (began) void this.refresh();
    else if (!watched) this.#cancel();
  }

  /** Asks now. What another person was asked leaves the screen at once. */
  refresh(): Promise<void> {
    const person = this.#parts.person();
    if (person?.id !== this.#personId) {
      this.#look?.controller.abort();
      this.#look = undefined;
      this.#personId = person?.id;
      this.#settle([]);
    }
    if (!person || this.#stopped) return Promise.resolve();
    this.#look ??= this.#start(person);
    return this.#look.done;
  }

  approve(id: RequestId, reason: string, signal: AbortSignal): Promise<Answer<unknown>> {
    return this.#decide(id, 'approved', reason, signal);
  }

  deny(id: RequestId, reason: string, signal: AbortSignal): Promise<Answer<unknown>> {
    return this.#decide(id, 'denied', reason, signal);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#look?.controller.abort();
  }

  #start(person: Person): { controller: AbortController; done: Promise<void> } {
    const { clock } = this.#parts;
    this.#cancel();
    const controller = new AbortController();
    const late = clock.after(LOOK_WITHIN, () => controller.abort(new Fault('timed-out', 'The cloud did not answer within a minute')));
    const done = this.#ask(person, controller.signal).finally(() => {
      late();
      if (this.#look?.controller !== controller) return;
      this.#look = undefined;
      const pause = Math.min(LONGEST_BETWEEN, LOOK_EVERY * 2 ** this.#failures);
      if (this.#watched && !this.#stopped) this.#cancel = clock.after(pause, () => void this.refresh());
    });
    return { controller, done };
  }

  async #ask(person: Person, signal: AbortSignal): Promise<void> {
    const { approving, log } = this.#parts;
    try {
      const found = await approving.waiting(signal);
      const shown = await Promise.all(found.filter(({ requester }) => requester.id !== person.id).map((one) => this.#shown(one, signal)));
      if (signal.aborted) return;
      this.#failures = 0;
      this.#settle(shown);
    } catch (error) {
      if (this.#stopped || this.#look?.controller.signal !== signal) return;
      this.#failures += 1;
      log.warn('approvals', { attempt: this.#failures, ...ofError(error) });
    }
  }

  async #shown({ askedAt, ...asked }: WaitingRequest, signal: AbortSignal): Promise<ElevationRequest> {
    // An approver need not be able to read what they decide about.
    const named = await this.#parts.resolve(asked.resource.id, signal).catch(() => undefined);
    return {
      ...asked,
      ...(named?.ok ? { resource: named.value } : {}),
      authority: 'pim',
      mine: false,
      mayDecide: true,
      state: 'pending approval',
      createdAt: askedAt,
      lapsesAt: askedAt + LAPSES_AFTER,
      approvals: [],
    };
  }

  #settle(found: ElevationRequest[]): void {
    const { truth } = this.#parts;
    const ids = new Set(found.map(({ id }) => id));
    for (const id of this.#waiting.keys()) {
      if (ids.has(id)) continue;
      this.#waiting.delete(id);
      truth.apply({ type: 'request.forgotten', requestId: id });
    }
    for (const request of found) {
      const before = this.#waiting.get(request.id);
      // Decided here a moment ago: the cloud's list lags.
      if (!before && truth.now().requests[request.id]) continue;
      this.#waiting.set(request.id, request);
      if (JSON.stringify(before) !== JSON.stringify(request)) truth.apply({ type: 'request', request });
    }
  }

  async #decide(id: RequestId, verdict: Approval['verdict'], reason: string, signal: AbortSignal): Promise<Answer<unknown>> {
    const { approving, truth, clock } = this.#parts;
    const person = this.#parts.person();
    const request = this.#waiting.get(id);
    if (!person) return no('not-signed-in', 'You are not signed in to Azure', { wayOut: 'Sign in, then try again.' });
    if (!request) return no('too-late', 'This request does not wait for you any more', { wayOut: 'Refresh the list.' });
    if (reason === '')
      return no('bad-input', 'Entra PIM wants a reason from its approvers', { field: 'reason', wayOut: 'Give a reason and try again.' });
    const answer = await approving[verdict === 'approved' ? 'approve' : 'deny'](id, reason, person.id, signal);
    if (!answer.ok) {
      void this.refresh();
      return answer;
    }
    this.#waiting.delete(id);
    const approvals = [{ person, verdict, reason, at: clock.now() }];
    truth.apply({ type: 'request', request: { ...request, state: verdict, mayDecide: false, approvals } });
    const { resource, role, requester } = request;
    truth.record({
      kind: verdict === 'approved' ? 'request.approved' : 'request.denied',
      text: `${person.name} ${verdict} ${role.title} on ${resource.name} for ${requester.name} in Entra PIM`,
      person,
      resource,
      role,
      requestId: id,
      reason,
      ticket: request.ticket,
      ...(verdict === 'approved' ? { approvedBy: [person] } : {}),
      data: { requester: requester.id, duration: request.duration },
    });
    return answer;
  }
}
