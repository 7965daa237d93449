import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { AuditEvent, AuditFilter } from '../../protocol/audit.ts';
import { LIMITS } from '../../protocol/door.ts';
import type { Params, Result } from '../../protocol/messages.ts';

/** An answer's events, in bytes. Half of what the door lets through leaves room for what is around them. */
const MOST_BYTES = LIMITS.answer / 2;

/** Reads the record: newest first, filtered and counted in SQL. */
export class RecordQuery {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  query({ filter, offset, limit }: Params<'audit.query'>): Result<'audit.query'> {
    const { that, values } = conditions(filter);
    const where = `WHERE ${that}`;
    const total = Number(this.#db.prepare(`SELECT count(*) AS total FROM event ${where}`).get(...values)?.['total'] ?? 0);
    const rows = this.#db
      .prepare(`SELECT body FROM event ${where} ORDER BY at DESC, source, seq DESC LIMIT ? OFFSET ?`)
      .iterate(...values, limit, offset);
    const events: AuditEvent[] = [];
    let bytes = 0;
    for (const row of rows) {
      const body = String(row['body']);
      bytes += Buffer.byteLength(body);
      if (bytes > MOST_BYTES && events.length > 0) return { total, events, cut: true };
      // Written by this daemon, from events that were validated when they came in.
      events.push(JSON.parse(body) as AuditEvent);
    }
    return { total, events };
  }

  facets(): Result<'audit.facets'> {
    const pairs = (id: string, name: string) =>
      this.#db
        .prepare(`SELECT ${id} AS id, max(${name}) AS name FROM event WHERE ${id} IS NOT NULL GROUP BY ${id} ORDER BY 2 LIMIT 1000`)
        .all()
        .map((row) => ({ id: String(row['id']), name: String(row['name'] ?? row['id']) }));
    return {
      people: pairs('person_id', 'person_name'),
      balancers: pairs('balancer_id', 'balancer_name'),
      kinds: this.#db
        .prepare('SELECT DISTINCT kind FROM event ORDER BY kind')
        .all()
        .map((row) => String(row['kind'])),
    };
  }
}

/** A filter as an SQL expression over `event`. */
export function conditions(filter: AuditFilter): { that: string; values: SQLInputValue[] } {
  const parts: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (sql: string, ...given: SQLInputValue[]) => {
    parts.push(sql);
    values.push(...given);
  };
  if (filter.person !== undefined) add('person_id = ?', filter.person);
  if (filter.balancer !== undefined) add('balancer_id = ?', filter.balancer);
  if (filter.kind !== undefined) add('kind = ?', filter.kind);
  // The story of a grant begins with its request, whose first events know no grant yet.
  if (filter.grantId !== undefined)
    add(
      '(grant_id = ? OR request_id IN (SELECT request_id FROM event WHERE grant_id = ? AND request_id IS NOT NULL))',
      filter.grantId,
      filter.grantId,
    );
  if (filter.requestId !== undefined) add('request_id = ?', filter.requestId);
  if (filter.text !== undefined && filter.text !== '') add('instr(words, ?) > 0', filter.text.toLowerCase());
  return { that: parts.length === 0 ? 'TRUE' : parts.join(' AND '), values };
}
