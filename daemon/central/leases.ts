import * as v from 'valibot';
import type { Cancel, Clock, Instant } from '../../protocol/clock.ts';
import { HOUR, MINUTE, SECOND, sleep } from '../../protocol/clock.ts';
import { Deadlines } from '../../protocol/deadlines.ts';
import type { GrantId } from '../../protocol/ids.ts';
import { readJson } from '../../protocol/json.ts';
import { mayStand } from '../../protocol/lifecycle.ts';
import { Grant } from '../../protocol/model.ts';
import type { EndBecause, Truth } from '../authority.ts';
import { backoff } from '../backoff.ts';
import type { LeaseJournal } from '../journal/ports.ts';
import { type Log, ofError } from '../log.ts';
import type { CentralHttp } from './http.ts';

const Ending = v.picklist(['revoked', 'daemon stopped', 'window closed', 'expired']);
type Ending = v.InferOutput<typeof Ending>;

/** What the journal keeps of a grant of central's that this daemon holds. */
const CentralLease = v.object({ grant: Grant, actions: v.array(v.string()), ending: v.optional(Ending) });
type CentralLease = v.InferOutput<typeof CentralLease>;

export interface CentralLeasesParts {
  http: CentralHttp;
  /** This daemon's own id, by which central knows whose hold it is. */
  instance: string;
  journal: LeaseJournal;
  truth: Truth;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Renewals are this often within the time that central gives. */
const PER_HOLD = 5;

/**
 * This daemon's holds on central's grants: journal first, then the timer, then heartbeats. Each end is asked for until
 * central has accepted it, across restarts.
 */
export class CentralLeases {
  readonly #parts: CentralLeasesParts;
  readonly #leases = new Map<GrantId, CentralLease>();
  readonly #ends: Deadlines<GrantId>;
  readonly #beats = new Map<GrantId, Cancel>();
  readonly #endings = new Map<GrantId, { accepted: Promise<void>; wake: AbortController }>();
  readonly #stopped = new AbortController();
  #resumed = false;

  constructor(parts: CentralLeasesParts) {
    this.#parts = parts;
    this.#ends = new Deadlines(parts.clock, (id) => void this.end(id, 'expired'));
  }

