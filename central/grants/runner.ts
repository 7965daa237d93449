import type { AuditBody } from '../../protocol/audit.ts';
import type { Clock, Instant } from '../../protocol/clock.ts';
import { Deadlines } from '../../protocol/deadlines.ts';
import type { GrantId } from '../../protocol/ids.ts';
import { mayStand } from '../../protocol/lifecycle.ts';
import { aboutGrant } from '../record/body.ts';
import { type Call, problemOf, type Subject } from './calls.ts';
import { type Held, HeldGrants } from './held.ts';
import { type GrantEffect, type GrantEvent, type GrantLife, isLive, type LifeRules } from './life.ts';
import type { GrantCalls, GrantMachine, GrantStore, GrantWriting } from './ports.ts';
import { type Saved, Saving } from './saving.ts';

export interface RunnerParts {
  store: GrantStore;
  calls: GrantCalls;
  machine: GrantMachine;
  clock: Clock;
  /** 0 to 1. */
  random: () => number;
  rules: Omit<LifeRules, 'chance'>;
  /** A store that fails, a bug: for the operator's log. */
  trouble: (error: unknown, what: string) => void;
}

type Wake = 'due' | 'hold' | 'act';

/**
 * Runs the lives of grants: takes each event at once, in memory, and makes the step durable together with its record.
 * More power waits until its step is durable; less power is asked for at once, whatever the store does.
 */
