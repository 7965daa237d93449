import type { AuditBody } from '../../protocol/audit.ts';
import { type Clock, MINUTE, type Millis, SECOND } from '../../protocol/clock.ts';
import { jump, type Readings, readClocks } from '../../protocol/clock-watch.ts';
import { bootDue } from '../../protocol/deadlines.ts';
import { Fault } from '../../protocol/fault.ts';
import type { GrantId } from '../../protocol/ids.ts';
import { mayStand } from '../../protocol/lifecycle.ts';
import { aboutGrant } from '../record/body.ts';
import { Alarms, type Wake } from './alarms.ts';
import { CALL_TIMEOUT, type Call, problemOf, type Subject } from './calls.ts';
import { type Held, HeldGrants } from './held.ts';
import { type GrantEffect, type GrantEvent, type GrantLife, isLive, type LifeRules, rightKey } from './life.ts';
import type { GrantCalls, GrantMachine, GrantStore, GrantWriting, KeptGrant } from './ports.ts';
import { type Saved, Saving } from './saving.ts';

export interface RunnerParts {
  store: GrantStore;
  calls: GrantCalls;
  machine: GrantMachine;
  clock: Clock;
  /** Names this start of the machine; undefined where the system does not say. */
  bootId?: string | undefined;
  /** 0 to 1. */
  random: () => number;
  rules: Omit<LifeRules, 'chance'>;
  /** A store that fails, a bug: for the operator's log. */
  trouble: (error: unknown, what: string) => void;
}

/** A grant of another runner that is so much overdue has nobody who drives it. */
const ABANDONED: Millis = MINUTE;
/** A revocation waits no longer to learn from a store that others share whether it is still ours to make. */
const PATIENCE: Millis = 5 * SECOND;

/**
 * Runs the lives of grants: takes each event at once, in memory, and makes the step durable together with its record.
 * More power waits until its step is durable. Less power is asked for at once, whatever the store does; where another
 * runner may write to the same store, it waits a little, to learn that nobody has.
 *
 * A row belongs to the runner that wrote it last. One that finds another's writing acts no more on what it believed: it
 * reads the right again, and takes it up only when it is told something new about it or when nobody drives it.
 */
