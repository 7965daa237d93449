import { createHash } from 'node:crypto';
import { type Dialect, Kysely, type Transaction } from 'kysely';
import { AuditBody, type AuditEvent, chain } from '../../protocol/audit.ts';
import type { Instant } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { fitted } from '../../protocol/fit.ts';
import type { Hash, Plan } from '../../protocol/merkle.ts';
import { type GrantLife, rightKey } from '../grants/life.ts';
import type { GrantStore, GrantWriting, KeptGrant } from '../grants/ports.ts';
import type { RequestLife } from '../requests/life.ts';
import type { Ballast } from './ballast.ts';
import { migrate } from './migrations.ts';
import type { GrantRow, Schema } from './schema.ts';
import { isFull } from './sqlite.ts';
import { grow, type Head, hashesOf, headOf, leafOf, plant } from './tree.ts';

/** Rows whose values must fit into one statement. */
const PER_STATEMENT = 500;

/** The chain that central writes. */
const SOURCE = 'central';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What can be read. Inside `write` it sees what was written before. */
export class Reading {
  protected readonly db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.db = db;
  }

  async request(id: string): Promise<RequestLife | undefined> {
    const row = await this.db.selectFrom('requests').select('body').where('id', '=', id).executeTakeFirst();
    return row && (JSON.parse(row.body) as RequestLife);
  }

  /** Open ones, and those that changed since. Oldest first. */
  async requests(changedSince: Instant): Promise<RequestLife[]> {
    const rows = await this.db
      .selectFrom('requests')
      .select('body')
      .where((where) => where.or([where('state', 'in', ['requested', 'pending approval']), where('changed_at', '>=', changedSince)]))
      .orderBy('created_at')
      .execute();
    return rows.map(({ body }) => JSON.parse(body) as RequestLife);
  }

  async openRequests(requester: string): Promise<number> {
    const row = await this.db
      .selectFrom('requests')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('requester', '=', requester)
      .where('state', 'in', ['requested', 'pending approval'])
      .executeTakeFirstOrThrow();
    return Number(row.count);
  }

  async grant(id: string): Promise<GrantLife | undefined> {
    const row = await this.db.selectFrom('grants').select('body').where('id', '=', id).executeTakeFirst();
    return row && (JSON.parse(row.body) as GrantLife);
  }

  /** Those that may stand, and those that changed since. */
  async grants(changedSince: Instant): Promise<GrantLife[]> {
    const rows = await this.db
      .selectFrom('grants')
      .select('body')
      .where((where) => where.or([where('state', 'not in', ['gone', 'failed']), where('changed_at', '>=', changedSince)]))
      .orderBy('not_after')
      .execute();
    return rows.map(({ body }) => JSON.parse(body) as GrantLife);
  }

  /** Grants that may stand, with what the runner needs to go on. */
  async standing(): Promise<KeptGrant[]> {
    const rows = await this.db.selectFrom('grants').selectAll().where('state', 'not in', ['gone', 'failed']).orderBy('not_after').execute();
    return rows.map(keptGrant);
  }

  async kept(id: string): Promise<KeptGrant | undefined> {
    const row = await this.db.selectFrom('grants').selectAll().where('id', '=', id).executeTakeFirst();
    return row && keptGrant(row);
  }

  /** Ids of what a sweep has told. */
  async findings(): Promise<Set<string>> {
    const rows = await this.db.selectFrom('findings').select('id').execute();
    return new Set(rows.map(({ id }) => id));
  }

  async fact(name: string): Promise<string | undefined> {
    return (await this.db.selectFrom('facts').select('value').where('name', '=', name).executeTakeFirst())?.value;
  }

  /** Grants of one right that may stand. */
  async references(right: string): Promise<GrantLife[]> {
    return (await this.sharing(right)).map(({ life }) => life);
  }

  async sharing(right: string): Promise<KeptGrant[]> {
    const rows = await this.db
      .selectFrom('grants')
      .selectAll()
      .where('right_key', '=', right)
      .where('state', 'not in', ['gone', 'failed'])
      .execute();
    return rows.map(keptGrant);
  }

  /** Grants on a balancer or its parts that may stand. */
  async grantsOn(balancer: string): Promise<GrantLife[]> {
    const rows = await this.db
      .selectFrom('grants')
      .select('body')
      .where('balancer', '=', balancer)
      .where('state', 'not in', ['gone', 'failed'])
      .execute();
    return rows.map(({ body }) => JSON.parse(body) as GrantLife);
  }

  /** The record in order, after an event. */
  async events(after: number, limit: number): Promise<AuditEvent[]> {
    const rows = await this.db.selectFrom('events').select('body').where('seq', '>', after).orderBy('seq').limit(limit).execute();
    return rows.map(({ body }) => JSON.parse(body) as AuditEvent);
  }

  /** Where a chain ends. */
  head(source = SOURCE): Promise<Head> {
    return headOf(this.db, source);
  }

  /** What a proof needs of a chain's tree. */
  hashes(source: string, plan: Plan): Promise<Hash[]> {
    return hashesOf(this.db, source, plan);
  }

  /** The last one that was signed. */
  async checkpoint(): Promise<string | undefined> {
    return (await this.db.selectFrom('checkpoints').select('note').orderBy('size', 'desc').limit(1).executeTakeFirst())?.note;
  }

  /** What was signed for a daemon's events: the first receipt that covers this one. */
  async receipt(source: string, seq: number): Promise<string | undefined> {
    const rows = this.db.selectFrom('receipts').select('note').where('source', '=', source).where('last', '>=', seq);
    return (await rows.orderBy('last').limit(1).executeTakeFirst())?.note;
  }

  /** Whose daemon writes this chain. */
  async ownerOf(source: string): Promise<string | undefined> {
    return (await this.db.selectFrom('chains').select('owner').where('source', '=', source).executeTakeFirst())?.owner;
  }
}

