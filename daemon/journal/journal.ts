import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { AuditBody, type AuditEvent } from '../../protocol/audit.ts';
import type { Cancel, Clock } from '../../protocol/clock.ts';
import { SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { fitted } from '../../protocol/fit.ts';
import type { Params, Result } from '../../protocol/messages.ts';
import { type Log, ofError } from '../log.ts';
import { ChainReader } from './chains.ts';
import { Leases } from './leases.ts';
import { RecordQuery } from './query.ts';
import { RecordStore } from './record.ts';
import { noteSetAside, readSetAside, type SetAside } from './set-aside.ts';

export interface JournalParts {
  open(): DatabaseSync;
  clock: Clock;
  bootId: string | undefined;
  /** The daemon's instance id. */
  source: string;
  log: Log;
  /** Called when a durable record became possible or impossible; with the reason when impossible. */
  onHealth(unhealthy: string | undefined): void;
  /** Called with each event of this daemon's own chain, once it is durable. */
  onEvent(event: AuditEvent): void;
}

interface Stores {
  db: DatabaseSync;
  leases: Leases;
  record: RecordStore;
  query: RecordQuery;
  reader: ChainReader;
}

const TRY_AGAIN = 10 * SECOND;
/** Events that wait in memory for a disk that does not take them. */
const MOST_WAITING = 1_000;

/**
 * The durable memory of this daemon, and whether it works. New power needs `must`; everything that ends power uses `may`,
 * which goes on without a disk.
 */
export class Journal {
  readonly #parts: JournalParts;
  #stores: Stores | undefined;
  #unhealthy: string | undefined;
  #waiting: AuditBody[] = [];
  #cancel: Cancel = () => {};
  #setAside: SetAside | undefined;
  #closed = false;
  #lost = false;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#tryOpen();
  }

  /** The journal before this one, when it was damaged. */
  get setAside(): SetAside | undefined {
    return this.#setAside;
  }

  get unhealthy(): string | undefined {
    return this.#unhealthy;
  }

  /** @throws Fault `store-failed`: nothing may be granted on the strength of it. */
  must<T>(act: (leases: Leases, record: RecordStore) => T): T {
    if (!this.#stores || this.#lost) throw this.#fault(undefined);
    try {
      return act(this.#stores.leases, this.#stores.record);
    } catch (cause) {
      this.#broke(cause);
      throw this.#fault(cause);
    }
  }

  /** Undefined when the disk did not take it; that is noted, and does not stop whoever ends power. */
  may<T>(act: (leases: Leases, record: RecordStore) => T): T | undefined {
    try {
      return this.must(act);
    } catch {
      return undefined;
    }
  }

  /** Appends to this daemon's own chain; what cannot be written now waits in memory and is written later. */
  record(body: Omit<AuditBody, 'at' | 'boot'>): void {
    const { clock } = this.#parts;
    const whole = { ...body, at: clock.now(), boot: Math.round(clock.boot()) };
    // Before it is hashed: what is told later must be what was hashed.
    this.#waiting.push(fitted(AuditBody, whole) ?? whole);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    this.#flush();
  }

  query(params: Params<'audit.query'>): Result<'audit.query'> {
    return this.#stores?.query.query(params) ?? { total: 0, events: [] };
  }

  chains(params: Params<'audit.chains'>): Result<'audit.chains'> {
    return this.#stores?.reader.chains(params) ?? { chains: [] };
  }

  /** @throws Fault `store-failed`: what cannot be read must not pass for a record that ends here. */
  read(params: Params<'audit.read'>): Result<'audit.read'> {
    if (!this.#stores) throw this.#fault(undefined);
    return this.#stores.reader.read(params);
  }

  facets(): Result<'audit.facets'> {
    return this.#stores?.query.facets() ?? { people: [], balancers: [], kinds: [] };
  }

  /** What is written goes nowhere any more, and no later write will prove otherwise. */
  lose(why: string): void {
    this.#lost = true;
    this.#cancel();
    this.#unhealthy = why;
    this.#parts.onHealth(why);
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#stores?.db.close();
    this.#stores = undefined;
  }

  #flush(): void {
    while (this.#waiting[0]) {
      const body = this.#waiting[0];
      const event = this.may((_, record) => record.append(body));
      if (!event) return;
      this.#waiting.shift();
      this.#parts.onEvent(event);
    }
  }

  #tryOpen(): void {
    const { open, clock, bootId, source, log } = this.#parts;
    try {
      const db = open();
      this.#stores = {
        db,
        leases: new Leases(db, clock, bootId),
        record: new RecordStore(db, source),
        query: new RecordQuery(db),
        reader: new ChainReader(db),
      };
      this.#setAside = this.may(() => readSetAside(db));
      if (this.#setAside && !this.#setAside.told) this.#tellSetAside(db, this.#setAside);
    } catch (cause) {
      log.error('journal', ofError(cause));
      this.#broke(cause);
    }
  }

  #tellSetAside(db: DatabaseSync, { at, file }: SetAside): void {
    this.#parts.log.error('the journal was damaged and is set aside', { path: file });
    this.record({
      kind: 'journal.damaged',
      text: 'The journal was damaged and is set aside: what this daemon held before is not known',
      data: { file: path.basename(file) },
    });
    this.may(() => noteSetAside(db, { at, file, told: true }));
  }

  #broke(cause: unknown): void {
    if (this.#closed || this.#lost) return;
    const why =
      cause instanceof Fault ? cause.message : `The journal does not take writes: ${cause instanceof Error ? cause.message : 'unknown'}`;
    if (this.#unhealthy !== why) {
      this.#unhealthy = why;
      this.#parts.log.error('journal unhealthy', ofError(cause));
      this.#parts.onHealth(why);
    }
    this.#cancel();
    this.#cancel = this.#parts.clock.after(TRY_AGAIN, () => this.#probe());
  }

  /** Only a write of some size proves that the disk takes writes again: a read, or an event in a page that is half empty, does not. */
  #probe(): void {
    if (!this.#stores) this.#tryOpen();
    if (!this.#stores) return;
    try {
      this.#stores.record.probe();
      this.#healed();
    } catch (cause) {
      this.#broke(cause);
    }
  }

  #healed(): void {
    if (this.#unhealthy === undefined) return;
    this.#unhealthy = undefined;
    this.#cancel();
    this.#parts.onHealth(undefined);
    this.#flush();
  }

  #fault(cause: unknown): Fault {
    return new Fault('store-failed', 'No durable record is possible on this machine, so no new access can be asked for', {
      cause,
      wayOut: 'Free disk space or mend the state folder. Ending access still works.',
    });
  }
}
