import type { DatabaseSync } from 'node:sqlite';
import type { Clock, Instant } from '../../protocol/clock.ts';
import type { GrantId, RequestId } from '../../protocol/ids.ts';
import type { AuthorityId } from '../../protocol/model.ts';
import type { IntentRow, LeaseBook, LeaseRow } from './ports.ts';

/**
 * The durable memory of what this daemon asked for and holds. Every call is committed when it returns.
 * @throws Fault from node:sqlite when the disk does not take it: the caller decides what that means.
 */
export class Leases implements LeaseBook {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #bootId: string | undefined;

  /** @param bootId Names this start of the machine; undefined where the system does not say. */
  constructor(db: DatabaseSync, clock: Clock, bootId: string | undefined) {
    this.#db = db;
    this.#clock = clock;
    this.#bootId = bootId;
  }

  /** @param notAfter Also kept by the boot clock, so that a wall clock set back while no daemon runs lengthens nothing. */
  put(authority: AuthorityId, grantId: GrantId, body: string, notAfter: Instant, endedAt?: Instant): void {
    const bootDeadline = Math.round(this.#clock.boot() + Math.max(0, notAfter - this.#clock.now()));
    this.#db
      .prepare(
        `INSERT INTO lease (grant_id, authority, not_after, ended_at, boot_id, boot_deadline, body) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (grant_id) DO UPDATE SET body = excluded.body, ended_at = excluded.ended_at, not_after = excluded.not_after,
           boot_deadline = CASE WHEN lease.boot_id IS excluded.boot_id AND lease.not_after = excluded.not_after THEN lease.boot_deadline
             WHEN lease.boot_id IS excluded.boot_id AND lease.not_after > excluded.not_after
             THEN min(lease.boot_deadline, excluded.boot_deadline) ELSE excluded.boot_deadline END,
           boot_id = excluded.boot_id`,
      )
      .run(
        grantId,
        authority,
        Math.round(notAfter),
        endedAt === undefined ? null : Math.round(endedAt),
        this.#bootId ?? null,
        bootDeadline,
        body,
      );
  }

  load(authority: AuthorityId, since: Instant): LeaseRow[] {
    const rows = this.#db
      .prepare('SELECT * FROM lease WHERE authority = ? AND (ended_at IS NULL OR ended_at > ?)')
      .all(authority, Math.round(since));
    return rows.map((row) => ({
      grantId: row['grant_id'] as GrantId,
      body: String(row['body']),
      endedAt: row['ended_at'] === null ? undefined : Number(row['ended_at']),
      bootDue:
        this.#bootId !== undefined && row['boot_id'] === this.#bootId
          ? this.#clock.now() + Number(row['boot_deadline']) - this.#clock.boot()
          : undefined,
    }));
  }

  prune(before: Instant): void {
    this.#db.prepare('DELETE FROM lease WHERE ended_at < ?').run(Math.round(before));
    this.#db.prepare('DELETE FROM intent WHERE at < ?').run(Math.round(before));
  }

  intend(requestId: RequestId, body: string): void {
    this.#db
      .prepare('INSERT INTO intent (request_id, at, body) VALUES (?, ?, ?) ON CONFLICT (request_id) DO UPDATE SET abandoned = 0')
      .run(requestId, Math.round(this.#clock.now()), body);
  }

  abandon(requestId: RequestId): void {
    this.#db.prepare('UPDATE intent SET abandoned = 1 WHERE request_id = ?').run(requestId);
  }

  drop(requestId: RequestId): void {
    this.#db.prepare('DELETE FROM intent WHERE request_id = ?').run(requestId);
  }

  intent(requestId: RequestId): IntentRow | undefined {
    const row = this.#db.prepare('SELECT * FROM intent WHERE request_id = ?').get(requestId);
    return row && { requestId, abandoned: row['abandoned'] === 1, body: String(row['body']) };
  }
}
