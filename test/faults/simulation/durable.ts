import { type GrantLife, rightKey } from '../../../central/grants/life.ts';
import type { GrantStore, GrantWriting, KeptGrant } from '../../../central/grants/ports.ts';
import type { RequestLife } from '../../../central/requests/life.ts';
import { type AuditBody, type AuditEvent, NO_EVENT_BEFORE } from '../../../protocol/audit.ts';
import type { Instant } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { GrantId, RequestId } from '../../../protocol/ids.ts';
import { isOpen, mayStand } from '../../../protocol/lifecycle.ts';
import { never, type Process } from './computer.ts';
import type { Dice } from './dice.ts';

/** How the disk does at the moment. */
export interface DiskHealth {
  full: boolean;
  /** Of writes that fail for once. */
  fails: number;
  /** Of writes that take a while. */
  slow: number;
}

/** What survives: central's tables, behind every replica. */
export class Durable {
  grants = new Map<GrantId, KeptGrant>();
  readonly requests = new Map<RequestId, RequestLife>();
  readonly events: AuditEvent[] = [];
  readonly health: DiskHealth = { full: false, fails: 0, slow: 0 };
  #writer: Process | undefined;
  readonly #waiting: { process: Process; go: () => void }[] = [];
  /** Told of each write that came too late, and of each commit. */
  onFenced: (process: Process, id: GrantId) => void = () => {};
  onCommit: (process: Process, events: readonly AuditEvent[], grants: ReadonlyMap<GrantId, KeptGrant>) => void = () => {};

  commit(process: Process, { grants, requests, bodies }: Pending): AuditEvent[] {
    for (const [id, kept] of grants) this.grants.set(id, kept);
    for (const [id, request] of requests) this.requests.set(id, request);
    const events = bodies.map((body, index): AuditEvent => {
      const seq = this.events.length + index + 1;
      return { ...body, source: 'central', seq, prev: NO_EVENT_BEFORE, hash: NO_EVENT_BEFORE };
    });
    this.events.push(...events);
    this.onCommit(process, events, grants);
    return events;
  }

  /** One writes at a time. Who dies while writing holds nobody up: what was not committed did not happen. */
  async begin(process: Process): Promise<void> {
    // Whose turn it is was set by who ended: one that dies on getting it must not take it after its death.
    if (this.#writer) await new Promise<void>((go) => this.#waiting.push({ process, go }));
    else this.#writer = process;
  }

  end(process: Process): void {
    if (this.#writer !== process) return;
    this.#writer = undefined;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (!next.process.alive) continue;
      this.#writer = next.process;
      next.go();
      return;
    }
  }
}

interface Pending {
  grants: Map<GrantId, KeptGrant>;
  requests: Map<RequestId, RequestLife>;
  bodies: AuditBody[];
}

/** One process's connection to what is durable. It can die between any two of its effects, and takes its time. */
export class Connection implements GrantStore {
  readonly #durable: Durable;
  readonly #process: Process;
  readonly #dice: Dice;
  readonly exclusive: boolean;
  readonly #listeners = new Set<(events: readonly AuditEvent[]) => void>();

  /** @param exclusive Nobody else can write. */
  constructor(durable: Durable, process: Process, dice: Dice, exclusive: boolean) {
    this.exclusive = exclusive;
    this.#durable = durable;
    this.#process = process;
    this.#dice = dice;
    process.onDeath(() => durable.end(process));
  }