export class GrantRunner {
  readonly #parts: RunnerParts;
  readonly #held = new HeldGrants();
  readonly #saving: Saving;
  readonly #alarms: Alarms;
  readonly #calling = new Map<GrantId, Set<Call>>();
  readonly #loaded = new Set<GrantId>();
  #clocks: Readings;
  #closed = false;
  /** By the boot clock: until then a store that did not answer is not asked who shares a right. */
  #askAgainAt = 0;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#alarms = new Alarms(parts.clock, (id, what) => this.#wake(id, what));
    this.#saving = new Saving(parts.store, parts.clock, parts.bootId, (error) =>
      parts.trouble(error, 'the store did not take a step of a grant'),
    );
    this.#clocks = readClocks(parts.clock);
  }

  /** Knows what the store holds. Before anybody is answered: whoever ends a grant must find it here. */
  async load(): Promise<void> {
    for (const kept of await this.#parts.store.standing()) {
      this.#held.add(this.#taken(kept));
      this.#loaded.add(kept.life.id);
    }
  }

  /** Takes up what was loaded: ends what is due, then asks the cloud about the rest. What was intended since is not of an earlier life. */
  resume(): void {
    const loaded = [...this.#loaded].flatMap((id) => this.#held.get(id) ?? []);
    this.#loaded.clear();
    const due = loaded.filter((held) => this.#isOver(held));
    for (const held of new Set([...due, ...loaded])) this.#tell(held.life.id, this.#takenUp(held));
  }

  /** Grants that may stand, as they are now. */
  get standing(): GrantLife[] {
    return this.#held.all().map(({ life }) => life);
  }

  /** As it is now, also when the store lags behind. */
  find(id: GrantId): GrantLife | undefined {
    return this.#held.get(id)?.life;
  }

  /** The store took every step of it so far, but for those on their way. */
  isRecorded(id: GrantId): boolean {
    return !this.#held.get(id)?.behind;
  }

  /**
   * The intent, inside the transaction that approves the request.
   * @returns What to call once that transaction is durable: nothing reaches the cloud before.
   */
  async intend(tx: GrantWriting, order: Parameters<GrantMachine['intend']>[0]): Promise<() => void> {
    const { clock, rules, machine } = this.#parts;
    const { life, effects } = machine.intend(order, clock.now(), rules);
    const fresh = { life, bootDue: bootDue(clock, life.notAfter), clocks: readClocks(clock) };
    if (!(await tx.putGrant(this.#saving.row(fresh, 1)))) throw new Error(`Grant ${life.id} was intended before`);
    for (const body of recordsOf(clock, life, effects)) await tx.append(body);
    return () => {
      const held = { ...FRESH, ...fresh, version: 1, readAt: clock.boot(), unsaved: [], failed: [] };
      this.#held.add(held);
      this.#arm(held);
      this.#carryOut(life, effects);
    };
  }

  /**
   * The step is taken when this returns; more of the same may have been taken when it resolves.
   * @returns The life after the event, once it is durable or the store has refused it; undefined when there is no such grant standing.
   */
  async send(id: GrantId, event: GrantEvent): Promise<GrantLife | undefined> {
    try {
      if (this.#held.get(id)?.theirs) await this.#reread(id);
      const held = this.#held.get(id);
      if (!held || this.#closed) return held?.life;
      const before = held.life;
      const { changed, effects } = this.#take(held, event);
      const after = held.life;
      if (after === before && held.unsaved.length === 0) return after;
      const { exclusive } = this.#parts.store;
      if (exclusive) this.#carryOut(after, effects);
      const saved = await this.#save(changed);
      if (!saved.ok && saved.fenced) return await this.#fenced(id, event);
      // That it was sent is not durable, so it is not sent.
      if (!saved.ok && event.type === 'sending' && held.life.state === 'activating') {
        held.life = { ...held.life, bind: before.bind };
        return await this.send(id, { type: 'not sent', problem: problemOf(saved.error) });
      }
      if (!exclusive) this.#carryOut(after, effects);
      return after;
    } catch (error) {
      this.#parts.trouble(error, `grant ${id}, ${event.type}`);
      throw error;
    }
  }

  /** What the cloud has answered is not asked of it again: the step is taken anew, on what the other runner has written. */
  async #fenced(id: GrantId, event: GrantEvent): Promise<GrantLife | undefined> {
    const held = this.#held.get(id);
    const mine = held && !held.theirs && held.life.state === 'activating';
    return mine && event.type === 'bound' ? this.send(id, event) : held?.life;
  }

  /** The slow sweep: whatever is due and was not seen to be, revocations that nothing drives, steps that were not saved. */
  async sweep(): Promise<void> {
    await this.#watchOthers();
    await Promise.allSettled(this.#held.all().map((held) => this.#look(held)));
  }

  /** Takes no more events; calls under way are left as not known, for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#alarms.close();
    this.#parts.calls.close();
    await this.#saving.idle();
  }

  /** What other runners of this store have made since is watched, in case that they drive it no more. */
  async #watchOthers(): Promise<void> {
    if (this.#parts.store.exclusive) return;
    const standing = await this.#parts.store.standing();
    for (const kept of standing) if (!this.#held.get(kept.life.id)) this.#held.add({ ...this.#taken(kept), theirs: true });
  }

  async #look(held: Held): Promise<void> {
    if (held.theirs) return this.#takeOver(held.life.id);
    const { life } = held;
    const now = this.#parts.clock.now();
    const { hold } = this.#parts.machine.wakes(life);
    const undriven = life.state === 'revoking' && !life.act && !this.#calling.get(life.id)?.size;
    if (this.#isOver(held)) await this.send(life.id, { type: 'due' });
    else if (hold !== undefined && hold <= now) await this.send(life.id, { type: 'hold lost' });
    else if (undriven) await this.send(life.id, { type: 'restarted' });
    else if (held.behind) await this.#save([held]);
  }

  /** Takes the step in memory. @returns What has to be saved together, and what it calls for. */
  #take(held: Held, event: GrantEvent): { changed: Held[]; effects: GrantEffect[] } {
    const before = held.life;
    this.#noticeJump();
    const effects = held.jumped ? this.#step(held, { type: 'clock jumped' }) : [];
    held.jumped = false;
    effects.push(...this.#step(held, event));
    // What is to be done next and now needs no timer: the cloud is asked in this very turn.
    const { act } = this.#parts.machine.wakes(held.life);
    if (event.type !== 'act' && act !== undefined && act <= this.#parts.clock.now()) {
      effects.push(...this.#step(held, { type: 'act', shared: this.#sharing(held) }));
    }
    const changed = [held];
    for (const effect of effects) {
      const other = effect.type === 'supersede' ? this.#held.get(effect.grantId) : undefined;
      if (!other) continue;
      this.#step(other, { type: 'superseded', by: held.life.id });
      changed.push(other);
    }
    if (held.life !== before) {
      for (const each of changed) each.theirs = false;
      for (const each of changed) this.#arm(each);
    }
    if (held.life.state !== 'activating') this.#nudge(held);
    return { changed, effects };
  }

  #step(held: Held, event: GrantEvent): GrantEffect[] {
    const { clock, random, rules, machine } = this.#parts;
    const { life, effects } = machine.step(held.life, event, clock.now(), { ...rules, chance: random() });
    held.life = life;
    held.clocks = this.#clocks;
    held.unsaved.push(...recordsOf(clock, life, effects));
    for (const effect of effects) if (effect.type === 'fail request') held.failed.push({ id: life.requestId, problem: effect.problem });
    return effects;
  }

  async #save(changed: readonly Held[]): Promise<Saved> {
    const saving = this.#saving.save(changed).then(async (saved) => {
      if (!saved.ok && saved.fenced) await this.#letGo(changed);
      for (const held of changed) if (!mayStand(held.life.state) && held.unsaved.length === 0) this.#held.delete(held);
      return saved;
    });
    return this.#parts.store.exclusive ? saving : this.#patiently(saving);
  }

  #patiently(saving: Promise<Saved>): Promise<Saved> {
    const { promise, resolve } = Promise.withResolvers<Saved>();
    const error = () => new Fault('store-failed', 'The store does not answer', { retryable: true });
    const cancel = this.#parts.clock.after(PATIENCE, () => resolve({ ok: false, error: error() }));
    return Promise.race([saving, promise]).finally(cancel);
  }

  /** Everything that was believed of the rights of these grants is read again: steps that were taken on it are void. */
  async #letGo(grants: readonly Held[]): Promise<void> {
    for (const { life } of new Set(grants.flatMap((held) => [held, ...this.#held.sharing(held)]))) await this.#reread(life.id);
  }

  /** As the store has it: by another runner's writing, or by the last one of this. */
  async #reread(id: GrantId): Promise<KeptGrant | undefined> {
    const kept = await this.#parts.store.kept(id);
    const before = this.#held.get(id);
    if (!before) return undefined;
    this.#alarms.disarm(id);
    if (!kept || !mayStand(kept.life.state)) {
      this.#held.delete(before);
      return undefined;
    }
    const held = { ...this.#taken(kept), theirs: before.theirs || kept.version !== before.version };
    if (kept.version === before.version) held.readAt = before.readAt;
    this.#held.add(held);
    if (!held.theirs) this.#arm(held);
    return kept;
  }

  async #takeOver(id: GrantId): Promise<void> {
    const kept = await this.#reread(id);
    const held = this.#held.get(id);
    if (!kept || !held) return;
    const { clock, machine } = this.#parts;
    const { due, hold, act } = machine.wakes(kept.life);
    // While a call is under way nothing is due: that is over when the call must have ended.
    const calling = kept.life.state === 'revoking' || kept.life.state === 'activating' ? kept.written.wall + CALL_TIMEOUT : undefined;
    const first = Math.min(...[due, hold, act ?? calling].filter((at) => at !== undefined));
    // By its own reading: the clocks of two machines may differ by any length.
    if (clock.boot() - held.readAt >= first - kept.written.wall + ABANDONED) await this.send(id, this.#takenUp(held));
  }

  /** What fell due while nobody drove it is over, whatever the cloud says of it. */
  #takenUp(held: Held): GrantEvent {
    return { type: held.life.state !== 'activating' && this.#isOver(held) ? 'due' : 'restarted' };
  }

  #isOver({ life, bootDue: due }: Held): boolean {
    const { clock } = this.#parts;
    return isLive(life) && (clock.now() >= life.notAfter || clock.boot() >= due);
  }

  #taken({ life: row, version, written, bootDue: kept }: KeptGrant): Held {
    const { clock, bootId, rules } = this.#parts;
    // Nobody holds for longer: whoever wrote more has another clock.
    const life = { ...row, holdUntil: Math.min(row.holdUntil, clock.now() + rules.grace) };
    // After another start of the machine, at most what was left when it was written: a clock that has lost its time lengthens nothing.
    const left = Math.min(life.notAfter - clock.now(), life.notAfter - written.wall);
    const due = kept && kept.bootId === bootId ? kept.at : clock.boot() + Math.max(0, left);
    const jumped = jump(written, readClocks(clock)) !== 0;
    return { ...FRESH, life, version, bootDue: due, clocks: written, readAt: clock.boot(), jumped, unsaved: [], failed: [] };
  }

  #noticeJump(): void {
    const clocks = readClocks(this.#parts.clock);
    if (jump(this.#clocks, clocks) !== 0) for (const held of this.#held.all()) held.jumped = true;
    this.#clocks = clocks;
  }

  #arm({ life, bootDue: due }: Held): void {
    this.#alarms.arm(life.id, this.#parts.machine.wakes(life), due);
  }

  #wake(id: GrantId, what: Wake): void {
    const held = this.#held.get(id);
    if (!held) return;
    if (what !== 'act') this.#tell(id, { type: what === 'due' ? 'due' : 'hold lost' });
    // What another runner has of the same right may be over by now.
    else if (this.#held.sharing(held).some(({ theirs }) => theirs)) void this.#readSharing(held).then(() => this.#act(id));
    else this.#act(id);
  }

  #act(id: GrantId): void {
    const held = this.#held.get(id);
    if (held) this.#tell(id, { type: 'act', shared: this.#sharing(held) });
  }

  /** Nobody waits for it; what goes wrong was told already. */
  #tell(id: GrantId, event: GrantEvent): void {
    void this.send(id, event).catch(() => undefined);
  }

  /** Another grant that has not ended holds the same right. What another runner has is not waited for long after its end. */
  #sharing(held: Held): GrantLife | undefined {
    const waited = this.#parts.clock.now() - ABANDONED;
    return this.#held.sharing(held).find(({ life, theirs }) => isLive(life) && !(theirs && life.notAfter < waited))?.life;
  }

  /** Those that waited for this grant's right look again at once. */
  #nudge(held: Held): void {
    if (isLive(held.life)) return;
    for (const { life, theirs } of this.#held.sharing(held)) {
      if (!theirs && life.state === 'revoking' && life.act && life.shares) this.#alarms.set(life.id, 'act', this.#parts.clock.now());
    }
  }

  #carryOut(life: GrantLife, effects: readonly GrantEffect[]): void {
    for (const effect of effects) if (effect.type === 'call') void this.#call(life, effect.call);
  }

  async #call({ id, resource }: GrantLife, call: Call): Promise<void> {
    const calling = this.#calling.get(id) ?? new Set();
    this.#calling.set(id, calling.add(call));
    const event = await this.#parts.calls.make(call, resource.id, () => this.#atTurn(id, call));
    calling.delete(call);
    if (calling.size === 0) this.#calling.delete(id);
    if (event) await this.send(id, event).catch(() => undefined);
  }

  /** Much may have happened while the call waited. That the cloud is asked for power is durable before it is. */
  async #atTurn(id: GrantId, call: Call): Promise<Subject | undefined> {
    const gives = call === 'bind' || call === 'prolong';
    const mayBeShared = call === 'unbind' && !this.#parts.store.exclusive;
    const waits = this.#held.get(id);
    if (mayBeShared && waits) await this.#readSharing(waits);
    const life = gives ? await this.send(id, { type: 'sending' }) : this.find(id);
    const held = this.#held.get(id);
    if (!life || !held || held.theirs || this.#isFenced(held)) return undefined;
    const wanted = gives
      ? life.state === 'activating' && life.bind.outcome === 'unknown'
      : call === 'look'
        ? mayStand(life.state)
        : life.state === 'revoking';
    if (wanted && mayBeShared && this.#sharing(held)) this.#tell(id, { type: 'not asked' });
    else if (wanted) return { life, followed: life.follows && this.find(life.follows) };
    return undefined;
  }

  /** What the other has written is being read. A store that does not say is not waited for: rather is less power asked for twice. */
  #isFenced({ fencedAt }: Held): boolean {
    return fencedAt !== undefined && this.#parts.clock.boot() - fencedAt < PATIENCE;
  }

  /** What others have made of the same right since. A store that does not say so in time is not waited for, nor asked again soon. */
  async #readSharing(of: Held): Promise<void> {
    const { store, clock, trouble } = this.#parts;
    if (clock.boot() < this.#askAgainAt) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const late = () => {
      this.#askAgainAt = clock.boot() + MINUTE;
    };
    const cancel = clock.after(PATIENCE, () => resolve(void late()));
    const asked = store.sharing(rightKey(of.life)).catch((error: unknown) => {
      late();
      trouble(error, 'the store did not say who shares a right');
    });
    const known = await Promise.race([asked, promise]).finally(cancel);
    if (!known) return;
    for (const kept of known) {
      const held = this.#held.get(kept.life.id);
      if (!held || (held.theirs && held.version !== kept.version)) this.#held.add({ ...this.#taken(kept), theirs: true });
    }
    for (const held of this.#held.sharing(of))
      if (held.theirs && !known.some(({ life }) => life.id === held.life.id)) this.#held.delete(held);
  }
}

const FRESH = { jumped: false, theirs: false, fencedAt: undefined, written: undefined, behind: false };

function recordsOf(clock: Clock, life: GrantLife, effects: readonly GrantEffect[]): AuditBody[] {
  return effects.flatMap((effect) => (effect.type === 'record' ? [aboutGrant(clock, life, effect.kind, effect.text, effect.more)] : []));
}
