import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { AuditBody, type AuditEvent } from '../../protocol/audit.ts';
import type { Cancel, Clock } from '../../protocol/clock.ts';
import { SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { fitted } from '../../protocol/fit.ts';
import type { Params, Result } from '../../protocol/messages.ts';
import { type Log, ofError } from '../log.ts';
import type { Ballast } from './ballast.ts';
import { ChainReader } from './chains.ts';
import { Leases } from './leases.ts';
import { RecordQuery } from './query.ts';
import { RecordStore } from './record.ts';
import { noteSetAside, readSetAside, type SetAside } from './set-aside.ts';
import { isDamage, isNoRoom } from './sqlite-error.ts';

export interface JournalParts {
  /** @param suspect The one that was open has shown damage. */
  open(suspect: boolean): DatabaseSync;
  ballast: Ballast;
  /** Whether this daemon knows in memory what it holds, so that a journal that is lost can be written anew. */
  remembers(): boolean;
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
  /** The open file has shown damage. */
  #suspect = false;
  #opened = 0;
  /** On the boot clock, when it was opened anew: damage that comes back at once is not mended by opening. */
  #openedAt = Number.NEGATIVE_INFINITY;
  #closed = false;
  #lost = false;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#tryOpen();
    if (this.#stores) this.#probe();
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
    try {
      // What room there is belongs to ends until a probe has shown that there is enough.
      if (this.#unhealthy !== undefined) throw new Error(this.#unhealthy);
      return this.#do(({ leases, record }) => act(leases, record));
    } catch (cause) {
      throw noRecord(cause);
    }
  }

  /**
   * For what ends power: a full disk gives its last room for it. Undefined when the disk did not take it nevertheless; that is
   * noted, and stops nobody.
   */
  may<T>(act: (leases: Leases, record: RecordStore) => T): T | undefined {
    const work = ({ leases, record }: Stores) => act(leases, record);
    try {
      return this.#do(work);
    } catch (cause) {
      if (!isNoRoom(cause)) return undefined;
      this.#parts.ballast.drop();
      // What is in the log already goes to its place, which needs no room, and the log is written over.
      this.#try(({ db }) => db.exec('PRAGMA wal_checkpoint(RESTART)'));
      return this.#try(work);
    }
  }

  /** Appends to this daemon's own chain, durably. @throws Fault `store-failed`: nothing may be asked for on the strength of it. */
  append(body: Omit<AuditBody, 'at' | 'boot'>): AuditEvent {
    this.#flush();
    // What happened before comes before it.
    if (this.#waiting.length > 0) throw noRecord(undefined);
    const whole = this.#stamped(body);
    const event = this.must((_, record) => record.append(whole));
    this.#parts.onEvent(event);
    return event;
  }

  /** Appends to this daemon's own chain; what cannot be written now waits in memory and is written later. */
  record(body: Omit<AuditBody, 'at' | 'boot'>): void {
    this.#waiting.push(this.#stamped(body));
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    this.#flush();
  }

  query(params: Params<'audit.query'>): Result<'audit.query'> {
    return this.#try(({ query }) => query.query(params)) ?? { total: 0, events: [] };
  }

  chains(params: Params<'audit.chains'>): Result<'audit.chains'> {
    return this.#try(({ reader }) => reader.chains(params)) ?? { chains: [] };
  }

  /** @throws Fault `store-failed`: what cannot be read must not pass for a record that ends here. */
  read(params: Params<'audit.read'>): Result<'audit.read'> {
    if (!this.#stores) throw noRecord(this.#unhealthy);
    try {
      return this.#stores.reader.read(params);
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      this.#broke(cause);
      throw unreadable(cause);
    }
  }

  /** Of a chain that was written on this machine. Undefined when they are not known. */
  subtrees(source: string, ranges: readonly { from: number; to: number }[]): string[][] | undefined {
    return this.may((_, { tree }) => {
      const hashes = ranges.flatMap(({ from, to }) => (from <= to ? [tree.over(source, from, to)] : []));
      return hashes.every((each) => each !== undefined) && hashes.length === ranges.length ? hashes : undefined;
    });
  }

  facets(): Result<'audit.facets'> {
    return this.#try(({ query }) => query.facets()) ?? { people: [], balancers: [], kinds: [] };
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

  #do<T>(act: (stores: Stores) => T): T {
    if (!this.#stores || this.#lost) throw new Error(this.#unhealthy ?? 'The journal is closed');
    try {
      return act(this.#stores);
    } catch (cause) {
      this.#broke(cause);
      throw cause;
    }
  }

  #try<T>(act: (stores: Stores) => T): T | undefined {
    try {
      return this.#do(act);
    } catch {
      return undefined;
    }
  }

  #stamped(body: Omit<AuditBody, 'at' | 'boot'>): AuditBody {
    const { clock } = this.#parts;
    const whole = { ...body, at: clock.now(), boot: Math.round(clock.boot()) };
    // Before it is hashed: what is told later must be what was hashed.
    return fitted(AuditBody, whole) ?? whole;
  }

  /** While the disk is full, what room there is belongs to the leases: events wait. */
  #flush(): void {
    while (this.#waiting[0] && this.#unhealthy === undefined) {
      const body = this.#waiting[0];
      const event = this.#try(({ record }) => record.append(body));
      if (!event) return;
      this.#waiting.shift();
      this.#parts.onEvent(event);
    }
  }

  #tryOpen(): void {
    const { open, clock, bootId, source, log } = this.#parts;
    try {
      const db = open(this.#suspect);
      this.#suspect = false;
      // A file that is opened anew begins a chain of its own: whether the last event of the one before is in it is not known.
      const chain = this.#opened === 0 ? source : `${source}.${this.#opened}`;
      this.#opened += 1;
      this.#openedAt = this.#opened > 1 ? clock.boot() : this.#openedAt;
      this.#stores = {
        db,
        leases: new Leases(db, clock, bootId),
        record: new RecordStore(db, chain),
        query: new RecordQuery(db),
        reader: new ChainReader(db),
      };
      const found = this.#try(() => readSetAside(db));
      if (found && !found.told) this.#tellSetAside(db, found);
      else this.#setAside = found?.rebuilt ? undefined : found;
    } catch (cause) {
      log.error('journal', ofError(cause));
      this.#broke(cause);
    }
  }

  #tellSetAside(db: DatabaseSync, note: SetAside): void {
    const rebuilt = this.#parts.remembers();
    this.#setAside = rebuilt ? undefined : note;
    this.#parts.log.error('the journal was damaged and is set aside', { path: note.file });
    this.record({
      kind: 'journal.damaged',
      text: rebuilt
        ? 'The journal was damaged and is set aside: what this daemon holds is written anew from memory'
        : 'The journal was damaged and is set aside: what this daemon held before is not known',
      data: { file: path.basename(note.file) },
    });
    this.#try(() => noteSetAside(db, { ...note, told: true, rebuilt }));
  }

  #broke(cause: unknown): void {
    if (this.#closed || this.#lost) return;
    // The next one is about to be begun.
    if (this.#suspect && this.#stores) return;
    const { clock } = this.#parts;
    this.#suspect ||= isDamage(cause);
    const why =
      cause instanceof Fault ? cause.message : `The journal does not take writes: ${cause instanceof Error ? cause.message : 'unknown'}`;
    if (this.#unhealthy !== why) {
      this.#unhealthy = why;
      this.#parts.log.error('journal unhealthy', ofError(cause));
      this.#parts.onHealth(why);
    }
    this.#cancel();
    // A damaged file does not mend by itself: the next one is begun as soon as whoever met the damage is done.
    const again = this.#suspect && clock.boot() - this.#openedAt >= TRY_AGAIN ? 1 : TRY_AGAIN;
    this.#cancel = clock.after(again, () => this.#probe());
  }

  /** Only a write of some size proves that the disk takes writes again: a read, or an event in a page that is half empty, does not. */
  #probe(): void {
    if (this.#suspect) {
      this.#stores?.db.close();
      this.#stores = undefined;
    }
    if (!this.#stores) this.#tryOpen();
    if (!this.#stores) return;
    try {
      // On a small disk the log holds the very room that the ballast needs.
      this.#stores.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#parts.ballast.keep();
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
}

const unreadable = (cause: unknown): Fault =>
  new Fault('store-failed', 'The record on this machine cannot be read', {
    cause,
    retryable: true,
    wayOut: 'Try again in a moment: a damaged journal is set aside. Ending access still works.',
  });

const noRecord = (cause: unknown): Fault =>
  new Fault('store-failed', 'No durable record is possible on this machine, so no new access can be asked for', {
    cause,
    wayOut: 'Free disk space or mend the state folder. Ending access still works.',
  });
