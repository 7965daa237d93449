import type { DatabaseSync } from 'node:sqlite';
import type { AuditEvent } from '../../protocol/audit.ts';
import { LONGEST_BODY, MOST_EVENTS } from '../../protocol/central-api.ts';

/** Leaves room for what is around the events. */
const MOST_BYTES = LONGEST_BODY - 1_024;

/** Which events of daemons on this machine central has signed for, and which it still has to be told. */
export class Outbox {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Chains that central does not have whole, oldest first. They end with the daemon that wrote them. */
  open(): string[] {
    return this.#db
      .prepare(
        // Hops from one chain to the next, as the reader does: counting would read every event.
        `WITH RECURSIVE chain (source) AS (
           SELECT min(source) FROM event
           UNION ALL
           SELECT (SELECT min(source) FROM event WHERE source > chain.source) FROM chain WHERE chain.source IS NOT NULL
         )
         SELECT source FROM chain WHERE source IS NOT NULL AND source <> 'central'
           AND (SELECT max(seq) FROM event WHERE event.source = chain.source)
             > (SELECT coalesce(max(last), 0) FROM receipt WHERE receipt.source = chain.source)
         ORDER BY (SELECT at FROM event WHERE event.source = chain.source AND seq = 1)`,
      )
      .all()
      .map((row) => String(row['source']));
  }

  /** The last event of a chain that central has signed for; 0 for none. */
  signed(source: string): number {
    return Number(this.#db.prepare('SELECT max(last) AS last FROM receipt WHERE source = ?').get(source)?.['last'] ?? 0);
  }

  /** What comes after an event, as much as may be sent at once. */
  batch(source: string, after: number): AuditEvent[] {
    const rows = this.#db
      .prepare('SELECT body FROM event WHERE source = ? AND seq > ? ORDER BY seq LIMIT ?')
      .iterate(source, after, MOST_EVENTS);
    const events: AuditEvent[] = [];
    let bytes = 0;
    for (const row of rows) {
      const body = String(row['body']);
      bytes += Buffer.byteLength(body) + 1;
      if (bytes > MOST_BYTES && events.length > 0) break;
      events.push(JSON.parse(body) as AuditEvent);
    }
    return events;
  }

  keep(source: string, last: number, receipt: string): void {
    this.#db.prepare('INSERT OR IGNORE INTO receipt (source, last, note) VALUES (?, ?, ?)').run(source, last, receipt);
  }

  /** The last receipt of every chain: each covers all events before it. */
  receipts(): string[] {
    const rows = this.#db
      .prepare('SELECT note FROM receipt AS one WHERE last = (SELECT max(last) FROM receipt WHERE source = one.source)')
      .all();
    return rows.map((row) => String(row['note']));
  }
}
