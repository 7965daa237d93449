import type { Clock, Instant } from '../../protocol/clock.ts';
import { HOUR } from '../../protocol/clock.ts';
import { Deadlines } from '../../protocol/deadlines.ts';
import type { GrantId } from '../../protocol/ids.ts';
import type { Grant } from '../../protocol/model.ts';
import type { Truth } from '../authority.ts';
import type { LeaseJournal } from '../journal/ports.ts';
import { type Log, ofError } from '../log.ts';
import type { CentralHttp } from './http.ts';
import {
  type CentralLease,
  type CentralLeaseEffect,
  type CentralLeaseEvent,
  type CentralLeaseMachine,
  type CentralLeaseStep,
  type Ending,
  keptOf,
  type LeaseBasis,
  readLease,
  shownOf,
} from './lease.ts';
import { takeLease } from './lease-step.ts';

export interface CentralLeasesParts {
  /** The life of a lease. */
  machine: CentralLeaseMachine;
  http: Pick<CentralHttp, 'call'>;
  /** This daemon's own id, by which central knows whose hold it is. */
  instance: string;
  journal: LeaseJournal;
  truth: Truth;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Nothing is granted for longer; whoever forgets a grant may bring it back until then. */
const REMEMBERED = 24 * HOUR;

/** Drives this daemon's holds on central's grants: carries out what each step asks for, in its order, and keeps its instants. */
export class CentralLeases {
  readonly #parts: CentralLeasesParts;
  readonly #leases = new Map<GrantId, CentralLease>();
  readonly #ends: Deadlines<GrantId>;
  readonly #acts: Deadlines<GrantId>;
  /** Who waits until the end of a grant is accepted. */
  readonly #waiting = new Map<GrantId, (() => void)[]>();
  readonly #stopped = new AbortController();
  #resumed = false;

  constructor(parts: CentralLeasesParts) {
    this.#parts = parts;
    this.#ends = new Deadlines(parts.clock, (id) => this.#take(id, { type: 'due' }));
    this.#acts = new Deadlines(parts.clock, (id) => this.#take(id, { type: 'act' }));
  }

