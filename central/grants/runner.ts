import type { AuditBody } from '../../protocol/audit.ts';
import type { Clock, Instant } from '../../protocol/clock.ts';
import { Deadlines } from '../../protocol/deadlines.ts';
import type { GrantId, RequestId } from '../../protocol/ids.ts';
import { mayStand } from '../../protocol/lifecycle.ts';
import type { Problem } from '../../protocol/model.ts';
import { aboutGrant, aboutRequest } from '../record/body.ts';
import { stepRequest } from '../requests/life.ts';
import { type Call, problemOf, type Subject } from './calls.ts';
import { type GrantEffect, type GrantEvent, type GrantLife, isLive, type LifeRules, rightKey } from './life.ts';
import type { GrantCalls, GrantMachine, GrantStore, GrantWriting, KeptGrant } from './ports.ts';

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

/** What is in memory of a grant that may stand. `unsaved`: events that the store did not take yet. */
interface Held {
  life: GrantLife;
  version: number;
  unsaved: AuditBody[];
  failed: { id: RequestId; problem: Problem }[];
}

type Wake = 'due' | 'hold' | 'act';

/**
 * Runs the lives of grants: takes events one at a time, makes each step durable together with its record, then does
 * what it calls for. More power needs a durable step; less power does not wait for one.
 */
