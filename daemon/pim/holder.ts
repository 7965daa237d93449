import type { Access, SelfService, Unbound } from '../../cloud/provider.ts';
import type { Cancel, Clock, Instant, Millis } from '../../protocol/clock.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import { jump, type Readings, readClocks } from '../../protocol/clock-watch.ts';
import { Deadlines } from '../../protocol/deadlines.ts';
import { Fault } from '../../protocol/fault.ts';
import { fitted } from '../../protocol/fit.ts';
import type { GrantId } from '../../protocol/ids.ts';
import type { Problem } from '../../protocol/model.ts';
import type { Truth } from '../authority.ts';
import type { LeaseJournal } from '../journal/ports.ts';
import { type Log, ofError } from '../log.ts';
import { isOver, orderOf, PimLease } from './lease.ts';
import type { LeaseEvent, PimMachine } from './step.ts';
import { about, story } from './story.ts';
import { grantOf, requestOf } from './view.ts';

export interface HolderParts {
  /** The life of a lease. */
  machine: PimMachine;
  selfService: Pick<SelfService, 'activate' | 'pending' | 'cancel' | 'deactivate' | 'standing' | 'propagation'>;
  access: Pick<Access, 'check'>;
  journal: LeaseJournal;
  truth: Truth;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Clocks that differ by more have been set. */
const SET: Millis = 2 * SECOND;
/** No act on the cloud takes longer; then its outcome is unknown. */
const ACT_WITHIN = MINUTE;
const LAST_WORDS = SECOND;

/** Drives leases: takes each step durably first, shows it, and then does what the step asks for, one act at a time per lease. */
export class Holder {
  readonly #parts: HolderParts;
  readonly #leases = new Map<GrantId, PimLease>();
  readonly #acts: Deadlines<GrantId>;
  readonly #ends: Deadlines<GrantId>;
  readonly #busy = new Map<GrantId, AbortController>();
  /** The end that the timer is set for. It is set once: setting it again after the wall clock was set back would lengthen it. */
  readonly #armed = new Map<GrantId, Instant>();
  #clocks: Readings;
  #stopped = false;

  constructor(parts: HolderParts) {
    this.#parts = parts;
    this.#clocks = readClocks(parts.clock);
    this.#acts = new Deadlines(parts.clock, (id) => this.#act(id));
    this.#ends = new Deadlines(parts.clock, (id) => this.take(id, { type: 'due' }));
  }

  get all(): PimLease[] {
    return [...this.#leases.values()];
  }

  get(id: GrantId): PimLease | undefined {
    return this.#leases.get(id);
  }

  /**
   * A new intent: durable before anything is sent.
   * @throws Fault `store-failed`, and then nothing has happened.
   */
  add(lease: PimLease): void {
    const kept = readable(lease);
    this.#parts.journal.must((leases) => leases.put('pim', kept.grantId, JSON.stringify(kept), kept.notAfter));
    this.#show(undefined, kept);
    this.#schedule(kept);
  }

  /** A lease of an earlier life. @param bootDue When it is due by the boot clock, if that still counts. */
  resume(lease: PimLease, bootDue: number | undefined): void {
    this.#leases.set(lease.grantId, lease);
    this.#publish(undefined, lease);
    if (isOver(lease)) return;
    this.#parts.truth.record({
      ...about(lease),
      kind: 'lease.resumed',
      text: `This daemon holds ${lease.role.title} on ${lease.resource.name} again after a restart`,
    });
    if (bootDue !== undefined && bootDue < lease.notAfter) {
      this.#armed.set(lease.grantId, lease.notAfter);
      this.#ends.set(lease.grantId, bootDue);
    }
    // Its end by the boot clock is another one than by the wall clock, which was set while no daemon ran.
    if (bootDue !== undefined && Math.abs(bootDue - lease.notAfter) > SET) this.take(lease.grantId, { type: 'clock jumped' });
    this.take(lease.grantId, { type: 'resumed' });
    if (bootDue !== undefined && bootDue <= this.#parts.clock.now()) this.take(lease.grantId, { type: 'due' });
  }