  /** Takes up the journal, once it can be read: due ones are ended at once, the others renewed and shown as unknown until central says. */
  resume(): void {
    const { journal, clock, truth, log } = this.#parts;
    const rows = this.#resumed ? [] : journal.may((leases) => leases.load('central', clock.now() - REMEMBERED));
    if (!rows) return;
    this.#resumed = true;
    for (const { grantId, body, bootDue } of rows) {
      if (this.#leases.has(grantId)) continue;
      const lease = readLease(body);
      if (!lease) {
        log.error('lease not understood', { grantId });
        continue;
      }
      this.#leases.set(grantId, lease);
      this.#ends.set(grantId, Math.min(lease.end, bootDue ?? lease.end));
      this.#take(grantId, { type: 'resumed', known: truth.now().grants[grantId] });
    }
  }

  get resumed(): boolean {
    return this.#resumed;
  }

  /** The journal takes writes again: it may have missed some. */
  rewrite(): void {
    for (const lease of this.#leases.values()) this.#keep(lease, isClosed(lease) ? (lease.grant.goneAt ?? lease.end) : undefined);
  }

  has(id: GrantId): boolean {
    return this.#leases.has(id);
  }

  actions(id: GrantId): string[] {
    return this.#leases.get(id)?.actions ?? [];
  }

  ids(): GrantId[] {
    return [...this.#leases.keys()];
  }

  /** Those whose end central has not accepted yet, and that are not being ended by central itself. */
  standing(): GrantId[] {
    return this.ids().filter((id) => {
      const phase = this.#leases.get(id)?.phase;
      return phase === 'holding' || phase === 'asking' || phase === 'accepted';
    });
  }

  take(grant: Grant, basis: LeaseBasis): void {
    if (!this.#leases.has(grant.id)) this.#carryOut(grant.id, undefined, takeLease(grant, basis));
  }

  /** What central says of a grant that is held. */
  see(grant: Grant): void {
    this.#take(grant.id, { type: 'shown', grant });
  }

  /** Central does not know it: nothing of it can stand. */
  lost(id: GrantId): void {
    this.#take(id, { type: 'not known' });
  }

  /** What waits is done now: central answers again, or the clock was set. */
  wake(): void {
    for (const [id, { actAt }] of this.#leases) if (actAt !== undefined) this.#take(id, { type: 'act' });
  }

  /** Asks central to end it, for ever: until central shows it as ending. Resolves once central has accepted it. */
  end(id: GrantId, because: Ending): Promise<void> {
    this.#take(id, { type: 'end', because });
    if (!isAwaited(this.#leases.get(id)) || this.#stopped.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const others = this.#waiting.get(id) ?? [];
      this.#waiting.set(id, [...others, resolve]);
    });
  }

  stop(): void {
    this.#stopped.abort();
    this.#ends.close();
    this.#acts.close();
    for (const id of [...this.#waiting.keys()]) this.#answerWaiting(id);
  }

  #take(id: GrantId, event: CentralLeaseEvent): void {
    const before = this.#leases.get(id);
    if (!before || this.#stopped.signal.aborted) return;
    const { machine, clock, random } = this.#parts;
    this.#carryOut(id, before, machine(before, event, clock.now(), { random: random() }));
  }

  #carryOut(id: GrantId, before: CentralLease | undefined, { lease, effects }: CentralLeaseStep): void {
    if (lease) this.#leases.set(id, lease);
    else this.#leases.delete(id);
    if (lease) for (const effect of effects) this.#effect(lease, effect);
    this.#arm(id, before, lease);
    if (!isAwaited(lease)) this.#answerWaiting(id);
  }

  #arm(id: GrantId, before: CentralLease | undefined, lease: CentralLease | undefined): void {
    if (lease?.actAt === undefined) this.#acts.delete(id);
    else if (lease.actAt !== before?.actAt) this.#acts.set(id, lease.actAt);
    if (!lease) this.#ends.delete(id);
    // Only ever to an earlier instant, on both clocks: setting it anew after the wall clock was set back would lengthen it.
    else if (!before || lease.end < before.end) this.#ends.set(id, Math.min(lease.end, this.#ends.dueAt(id) ?? lease.end));
    // Its instant fell due while it was ending: there is nothing left to remember it for.
    else if (isClosed(lease) && this.#ends.dueAt(id) === undefined) this.#ends.set(id, lease.end);
  }

  #effect(lease: CentralLease, effect: CentralLeaseEffect): void {
    const { grant } = lease;
    const { truth } = this.#parts;
    switch (effect.type) {
      case 'keep':
        this.#keep(lease, effect.endedAt);
        return;
      case 'record':
        truth.record({ ...about(lease), kind: effect.kind, text: effect.text, ...effect.more });
        return;
      case 'show': {
        const shown = shownOf(lease);
        if (JSON.stringify(truth.now().grants[grant.id]) !== JSON.stringify(shown)) truth.apply({ type: 'grant', grant: shown });
        return;
      }
      case 'call':
        void (effect.call === 'heartbeat' ? this.#renew(grant.id) : this.#revoke(grant.id, effect.because));
    }
  }

  async #renew(id: GrantId): Promise<void> {
    const { http, instance, log } = this.#parts;
    try {
      const answer = await http.call('heartbeat', { id, body: { instance } }, this.#stopped.signal);
      if (answer.ok) return this.#take(id, { type: 'renewed', holdUntil: answer.value.holdUntil });
      const { code, message } = answer.refusal;
      log.warn('hold not renewed', { grantId: id, code, problem: message });
      this.#take(id, { type: 'not renewed', why: code === 'too-late' || code === 'not-found' ? 'ending' : 'refused' });
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      log.warn('hold not renewed', { grantId: id, ...ofError(error) });
      this.#take(id, { type: 'not renewed', why: 'unanswered' });
    }
  }

  async #revoke(id: GrantId, because: Ending): Promise<void> {
    const { http, log } = this.#parts;
    const attempt = (this.#leases.get(id)?.tries ?? 0) + 1;
    try {
      const answer = await http.call('revoke', { id, body: { because } }, this.#stopped.signal);
      // Too late and not found are the same good news: it is ending, or was never there.
      if (answer.ok || answer.refusal.code === 'too-late' || answer.refusal.code === 'not-found')
        return this.#take(id, { type: 'answered', answer: 'accepted' });
      const { code, message } = answer.refusal;
      log.warn('revocation refused', { grantId: id, attempt, code, problem: message });
      this.#take(id, { type: 'answered', answer: 'refused', why: message });
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      log.warn('revocation not answered', { grantId: id, attempt, ...ofError(error) });
      this.#take(id, { type: 'answered', answer: 'unanswered' });
    }
  }

  #keep(lease: CentralLease, endedAt?: Instant): void {
    this.#parts.journal.may((leases) => leases.put('central', lease.grant.id, keptOf(lease), lease.end, endedAt));
  }

  #answerWaiting(id: GrantId): void {
    for (const resolve of this.#waiting.get(id) ?? []) resolve();
    this.#waiting.delete(id);
  }
}

const isClosed = ({ phase }: CentralLease): boolean => phase === 'over' || phase === 'lost';

/** Its end is not accepted yet. */
const isAwaited = (lease: CentralLease | undefined): boolean => lease?.phase === 'holding' || lease?.phase === 'asking';

const about = ({ grant: { id, requestId, holder, resource, role, reason, ticket }, decision, approvedBy }: CentralLease) => ({
  grantId: id,
  requestId,
  person: holder,
  resource,
  role,
  reason,
  ticket,
  decision,
  approvedBy,
});
