import type { LeaseBook, LeaseRow, MirrorBook, MirrorJournal } from '../../../daemon/journal/ports.ts';
import type { Instant, Millis } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { GrantId, RequestId } from '../../../protocol/ids.ts';
import type { AuthorityId } from '../../../protocol/model.ts';
import type { Process } from './computer.ts';

interface Kept {
  authority: AuthorityId;
  body: string;
  notAfter: Instant;
  endedAt: Instant | undefined;
  bootId: string;
  bootDue: Millis;
}

/** Where a daemon's leases outlive its processes. It fills up when the simulator wants it to. */
export class DaemonDisk {
  full = false;
  readonly #leases = new Map<GrantId, Kept>();
  readonly #intents = new Map<RequestId, { abandoned: boolean; body: string }>();

  journal(process: Process): MirrorJournal {
    const book = this.#book(process);
    const record: MirrorBook = { mirror() {}, last: () => 0, mirrorFor() {} };
    const must = <T>(act: (leases: LeaseBook, record: MirrorBook) => T): T => {
      // Dead between the thought and the deed.
      if (!process.effect()) throw new Fault('store-failed', 'This process is dead');
      if (this.full) throw new Fault('store-failed', 'The disk is full');
      return act(book, record);
    };
    return {
      must: (act) => must(act),
      may(act) {
        try {
          return must(act);
        } catch {
          return undefined;
        }
      },
    };
  }

  /** What lies on it, for the judge. */
  bodies(authority: AuthorityId): string[] {
    return [...this.#leases.values()].filter((kept) => kept.authority === authority).map(({ body }) => body);
  }

  #book(process: Process): LeaseBook {
    const { bootId } = process.computer;
    const row = (grantId: GrantId, kept: Kept): LeaseRow => ({
      grantId,
      body: kept.body,
      endedAt: kept.endedAt,
      bootDue: kept.bootId === bootId ? process.now() + kept.bootDue - process.boot() : undefined,
    });
    return {
      put: (authority, grantId, body, notAfter, endedAt) => {
        const before = this.#leases.get(grantId);
        const same = before?.bootId === bootId && before.notAfter === notAfter;
        const bootDue = same ? before.bootDue : process.boot() + Math.max(0, notAfter - process.now());
        this.#leases.set(grantId, { authority, body, notAfter, endedAt, bootId, bootDue });
      },
      load: (authority, since) =>
        [...this.#leases].flatMap(([id, kept]) =>
          kept.authority === authority && (kept.endedAt === undefined || kept.endedAt > since) ? [row(id, kept)] : [],
        ),
      prune() {},
      intend: (requestId, body) => void this.#intents.set(requestId, { abandoned: false, body }),
      abandon: (requestId) => {
        const intent = this.#intents.get(requestId);
        if (intent) intent.abandoned = true;
      },
      drop: (requestId) => void this.#intents.delete(requestId),
      intent: (requestId) => {
        const intent = this.#intents.get(requestId);
        return intent && { requestId, ...intent };
      },
    };
  }
}