  async standing(): Promise<KeptGrant[]> {
    return [...this.#durable.grants.values()].filter(({ life }) => mayStand(life.state)).map((kept) => ({ ...kept }));
  }

  async kept(id: GrantId): Promise<KeptGrant | undefined> {
    const kept = this.#durable.grants.get(id);
    return kept && { ...kept };
  }

  async write<T>(work: (tx: GrantWriting) => Promise<T>): Promise<T> {
    if (!this.#process.effect()) return never();
    await this.#durable.begin(this.#process);
    try {
      return await this.#write(work);
    } finally {
      this.#durable.end(this.#process);
    }
  }

  async #write<T>(work: (tx: GrantWriting) => Promise<T>): Promise<T> {
    const { health } = this.#durable;
    const pending: Pending = { grants: new Map(), requests: new Map(), bodies: [] };
    const value = await work(new Transaction(this.#durable, pending, (id) => this.#durable.onFenced(this.#process, id)));
    await this.#pause();
    if (health.full || this.#dice.chance(health.fails)) throw failed('The disk is full');
    if (!this.#process.effect()) return never();
    const events = this.#durable.commit(this.#process, pending);
    if (!this.#process.effect()) return never();
    for (const listener of this.#listeners) listener(events);
    return value;
  }

  #pause(): Promise<void> | undefined {
    const { slow } = this.#durable.health;
    if (!this.#dice.chance(slow)) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#process.computer.timeline.after(this.#dice.delay(20, 1_500), () => this.#process.deliver(resolve));
    return promise;
  }

  // What the handlers and the feed read.

  async grant(id: string): Promise<GrantLife | undefined> {
    return this.#durable.grants.get(id as GrantId)?.life;
  }

  /** Grants of one right that may stand. */
  async references(right: string): Promise<GrantLife[]> {
    return (await this.#ofRight(right)).map(({ life }) => life);
  }

  async sharing(right: string): Promise<KeptGrant[]> {
    const kept = await this.#ofRight(right);
    await this.#pause();
    return kept;
  }

  async #ofRight(right: string): Promise<KeptGrant[]> {
    return (await this.standing()).filter(({ life }) => rightKey(life) === right);
  }

  async request(id: string): Promise<RequestLife | undefined> {
    return this.#durable.requests.get(id as RequestId);
  }

  async grants(changedSince: Instant): Promise<GrantLife[]> {
    const lives = [...this.#durable.grants.values()].map(({ life }) => life);
    return lives.filter((life) => mayStand(life.state) || (life.goneAt ?? life.createdAt) >= changedSince);
  }

  async requests(changedSince: Instant): Promise<RequestLife[]> {
    return [...this.#durable.requests.values()].filter(({ state, createdAt }) => isOpen(state) || createdAt >= changedSince);
  }

  async events(after: number, limit: number): Promise<AuditEvent[]> {
    return this.#durable.events.slice(after, after + limit);
  }

  async head(): Promise<{ seq: number; hash: string }> {
    return { seq: this.#durable.events.length, hash: NO_EVENT_BEFORE };
  }

  onAppended(listener: (events: readonly AuditEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

class Transaction implements GrantWriting {
  readonly #durable: Durable;
  readonly #pending: Pending;
  readonly #onFenced: (id: GrantId) => void;

  constructor(durable: Durable, pending: Pending, onFenced: (id: GrantId) => void) {
    this.#durable = durable;
    this.#pending = pending;
    this.#onFenced = onFenced;
  }

  async putGrant(kept: KeptGrant): Promise<boolean> {
    const { life, version } = kept;
    const before = this.#pending.grants.get(life.id) ?? this.#durable.grants.get(life.id);
    if ((before?.version ?? 0) !== version - 1) {
      this.#onFenced(life.id);
      return false;
    }
    this.#pending.grants.set(kept.life.id, { ...kept });
    return true;
  }

  async append(body: AuditBody): Promise<unknown> {
    return this.#pending.bodies.push(body);
  }

  async request(id: RequestId): Promise<RequestLife | undefined> {
    return this.#pending.requests.get(id) ?? this.#durable.requests.get(id);
  }

  async putRequest(request: RequestLife): Promise<void> {
    this.#pending.requests.set(request.id, request);
  }
}

const failed = (why: string) => new Fault('store-failed', why, { wayOut: 'Check the disk of central' });
