import type { DatabaseSync } from 'node:sqlite';
import { type AuditBody, type AuditEvent, chain, NO_EVENT_BEFORE } from '../../protocol/audit.ts';
import { sha256 } from '../door/secrets.ts';
import { Facts } from './facts.ts';
import { Outbox } from './outbox.ts';
import { RecordTree } from './tree.ts';

const PROBE = 64 * 1_024;

/** Events kept on this machine: this daemon's own chain, and a mirror of central's record. */
export class RecordStore {
  /** Trees, what central has signed of them, and what else must not be forgotten. */
  readonly tree: RecordTree;
  readonly outbox: Outbox;
  readonly facts: Facts;
  readonly #db: DatabaseSync;
  readonly #source: string;
  #seq = 0;
  #prev = NO_EVENT_BEFORE;

  /** @param source The daemon's instance id: a new chain at each start. */
  constructor(db: DatabaseSync, source: string) {
    this.#db = db;
    this.#source = source;
    this.tree = new RecordTree(db);
    this.outbox = new Outbox(db);
    this.facts = new Facts(db);
  }

  /** Links the body to the event before it and makes it durable. A failed append takes no place in the chain. */
  append(body: AuditBody): AuditEvent {
    const event = chain(body, { source: this.#source, seq: this.#seq + 1, prev: this.#prev }, sha256);
    let grown = (): void => {};
    this.#commit(() => {
      this.#insert(event);
      grown = this.tree.grow(event);
    });
    grown();
    this.#seq = event.seq;
    this.#prev = event.hash;
    return event;
  }

  /** Keeps copies of events that another process wrote, in one commit. */
  mirror(events: readonly AuditEvent[]): void {
    this.#commit(() => {
      for (const event of events) this.#insert(event);
    });
  }

  /** The last sequence number that is kept of a source; 0 for none. */
  last(source: string): number {
    return Number(this.#db.prepare('SELECT max(seq) AS last FROM event WHERE source = ?').get(source)?.['last'] ?? 0);
  }

  /** Forgets a mirror that belongs to somebody else. `owner` names whose record it is, and who looks. */
  mirrorFor(source: string, owner: string): void {
    if (this.facts.get(`mirror ${source}`) === owner) return;
    this.#db.prepare('DELETE FROM event WHERE source = ?').run(source);
    this.facts.set(`mirror ${source}`, owner);
  }

  /** Writes more than fits beside what is there, and takes it away again. Throws when the disk does not take it. */
  probe(): void {
    this.#db.prepare("INSERT OR REPLACE INTO fact (name, value) VALUES ('probe', ?)").run('x'.repeat(PROBE));
    this.#db.exec("DELETE FROM fact WHERE name = 'probe'");
  }

  #commit(write: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      write();
      this.#db.exec('COMMIT');
    } catch (error) {
      // A full disk has ended it already.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #insert(event: AuditEvent): void {
    const words = [
      event.text,
      event.person?.name,
      event.resource?.name,
      event.resource?.balancerName,
      event.role?.title,
      event.reason,
      event.ticket,
    ];
    this.#db
      .prepare(
        `INSERT OR IGNORE INTO event
           (source, seq, at, kind, person_id, person_name, balancer_id, balancer_name, grant_id, request_id, words, body)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        event.source,
        event.seq,
        Math.round(event.at),
        event.kind,
        event.person?.id ?? null,
        event.person?.name ?? null,
        event.resource?.balancerId ?? null,
        event.resource?.balancerName ?? null,
        event.grantId ?? null,
        event.requestId ?? null,
        words.filter(Boolean).join('\n').toLowerCase(),
        JSON.stringify(event),
      );
  }
}