  /** One event: the next state is durable, shown and scheduled. */
  take(id: GrantId, event: LeaseEvent): void {
    if (event.type !== 'clock jumped') this.#noticeJump();
    const before = this.#leases.get(id);
    if (!before || this.#stopped) return;
    const { machine, clock, selfService, random } = this.#parts;
    let after = machine(before, event, clock.now(), { propagation: selfService.propagation, random: random() });
    if (after === before) return;
    after = readable(after);
    this.#keep(after);
    this.#show(before, after);
    this.#schedule(after);
  }

  /** At each step: a second later, as the watch sees it, something may have been taken for proven. */
  #noticeJump(): void {
    const clocks = readClocks(this.#parts.clock);
    const jumped = jump(this.#clocks, clocks) !== 0;
    this.#clocks = clocks;
    if (jumped) this.clockJumped();
  }

  /** The wall clock was set. */
  clockJumped(): void {
    for (const { grantId } of this.all) this.take(grantId, { type: 'clock jumped' });
  }

  /** The journal takes writes again: it may have missed some. */
  rewrite(): void {
    for (const lease of this.all) this.#keep(lease);
  }

  forget(id: GrantId): void {
    this.#leases.delete(id);
  }

  stop(): void {
    this.#stopped = true;
    this.#acts.close();
    this.#ends.close();
    for (const controller of this.#busy.values()) controller.abort(new Fault('timed-out', 'The daemon stops'));
  }

  #keep(lease: PimLease): void {
    const { journal, clock } = this.#parts;
    const endedAt = isOver(lease) ? (lease.goneAt ?? clock.now()) : undefined;
    journal.may((leases) => leases.put('pim', lease.grantId, JSON.stringify(lease), lease.notAfter, endedAt));
  }

  #schedule(lease: PimLease): void {
    if (isOver(lease)) {
      this.#acts.delete(lease.grantId);
      this.#disarm(lease.grantId);
      return;
    }
    // While an act runs, the next one is scheduled by its outcome.
    if (!this.#busy.has(lease.grantId) && lease.next !== 'nothing') this.#acts.set(lease.grantId, lease.nextAt);
    if (lease.phase === 'waiting' || lease.phase === 'cancelling') this.#disarm(lease.grantId);
    else if (this.#armed.get(lease.grantId) !== lease.notAfter) {
      this.#armed.set(lease.grantId, lease.notAfter);
      this.#ends.set(lease.grantId, lease.notAfter);
    }
  }

  #disarm(id: GrantId): void {
    this.#armed.delete(id);
    this.#ends.delete(id);
  }

  #show(before: PimLease | undefined, after: PimLease): void {
    this.#leases.set(after.grantId, after);
    this.#publish(before, after);
    for (const body of story(before, after, this.#parts.clock.now())) this.#parts.truth.record(body);
  }

  #publish(before: PimLease | undefined, after: PimLease): void {
    const { truth } = this.#parts;
    const request = requestOf(after);
    if (!before || JSON.stringify(requestOf(before)) !== JSON.stringify(request)) truth.apply({ type: 'request', request });
    const grant = grantOf(after);
    const shown = before && grantOf(before);
    if (grant && JSON.stringify(shown) !== JSON.stringify(grant)) truth.apply({ type: 'grant', grant });
    if (!grant && shown) truth.apply({ type: 'grant.forgotten', grantId: after.grantId });
  }

  #act(id: GrantId): void {
    const lease = this.#leases.get(id);
    if (!lease || isOver(lease) || this.#busy.has(id) || this.#stopped) return;
    const controller = new AbortController();
    const cancel: Cancel = this.#parts.clock.after(ACT_WITHIN, () =>
      controller.abort(new Fault('timed-out', 'The cloud did not answer within a minute')),
    );
    this.#busy.set(id, controller);
    within(this.#parts.clock, controller.signal, this.#ask(lease, controller.signal))
      .catch((error: unknown): LeaseEvent => {
        this.#parts.log.warn('cloud act failed', { grantId: id, state: lease.next, attempt: lease.tries + 1, ...ofError(error) });
        return { type: 'failed', problem: problemOf(error) };
      })
      .then((event) => {
        cancel();
        this.#busy.delete(id);
        this.#note(lease, event);
        // A failure of something that is not wanted any more says nothing about what is.
        if (event.type !== 'failed' || this.#leases.get(id)?.next === lease.next) this.take(id, event);
        const after = this.#leases.get(id);
        if (after && !this.#stopped) this.#schedule(after);
      });
  }

  async #ask(lease: PimLease, signal: AbortSignal): Promise<LeaseEvent> {
    const { selfService, access } = this.#parts;
    const order = orderOf(lease);
    switch (lease.next) {
      case 'activate':
        return { type: 'bound', bound: await selfService.activate(order, signal) };
      case 'poll':
        return { type: 'polled', bound: await selfService.pending(order, signal) };
      case 'cancel':
        await selfService.cancel(order, signal);
        return { type: 'cancelled' };
      case 'release':
        return { type: 'released', unbound: await selfService.deactivate(order, signal) };
      case 'look':
        return { type: 'looked', answer: await selfService.standing(order, signal) };
      default:
        return { type: 'checked', access: await access.check(lease.resource.id, lease.actions, signal, lease.person.id) };
    }
  }

  /** The record shows the first try of each kind of answer, not each of a thousand. */
  #note(lease: PimLease, event: LeaseEvent): void {
    if (lease.next !== 'release' || lease.tries > 0 || lease.phase !== 'releasing') return;
    const outcome = event.type === 'released' ? event.unbound.state : 'unanswered';
    this.#parts.truth.record({
      ...about(lease),
      kind: 'revocation.attempted',
      text: ATTEMPTED[outcome],
      data: { outcome },
    });
  }
}

/**
 * An act that heeds its signal may still say what it knows by then, such as a refusal that it would have tried again. One
 * that ignores it is left behind, so that nothing waits for it.
 */
const within = <T>(clock: Clock, signal: AbortSignal, act: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    let cancel: Cancel = () => {};
    signal.addEventListener(
      'abort',
      () => {
        cancel = clock.after(LAST_WORDS, () => reject(signal.reason));
      },
      { once: true },
    );
    act.then(resolve, reject).finally(() => cancel());
  });

const ATTEMPTED: Record<Unbound['state'] | 'unanswered', string> = {
  accepted: 'Entra PIM accepted the end',
  'nothing there': 'Entra PIM was asked to take it back, and has nothing to take back',
  'not yet': 'Entra PIM was asked to take it back, and allows that later',
  stuck: 'Entra PIM was asked to take it back, and could not',
  unanswered: 'Entra PIM was asked to take it back, and did not answer',
};

/** The next daemon must understand what this one writes, whatever the cloud had to say. */
const readable = (lease: PimLease): PimLease => fitted(PimLease, lease) ?? lease;

export function problemOf(error: unknown): Problem {
  if (error instanceof Fault) {
    const { code, message, wayOut } = error;
    return { code, message, ...(wayOut === undefined ? {} : { wayOut }) };
  }
  return { code: 'bug', message: 'The daemon made a mistake with this call. Its log has the details.' };
}