  /** Takes up the journal, once it can be read: due ones are ended at once, the others renewed and shown as unknown until central says. */
  resume(): void {
    const { journal, clock, truth, log } = this.#parts;
    const rows = this.#resumed ? [] : journal.may((leases) => leases.load('central', clock.now() + HOUR));
    if (!rows) return;
    this.#resumed = true;
    for (const row of rows) {
      if (this.#leases.has(row.grantId)) continue;
      const parsed = v.safeParse(CentralLease, readJson(row.body));
      if (!parsed.success) {
        log.error('lease not understood', { grantId: row.grantId });
        continue;
      }
      const lease = parsed.output;
      this.#leases.set(row.grantId, lease);
      const known = truth.now().grants[row.grantId];
      if (!known || mayStand(known.state))
        truth.apply({ type: 'grant', grant: { ...lease.grant, state: 'unknown', awaiting: 'Verifying after a restart' } });
      truth.record({ ...about(lease.grant), kind: 'lease.resumed', text: `This daemon holds ${what(lease.grant)} again after a restart` });
      const due = Math.min(lease.grant.notAfter, row.bootDue ?? lease.grant.notAfter);
      this.#ends.set(row.grantId, due);
      if (lease.ending) void this.end(row.grantId, lease.ending);
      else this.#beat(row.grantId);
    }
  }

  get resumed(): boolean {
    return this.#resumed;
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
    return this.ids().filter((id) => !isEnding(this.#leases.get(id)?.grant));
  }

  take(grant: Grant, actions: string[]): void {
    const lease = { grant, actions };
    this.#leases.set(grant.id, lease);
    // Power may stand already: without a disk it is held in memory, so that it is still ended.
    this.#write(lease);
    this.#parts.truth.record({ ...about(grant), kind: 'lease.taken', text: `This daemon holds ${what(grant)}` });
    this.#hold(grant);
  }

  #hold({ id, notAfter }: Grant): void {
    this.#ends.set(id, notAfter);
    this.#beat(id);
  }

  /** What may be shown of what central says: with its end asked for, power is on its way out, whatever central says meanwhile. */
  shown(grant: Grant): Grant {
    if (!this.#leases.get(grant.id)?.ending || isEnding(grant)) return grant;
    const before = this.#parts.truth.now().grants[grant.id];
    return ending(grant, before?.endingAt ?? this.#parts.clock.now(), before?.awaiting ?? 'Asking central to end it');
  }

  /** What central says of a grant that is held. */
  see(grant: Grant): void {
    const lease = this.#leases.get(grant.id);
    if (!lease) return;
    const over = grant.state === 'gone' || grant.state === 'failed';
    const next = { ...lease, grant };
    this.#leases.set(grant.id, next);
    if (grant.state !== lease.grant.state || over) this.#write(next, over ? (grant.goneAt ?? this.#parts.clock.now()) : undefined);
    if (!isEnding(grant)) {
      // Its end was accepted once, and central has lost that: it is asked for again.
      if (next.ending) void this.end(grant.id, next.ending);
      else if (isEnding(lease.grant)) this.#hold(grant);
      return;
    }
    this.#quiet(grant.id);
    this.#ends.delete(grant.id);
    this.#endings.get(grant.id)?.wake.abort();
    if (over) this.#leases.delete(grant.id);
  }

  /** Central does not know it: nothing of it can stand. */
  lost(id: GrantId): void {
    const lease = this.#leases.get(id);
    if (!lease) return;
    this.#parts.truth.record({ ...about(lease.grant), kind: 'lease.lost', text: `Central does not know ${what(lease.grant)} any more` });
    this.#write(lease, this.#parts.clock.now());
    this.#quiet(id);
    this.#ends.delete(id);
    this.#leases.delete(id);
  }

  /** Central answers again: what waits for it goes on at once. */
  wake(): void {
    for (const { wake } of this.#endings.values()) wake.abort();
    for (const id of this.standing()) if (!this.#leases.get(id)?.ending) this.#beat(id);
  }

  /** Asks central to end it, for ever: until central shows it as ending. Resolves once central has accepted it. */
  end(id: GrantId, because: EndBecause | 'expired'): Promise<void> {
    const known = this.#endings.get(id);
    if (known) return known.accepted;
    const lease = this.#leases.get(id);
    if (!lease || isEnding(lease.grant)) return Promise.resolve();
    const asked = { ...lease, ending: because };
    this.#leases.set(id, asked);
    this.#write(asked);
    this.#quiet(id);
    const { promise: accepted, resolve } = Promise.withResolvers<void>();
    this.#endings.set(id, { accepted, wake: new AbortController() });
    void this.#untilEnding(id, because, resolve).finally(() => {
      resolve();
      this.#endings.delete(id);
    });
    return accepted;
  }

  stop(): void {
    this.#stopped.abort();
    this.#ends.close();
    for (const id of [...this.#beats.keys()]) this.#quiet(id);
  }

  async #untilEnding(id: GrantId, because: Ending, onAccepted: () => void): Promise<void> {
    const { http, clock, random, truth, log } = this.#parts;
    const began = clock.now();
    for (let tries = 1, alarmed = false; !this.#stopped.signal.aborted; tries++) {
      const grant = this.#leases.get(id)?.grant;
      if (!grant || isEnding(grant)) return;
      try {
        const answer = await http.call('revoke', { id, body: { because } }, this.#stopped.signal);
        // Too late and not found are the same good news: it is ending, or was never there.
        const accepted = answer.ok || answer.refusal.code === 'too-late' || answer.refusal.code === 'not-found';
        if (tries === 1) this.#attempted(grant, accepted ? 'accepted' : 'refused');
        if (accepted) {
          onAccepted();
          this.#overlay(id, 'Central has accepted the end, and does not show it yet');
        } else {
          log.warn('revocation refused', { grantId: id, attempt: tries, code: answer.refusal.code, problem: answer.refusal.message });
          this.#overlay(id, answer.refusal.message);
        }
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        if (tries === 1) this.#attempted(grant, 'unanswered');
        log.warn('revocation not answered', { grantId: id, attempt: tries, ...ofError(error) });
        this.#overlay(id, 'Central does not answer; it is asked again until it does');
      }
      if (!alarmed && clock.now() - began >= MINUTE) {
        alarmed = true;
        truth.record({
          ...about(grant),
          kind: 'revocation.delayed',
          text: `Central does not show the end of ${what(grant)} yet`,
          lateBy: clock.now() - began,
          lateAfter: because === 'expired' ? 'due' : 'asked',
        });
      }
      await this.#pause(id, backoff(tries, random()));
    }
  }

  async #pause(id: GrantId, delay: number): Promise<void> {
    const entry = this.#endings.get(id);
    const signals = entry ? [this.#stopped.signal, entry.wake.signal] : [this.#stopped.signal];
    await sleep(this.#parts.clock, delay, AbortSignal.any(signals)).catch(() => {});
    if (entry?.wake.signal.aborted) entry.wake = new AbortController();
  }

  /** Less power may be shown before it is proven, as being on its way; more never. */
  #overlay(id: GrantId, awaiting: string): void {
    const { truth, clock } = this.#parts;
    const grant = this.#leases.get(id)?.grant;
    // Central has said more meanwhile.
    if (!grant || isEnding(grant)) return;
    truth.apply({ type: 'grant', grant: ending(grant, truth.now().grants[id]?.endingAt ?? clock.now(), awaiting) });
  }

  #attempted(grant: Grant, outcome: keyof typeof ATTEMPTED): void {
    this.#parts.truth.record({
      ...about(grant),
      kind: 'revocation.attempted',
      text: ATTEMPTED[outcome](what(grant)),
      data: { outcome },
    });
  }

  #beat(id: GrantId): void {
    this.#quiet(id);
    const { http, instance, clock, log } = this.#parts;
    const again = (delay: number) => {
      if (this.#stopped.signal.aborted || !this.#leases.has(id) || this.#leases.get(id)?.ending) return;
      this.#beats.set(
        id,
        clock.after(delay, () => this.#beat(id)),
      );
    };
    // Marks that one is under way, so that a second never starts beside it.
    let current = true;
    this.#beats.set(id, () => {
      current = false;
    });
    http.call('heartbeat', { id, body: { instance } }, this.#stopped.signal).then(
      (answer) => {
        if (!current) return;
        if (answer.ok) return again(Math.max(SECOND, Math.min(MINUTE, (answer.value.holdUntil - clock.now()) / PER_HOLD)));
        log.warn('hold not renewed', { grantId: id, code: answer.refusal.code, problem: answer.refusal.message });
        // It is ending, and the feed says how. Anything else may pass: a sign-in that lapsed, a limit.
        if (answer.refusal.code !== 'too-late' && answer.refusal.code !== 'not-found') again(5 * SECOND);
      },
      (error: unknown) => {
        if (!current || this.#stopped.signal.aborted) return;
        log.warn('hold not renewed', { grantId: id, ...ofError(error) });
        again(2 * SECOND);
      },
    );
  }

  #quiet(id: GrantId): void {
    this.#beats.get(id)?.();
    this.#beats.delete(id);
  }

  #write(lease: CentralLease, endedAt?: Instant): void {
    this.#parts.journal.may((leases) => leases.put('central', lease.grant.id, JSON.stringify(lease), lease.grant.notAfter, endedAt));
  }
}

const ATTEMPTED = {
  accepted: (which: string) => `Central accepted the end of ${which}`,
  refused: (which: string) => `Central refused to end ${which}, and is asked again`,
  unanswered: (which: string) => `Central did not answer when asked to end ${which}, and is asked again`,
};

const ending = (grant: Grant, endingAt: Instant, awaiting: string): Grant => ({
  ...grant,
  state: 'revoking',
  endingAt: grant.endingAt ?? endingAt,
  awaiting: awaiting.slice(0, 500),
});

const isEnding = (grant: Grant | undefined): boolean => grant?.state === 'revoking' || grant?.state === 'gone' || grant?.state === 'failed';

const what = ({ role, resource }: Grant): string => `${role.title} on ${resource.name}`;

const about = ({ id, requestId, holder, resource, role, reason, ticket }: Grant) => ({
  grantId: id,
  requestId,
  person: holder,
  resource,
  role,
  reason,
  ticket,
});
