import type { DatabaseSync } from 'node:sqlite';
import type { AuditEvent } from '../../protocol/audit.ts';
import { Fault } from '../../protocol/fault.ts';
import type { Params, Result } from '../../protocol/messages.ts';
import { conditions } from './query.ts';

/** An answer's events, in bytes: what both ends hold in memory at a time while a long record is read. */
const MOST_BYTES = 256 * 1_024;
const MOST_CHAINS = 1_000;

/** Reads the record chain by chain, by its primary key: each answer costs the same, wherever in a record of any length it is. */
export class ChainReader {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  chains({ after }: Params<'audit.chains'>): Result<'audit.chains'> {
    const sources = this.#db
      .prepare(
        // Hops from one source to the next: counting them would read every event.
        `WITH RECURSIVE chain (source) AS (
           SELECT min(source) FROM event WHERE source > ?
           UNION ALL
           SELECT (SELECT min(source) FROM event WHERE source > chain.source) FROM chain WHERE chain.source IS NOT NULL
         )
         SELECT source,
           (SELECT min(seq) FROM event WHERE event.source = chain.source) AS first,
           (SELECT max(seq) FROM event WHERE event.source = chain.source) AS last,
           (SELECT at FROM event WHERE event.source = chain.source ORDER BY seq LIMIT 1) AS at
         FROM chain WHERE source IS NOT NULL LIMIT ?`,
      )
      .all(after ?? '', MOST_CHAINS);
    const chains = sources.map((row) => ({
      source: String(row['source']),
      first: Number(row['first']),
      last: Number(row['last']),
      at: Number(row['at']),
    }));
    const next = chains.length === MOST_CHAINS ? chains.at(-1)?.source : undefined;
    return { chains, ...(next === undefined ? {} : { next }) };
  }

  /** @throws Fault `store-failed` when a chain does not go as far any more as it did: an incomplete answer must not pass for a complete one. */
  read({ filter, chains, limit }: Params<'audit.read'>): Result<'audit.read'> {
    const { that, values } = conditions(filter);
    const rows = this.#db.prepare(
      `SELECT seq, CASE WHEN ${that} THEN body END AS body FROM event WHERE source = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
    );
    const events: AuditEvent[] = [];
    const reached: { source: string; seq: number }[] = [];
    let left = limit;
    let bytes = 0;
    for (const { source, after, to } of chains) {
      if (left <= 0) break;
      let seq = after;
      let looked = 0;
      for (const row of rows.iterate(...values, source, after, to, left)) {
        const body = row['body'];
        bytes += typeof body === 'string' ? Buffer.byteLength(body) : 0;
        if (bytes > MOST_BYTES && events.length > 0) return { events, reached: [...reached, { source, seq }] };
        // Written by this daemon, from events that were validated when they came in.
        if (typeof body === 'string') events.push(JSON.parse(body) as AuditEvent);
        seq = Number(row['seq']);
        looked += 1;
      }
      if (looked < left && seq !== to)
        throw new Fault('store-failed', 'The record became shorter while it was read', { wayOut: 'Try again.' });
      reached.push({ source, seq });
      left -= looked;
    }
    return { events, reached };
  }
}