/** One transaction: a change of state and its events are durable together or not at all. */
export class Writing extends Reading implements GrantWriting {
  readonly appended: AuditEvent[] = [];
  readonly #leaves: Hash[] = [];
  #head: Head | undefined;

  async putRequest(request: RequestLife, now: Instant): Promise<void> {
    const row = { state: request.state, changed_at: Math.round(now), body: JSON.stringify(request) };
    await this.db
      .insertInto('requests')
      .values({ id: request.id, requester: request.requester.person.id, created_at: Math.round(request.createdAt), ...row })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute();
  }

  async putGrant({ life, version, written, bootDue }: KeptGrant): Promise<boolean> {
    const row = {
      state: life.state,
      changed_at: Math.round(written.wall),
      version,
      boot_at: Math.round(written.boot),
      boot_id: bootDue?.bootId ?? null,
      boot_due: bootDue ? Math.round(bootDue.at) : null,
      body: JSON.stringify(life),
    };
    if (version > 1) {
      const last = this.db
        .updateTable('grants')
        .set(row)
        .where('id', '=', life.id)
        .where('version', '=', version - 1);
      return (await last.executeTakeFirst()).numUpdatedRows === 1n;
    }
    const fixed = {
      id: life.id,
      request_id: life.requestId,
      holder: life.holder.id,
      right_key: rightKey(life),
      balancer: life.resource.balancerId,
      not_after: Math.round(life.notAfter),
    };
    const first = this.db
      .insertInto('grants')
      .values({ ...fixed, ...row })
      .onConflict((conflict) => conflict.column('id').doNothing());
    return (await first.executeTakeFirst()).numInsertedOrUpdatedRows === 1n;
  }

  async putFinding(id: string, at: Instant): Promise<void> {
    const told = this.db.insertInto('findings').values({ id, at: Math.round(at) });
    await told.onConflict((conflict) => conflict.column('id').doNothing()).execute();
  }

  async dropFindings(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.db.deleteFrom('findings').where('id', '=', id).execute();
  }

  async putFact(name: string, value: string): Promise<void> {
    const fact = this.db.insertInto('facts').values({ name, value });
    await fact.onConflict((conflict) => conflict.column('name').doUpdateSet({ value })).execute();
  }

  /** The event as it will stand: all that this transaction appends goes in together, when everything else is done. */
  async append(body: AuditBody): Promise<AuditEvent> {
    this.#head ??= await this.head();
    const { seq, hash: prev } = this.appended.at(-1) ?? this.#head;
    // Through JSON, so that what is hashed is exactly what will be read; and cut to size, so that it can be.
    const told = JSON.parse(JSON.stringify(fitted(AuditBody, body) ?? body)) as AuditBody;
    const event = chain(told, { source: SOURCE, seq: seq + 1, prev }, sha256);
    this.appended.push(event);
    // Here and not at the end: grants fall due in this thread, between one event and the next.
    this.#leaves.push(leafOf(event));
    return event;
  }