export class GrantRunner {
  readonly #parts: RunnerParts;
  readonly #held = new HeldGrants();
  readonly #saving: Saving;
  readonly #deadlines: Deadlines<`${Wake} ${GrantId}`>;
  readonly #armed = new Map<string, Instant>();
  readonly #calling = new Map<GrantId, Set<Call>>();
  readonly #loaded = new Set<GrantId>();
  #closed = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#deadlines = new Deadlines(parts.clock, (key) => this.#wake(key));
    this.#saving = new Saving(parts.store, parts.clock, (error) => parts.trouble(error, 'the store did not take a step of a grant'));
  }

  /** Knows what the store holds. Before anybody is answered: whoever ends a grant must find it here. */
  async load(): Promise<void> {
    for (const { life, version } of await this.#parts.store.standing()) {
      this.#held.add(life, version);
      this.#loaded.add(life.id);
    }
  }

  /** Takes up what was loaded: ends what is due, then asks the cloud about the rest. What was intended since is not of an earlier life. */
  resume(): void {
    const { clock, machine } = this.#parts;
    const now = clock.now();
    const rest: GrantId[] = [];
    for (const id of this.#loaded) {
      const life = this.find(id);
      const isDue = life && life.state !== 'activating' && (machine.wakes(life).due ?? Number.POSITIVE_INFINITY) <= now;
      if (isDue) void this.send(id, { type: 'due' }).catch(() => undefined);
      else rest.push(id);
    }
    for (const id of rest) void this.send(id, { type: 'restarted' }).catch(() => undefined);
    this.#loaded.clear();
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
    if (!(await tx.putGrant({ life, version: 1, written: { wall: clock.now(), boot: clock.boot() } })))
      throw new Error(`Grant ${life.id} was intended before`);
    for (const body of recordsOf(clock, life, effects)) await tx.append(body);
    return () => {
      this.#held.add(life, 1);
      this.#arm(life);
      this.#carryOut(life, effects);
    };
  }

  /**
   * The step is taken when this returns; more of the same may have been taken when it resolves.
   * @returns The life after the event, once it is durable or the store has refused it; undefined when there is no such grant standing.
   */
  async send(id: GrantId, event: GrantEvent): Promise<GrantLife | undefined> {
    const held = this.#held.get(id);
    if (!held || this.#closed) return held?.life;
    try {
      const before = held.life;
      const changed = this.#take(held, event);
      const after = held.life;
      if (after === before && held.unsaved.length === 0) return after;
      const saved = await this.#save(changed);
      // That it was sent is not durable, so it is not sent.
      if (!saved.ok && event.type === 'sending' && held.life.state === 'activating') {
        held.life = { ...held.life, bind: before.bind };
        return await this.send(id, { type: 'not sent', problem: problemOf(saved.error) });
      }
      return after;
    } catch (error) {
      this.#parts.trouble(error, `grant ${id}, ${event.type}`);
      throw error;
    }
  }

  /** The slow sweep: whatever is due and was not seen to be, and revocations that nothing drives. */
  async sweep(): Promise<void> {
    const now = this.#parts.clock.now();
    for (const held of this.#held.all()) {
      const { life } = held;
      const { due, hold } = this.#parts.machine.wakes(life);
      if (due !== undefined && due <= now) await this.send(life.id, { type: 'due' });
      else if (hold !== undefined && hold <= now) await this.send(life.id, { type: 'hold lost' });
      else if (life.state === 'revoking' && !life.act && !this.#calling.get(life.id)?.size) await this.send(life.id, { type: 'restarted' });
      else if (held.behind) await this.#save([held]);
    }
  }

  /** Takes no more events; calls under way are left as not known, for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#deadlines.close();
    this.#parts.calls.close();
    await this.#saving.idle();
  }

  /** Takes the step, and does all of it that waits for nothing. @returns What has to be saved together. */
  #take(held: Held, event: GrantEvent): Held[] {
    const effects = this.#step(held, event);
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
    for (const { life } of changed) this.#arm(life);
    this.#carryOut(held.life, effects);
    if (held.life.state !== 'activating') this.#nudge(held);
    return changed;
  }

  #step(held: Held, event: GrantEvent): GrantEffect[] {
    const { clock, random, rules, machine } = this.#parts;
    const { life, effects } = machine.step(held.life, event, clock.now(), { ...rules, chance: random() });
    held.life = life;
    held.unsaved.push(...recordsOf(clock, life, effects));
    for (const effect of effects) if (effect.type === 'fail request') held.failed.push({ id: life.requestId, problem: effect.problem });
    return effects;
  }

  async #save(changed: readonly Held[]): Promise<Saved> {
    const saved = await this.#saving.save(changed);
    for (const held of changed) if (!mayStand(held.life.state) && held.unsaved.length === 0) this.#held.delete(held);
    return saved;
  }

  #arm(life: GrantLife): void {
    const due = this.#parts.machine.wakes(life);
    for (const what of ['due', 'hold', 'act'] as const) {
      const at = due[what];
      this.#set(`${what} ${life.id}`, at);
    }
  }

  /** Only what changed: setting a deadline again would read its length from a wall clock that may have been set meanwhile. */
  #set(key: `${Wake} ${GrantId}`, at: Instant | undefined): void {
    if (this.#armed.get(key) === at) return;
    if (at === undefined) {
      this.#armed.delete(key);
      this.#deadlines.delete(key);
    } else {
      this.#armed.set(key, at);
      this.#deadlines.set(key, at);
    }
  }

  #wake(key: `${Wake} ${GrantId}`): void {
    const [what, id] = key.split(' ') as [Wake, GrantId];
    this.#armed.delete(key);
    const held = this.#held.get(id);
    if (!held) return;
    const event: GrantEvent =
      what === 'due' ? { type: 'due' } : what === 'hold' ? { type: 'hold lost' } : { type: 'act', shared: this.#sharing(held) };
    void this.send(id, event).catch(() => undefined);
  }

  /** Another grant that has not ended holds the same right. */
  #sharing(held: Held): GrantLife | undefined {
    return this.#held.sharing(held).find(({ life }) => isLive(life))?.life;
  }

  /** Those that waited for this grant's right look again at once. */
  #nudge(held: Held): void {
    if (isLive(held.life)) return;
    for (const { life } of this.#held.sharing(held)) {
      if (life.state === 'revoking' && life.act && life.shares) this.#set(`act ${life.id}`, this.#parts.clock.now());
    }
  }

  #carryOut(life: GrantLife, effects: readonly GrantEffect[]): void {
    for (const effect of effects) if (effect.type === 'call') void this.#call(life.id, effect.call);
  }

  async #call(id: GrantId, call: Call): Promise<void> {
    const calling = this.#calling.get(id) ?? new Set();
    this.#calling.set(id, calling.add(call));
    const event = await this.#parts.calls.make(call, () => this.#atTurn(id, call));
    calling.delete(call);
    if (calling.size === 0) this.#calling.delete(id);
    if (event) await this.send(id, event).catch(() => undefined);
  }

  /** Much may have happened while the call waited. That the cloud is asked for power is durable before it is. */
  async #atTurn(id: GrantId, call: Call): Promise<Subject | undefined> {
    const gives = call === 'bind' || call === 'prolong';
    const life = gives ? await this.send(id, { type: 'sending' }) : this.find(id);
    const wanted = gives
      ? life?.state === 'activating' && life.bind.outcome === 'unknown'
      : life && (call === 'look' ? mayStand(life.state) : life.state === 'revoking');
    return life && wanted ? { life, followed: life.follows && this.find(life.follows) } : undefined;
  }
}

function recordsOf(clock: Clock, life: GrantLife, effects: readonly GrantEffect[]): AuditBody[] {
  return effects.flatMap((effect) => (effect.type === 'record' ? [aboutGrant(clock, life, effect.kind, effect.text, effect.more)] : []));
}