export class GrantRunner {
  readonly #parts: RunnerParts;
  readonly #held = new Map<GrantId, Held>();
  readonly #deadlines: Deadlines<`${Wake} ${GrantId}`>;
  readonly #armed = new Map<string, Instant>();
  readonly #calling = new Map<GrantId, Set<Call>>();
  readonly #loaded = new Set<GrantId>();
  #turns: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#deadlines = new Deadlines(parts.clock, (key) => this.#wake(key));
  }

  /** Knows what the store holds. Before anybody is answered: whoever ends a grant must find it here. */
  async load(): Promise<void> {
    for (const { life, version } of await this.#parts.store.standing()) {
      this.#held.set(life.id, { life, version, unsaved: [], failed: [] });
      this.#loaded.add(life.id);
    }
  }

  /** Takes up what was loaded: ends what is due, asks the cloud about the rest. What was intended since is not of an earlier life. */
  resume(): void {
    for (const id of this.#loaded) void this.send(id, { type: 'restarted' }).catch(() => undefined);
    this.#loaded.clear();
  }

  /** Grants that may stand, as they are now. */
  get standing(): GrantLife[] {
    return [...this.#held.values()].map(({ life }) => life);
  }

  /** As it is now, also when the store lags behind. */
  find(id: GrantId): GrantLife | undefined {
    return this.#held.get(id)?.life;
  }

  /** The store has every step of it that tells something. */
  isRecorded(id: GrantId): boolean {
    return !this.#held.get(id)?.unsaved.length;
  }

  /**
   * The intent, inside the transaction that approves the request.
   * @returns What to call once that transaction is durable: nothing reaches the cloud before.
   */
  async intend(tx: GrantWriting, order: Parameters<GrantMachine['intend']>[0]): Promise<() => void> {
    const { clock, rules, machine } = this.#parts;
    const { life, effects } = machine.intend(order, clock.now(), rules);
    if (!(await tx.putGrant(this.#kept(life, 1)))) throw new Error(`Grant ${life.id} was intended before`);
    for (const body of recordsOf(clock, life, effects)) await tx.append(body);
    return () => {
      this.#held.set(life.id, { life, version: 1, unsaved: [], failed: [] });
      this.#arm(life);
      this.#carryOut(life, effects);
    };
  }

  /** The life after the event; undefined when there is no such grant standing. Resolves when the step is durable or was taken anyway. */
  send(id: GrantId, event: GrantEvent): Promise<GrantLife | undefined> {
    const turn = this.#turns.then(() => this.#take(id, event));
    this.#turns = turn.catch((error: unknown) => this.#parts.trouble(error, `grant ${id}, ${event.type}`));
    return turn;
  }

  /** The slow sweep: whatever is due and was not seen to be, and revocations that nothing drives. */
  async sweep(): Promise<void> {
    const now = this.#parts.clock.now();
    for (const { life, unsaved } of [...this.#held.values()]) {
      const { due, hold } = this.#parts.machine.wakes(life);
      if (due !== undefined && due <= now) await this.send(life.id, { type: 'due' });
      else if (hold !== undefined && hold <= now) await this.send(life.id, { type: 'hold lost' });
      else if (life.state === 'revoking' && !life.act && !this.#calling.get(life.id)?.size) await this.send(life.id, { type: 'restarted' });
      else if (unsaved.length > 0) await this.send(life.id, { type: 'act' });
    }
  }

  /** Takes no more events; calls under way are left as not known, for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#deadlines.close();
    this.#parts.calls.close();
    await this.#turns;
  }

  async #take(id: GrantId, event: GrantEvent): Promise<GrantLife | undefined> {
    const held = this.#held.get(id);
    if (!held || this.#closed) return held?.life;
    const { clock, random, rules, machine } = this.#parts;
    const { life, effects } = machine.step(held.life, event, clock.now(), { ...rules, chance: random() });
    if (life === held.life && held.unsaved.length === 0) return life;
    held.unsaved.push(...recordsOf(clock, life, effects));
    held.failed.push(
      ...effects.flatMap((effect) => (effect.type === 'fail request' ? [{ id: life.requestId, problem: effect.problem }] : [])),
    );
    const superseded = await this.#supersede(life, effects);
    const before = held.life;
    held.life = life;
    const saved = await this.#save([held, ...superseded]);
    if (!saved.ok && event.type === 'sending') {
      held.life = before;
      return this.#take(id, { type: 'not sent', problem: problemOf(saved.error) });
    }
    for (const { life: after } of [held, ...superseded]) {
      this.#arm(after);
      if (!mayStand(after.state) && this.#held.get(after.id)?.unsaved.length === 0) this.#held.delete(after.id);
    }
    this.#carryOut(life, effects);
    if (life.state !== 'activating') this.#nudge(life);
    return life;
  }

  async #supersede(by: GrantLife, effects: readonly GrantEffect[]): Promise<Held[]> {
    const { clock, rules, random, machine } = this.#parts;
    return effects.flatMap((effect) => {
      const held = effect.type === 'supersede' ? this.#held.get(effect.grantId) : undefined;
      if (!held) return [];
      const taken = machine.step(held.life, { type: 'superseded', by: by.id }, clock.now(), { ...rules, chance: random() });
      held.life = taken.life;
      held.unsaved.push(...recordsOf(clock, taken.life, taken.effects));
      return [held];
    });
  }

  /** In one transaction. When the store fails the steps stand in memory, and are saved with the next ones. */
  async #save(changed: readonly Held[]): Promise<{ ok: true } | { ok: false; error: unknown }> {
    const { store, clock, trouble } = this.#parts;
    try {
      await store.write(async (tx) => {
        for (const { life, version, unsaved, failed } of changed) {
          if (!(await tx.putGrant(this.#kept(life, version + 1)))) throw new Error(`Another runner has written grant ${life.id}`);
          for (const body of unsaved) await tx.append(body);
          for (const { id, problem } of failed) await failRequest(tx, clock, id, problem);
        }
      });
      for (const held of changed) {
        held.version++;
        held.unsaved.length = 0;
        held.failed.length = 0;
      }
      return { ok: true };
    } catch (error) {
      trouble(error, 'the store did not take a step of a grant');
      return { ok: false, error };
    }
  }

  #kept(life: GrantLife, version: number): KeptGrant {
    const { clock } = this.#parts;
    return { life, version, written: { wall: clock.now(), boot: clock.boot() } };
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
    const event: GrantEvent =
      what === 'due' ? { type: 'due' } : what === 'hold' ? { type: 'hold lost' } : { type: 'act', shared: this.#sharing(id) };
    void this.send(id, event).catch(() => undefined);
  }

  /** Another grant that has not ended holds the same right. */
  #sharing(id: GrantId): GrantLife | undefined {
    const life = this.find(id);
    const right = life && rightKey(life);
    return this.standing.find((other) => other.id !== id && isLive(other) && rightKey(other) === right);
  }

  /** Those that waited for this grant's right look again at once. */
  #nudge(life: GrantLife): void {
    if (isLive(life)) return;
    for (const other of this.standing) {
      if (other.id === life.id || other.state !== 'revoking' || !other.act || rightKey(other) !== rightKey(life)) continue;
      if (other.shares) this.#set(`act ${other.id}`, this.#parts.clock.now());
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

async function failRequest(tx: GrantWriting, clock: Clock, id: RequestId, problem: Problem): Promise<void> {
  const before = await tx.request(id);
  if (!before) return;
  const { request, records } = stepRequest(before, { type: 'failed', problem });
  await tx.putRequest(request, clock.now());
  for (const { kind, text, more } of records) await tx.append(aboutRequest(clock, request, kind, text, more));
}