  /** The last act of a transaction: one statement for many events, and one new right edge of their tree. */
  async finish(): Promise<void> {
    for (let at = 0; this.#head && at < this.appended.length; at += PER_STATEMENT) {
      const events = this.appended.slice(at, at + PER_STATEMENT);
      const rows = events.map((event) => ({ seq: event.seq, at: Math.round(event.at), kind: event.kind, body: JSON.stringify(event) }));
      await this.db.insertInto('events').values(rows).execute();
      await grow(this.db, SOURCE, this.#head, events, this.#leaves.slice(at, at + PER_STATEMENT));
    }
  }

  /** Events of a daemon's own chain that follow `head`, which moves. */
  async deposit(source: string, head: Head, events: readonly AuditEvent[]): Promise<void> {
    const rows = events.map((event) => ({ source, seq: event.seq, body: JSON.stringify(event) }));
    await this.db.insertInto('deposits').values(rows).execute();
    await grow(this.db, source, head, events, events.map(leafOf));
  }

  async own(source: string, owner: string): Promise<void> {
    await this.db.insertInto('chains').values({ source, owner }).execute();
  }

  async putReceipt(source: string, last: number, note: string): Promise<void> {
    await this.db.insertInto('receipts').values({ source, last, note }).execute();
  }

  async putCheckpoint(size: number, note: string): Promise<void> {
    await this.db
      .insertInto('checkpoints')
      .values({ size, note })
      .onConflict((conflict) => conflict.column('size').doNothing())
      .execute();
  }
}

export interface StoreOptions {
  /** Nobody else can write to it: SQLite's lock on the file sees to that. */
  exclusive?: boolean;
  /** What is given up when the disk is full. */
  ballast?: Ballast;
}

/** Central's durable memory. */
export class Store extends Reading implements GrantStore {
  readonly exclusive: boolean;
  readonly #listeners = new Set<(events: readonly AuditEvent[]) => void>();

  readonly #ballast: Ballast | undefined;

  private constructor(db: Kysely<Schema>, { exclusive = true, ballast }: StoreOptions) {
    super(db);
    this.exclusive = exclusive;
    this.#ballast = ballast;
  }

  static async open(dialect: Dialect, options: StoreOptions = {}): Promise<Store> {
    const db = new Kysely<Schema>({ dialect });
    try {
      await migrate(db as unknown as Kysely<unknown>);
      await plant(db, SOURCE);
    } catch (error) {
      await db.destroy();
      throw error;
    }
    return new Store(db, options);
  }

  /** Durable when it resolves. Everything in it happened, or nothing did: then it rejects. */
  async write<T>(work: (tx: Writing) => Promise<T>): Promise<T> {
    // What room is left is for the ends of what was granted.
    if (this.#ballast?.isSpent) throw diskFull();
    return this.#transact(work);
  }

  /** The same store for those who end what was granted: on a full disk it gives up the ballast. */
  forEnds(): GrantStore {
    return {
      exclusive: this.exclusive,
      standing: () => this.standing(),
      kept: (id) => this.kept(id),
      sharing: (right) => this.sharing(right),
      write: async (work) => {
        try {
          return await this.#transact(work);
        } catch (error) {
          if (!isFull((error as Error).cause) || !this.#ballast?.spend()) throw error;
          return this.#transact(work);
        }
      },
    };
  }

  async #transact<T>(work: (tx: Writing) => Promise<T>): Promise<T> {
    let writing: Writing | undefined;
    let failed: { error: unknown } | undefined;
    const value = await this.db
      .transaction()
      .execute(async (db: Transaction<Schema>) => {
        writing = new Writing(db);
        try {
          const value = await work(writing);
          await writing.finish();
          return value;
        } catch (error) {
          failed = { error };
          throw error;
        }
      })
      .catch((error: unknown) => {
        const own = failed?.error;
        if (own !== undefined && !isStoreError(own)) throw own;
        const cause = own ?? error;
        if (isFull(cause)) throw diskFull(cause);
        throw new Fault('store-failed', 'The store cannot be written', { cause, wayOut: 'Check the disk of central' });
      });
    const appended = writing?.appended ?? [];
    if (appended.length > 0) for (const listener of this.#listeners) listener(appended);
    return value;
  }

  /** Called after each commit with the events it made durable. Returns what ends it. */
  onAppended(listener: (events: readonly AuditEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.db.destroy();
  }
}

const diskFull = (cause?: unknown) =>
  new Fault('store-failed', 'The disk of central is full', { cause, retryable: true, wayOut: 'Make room on the disk of central' });

const isStoreError = (error: unknown): boolean => (error as { code?: unknown } | undefined)?.code === 'ERR_SQLITE_ERROR';

/** PostgreSQL answers a bigint as text. */
const keptGrant = ({ body, version, changed_at, boot_at, boot_id, boot_due }: GrantRow): KeptGrant => ({
  life: JSON.parse(body) as GrantLife,
  version: Number(version),
  written: { wall: Number(changed_at), boot: Number(boot_at) },
  ...(boot_id !== null && boot_due !== null && { bootDue: { bootId: boot_id, at: Number(boot_due) } }),
});
