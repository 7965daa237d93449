import type { AuditEvent } from '../../protocol/audit.ts';
import type { Instant } from '../../protocol/clock.ts';
import type { GrantId, RequestId } from '../../protocol/ids.ts';
import type { AuthorityId } from '../../protocol/model.ts';

/**
 * What the authorities need of the journal. Behind it is SQLite in production, and whatever crashes as the simulator
 * wants it to in the simulator.
 */
export interface LeaseJournal {
  /** For new power. @throws Fault `store-failed`: nothing may be granted on the strength of it. */
  must<T>(act: (leases: LeaseBook) => T): T;
  /** For everything that ends power: undefined when the disk did not take it. */
  may<T>(act: (leases: LeaseBook) => T): T | undefined;
}

/** The same, with the copies of central's record. */
export interface MirrorJournal extends LeaseJournal {
  may<T>(act: (leases: LeaseBook, record: MirrorBook) => T): T | undefined;
}

/** What this daemon asked for and holds. Every call is durable when it returns, and throws when the disk does not take it. */
export interface LeaseBook {
  /** Writes a lease, or what has become of it. @param body The authority's own notes: JSON, no secrets. */
  put(authority: AuthorityId, grantId: GrantId, body: string, notAfter: Instant, endedAt?: Instant): void;
  /** Those that have not ended, or ended after `since`. */
  load(authority: AuthorityId, since: Instant): LeaseRow[];
  /** Leases that ended before `before` are history: the record has them. */
  prune(before: Instant): void;
  intend(requestId: RequestId, body: string): void;
  /** Its outcome is not known and nobody waits for it any more: should it turn up, it is taken back. */
  abandon(requestId: RequestId): void;
  /** The authority has answered with a definite no: nothing will come of it. */
  drop(requestId: RequestId): void;
  intent(requestId: RequestId): IntentRow | undefined;
}

export interface LeaseRow {
  grantId: GrantId;
  /** The authority's own notes: JSON, no secrets. */
  body: string;
  endedAt: Instant | undefined;
  /** The instant at which it falls due by the boot clock of this boot, as a wall instant of now; undefined after a reboot. */
  bootDue: Instant | undefined;
}

export interface IntentRow {
  requestId: RequestId;
  abandoned: boolean;
  body: string;
}

/** Copies of events that another process wrote. */
export interface MirrorBook {
  mirror(events: readonly AuditEvent[]): void;
  /** The last sequence number that is kept of a source; 0 for none. */
  last(source: string): number;
  /** Forgets a mirror that belongs to somebody else. `owner` names whose record it is, and who looks. */
  mirrorFor(source: string, owner: string): void;
}
