import type { AuditEvent, AuditFilter } from '../../protocol/audit.ts';
import { Fault } from '../../protocol/fault.ts';
import { type Method, type Params, QUERY_ROWS, type Result } from '../../protocol/messages.ts';

/** The methods of the daemon that the panel uses. */
export type AuditMethod = Extract<Method, `audit.${string}`>;

/** Asks the daemon. Rejects when it cannot be reached. */
export type AskDaemon = <M extends AuditMethod>(method: M, params: Params<M>) => Promise<Result<M>>;

const keyOf = ({ source, seq }: AuditEvent): string => `${source}:${seq}`;

/**
 * All events that match, oldest first, page by page. Events that are recorded meanwhile come too, each exactly once:
 * the daemon counts from the newest, so every answer says anew where its events are.
 * @throws Fault `protocol-violation` when an answer is incomplete or the record shrinks; and what `ask` throws.
 */
export async function* oldestFirst(ask: AskDaemon, filter: AuditFilter): AsyncGenerator<{ events: AuditEvent[]; total: number }> {
  const seen = new Set<string>();
  let { total } = await ask('audit.query', { filter, offset: 0, limit: 1 });
  /** All before it has been given. */
  let place = 0;
  /** So far below it a page begins, where the record grows between question and answer. */
  let slack = 0;
  /** Fewer where events are so large that an answer is cut: it then lacks the oldest, which are wanted first. */
  let rows = QUERY_ROWS;
  while (place < total) {
    const start = Math.max(0, place - slack);
    const end = Math.min(start + rows, total);
    const offset = total - end;
    const page = await ask('audit.query', { filter, offset, limit: end - start });
    if (page.cut && rows > 1) {
      rows = Math.max(1, Math.floor(Math.min(rows, page.events.length) / 2));
      slack = Math.min(slack, Math.floor(rows / 2));
      total = page.total;
      continue;
    }
    // An incomplete answer must not pass for a complete record.
    if (page.events.length < Math.min(end - start, page.total - offset))
      throw new Fault('protocol-violation', 'The daemon gave fewer events than it counts');
    const first = page.total - offset - page.events.length;
    const next = first + page.events.length;
    total = page.total;
    if (first > place) {
      slack = Math.min(Math.floor(rows / 2), 2 * (first - place));
      continue;
    }
    if (next <= place) throw new Fault('protocol-violation', 'The record became smaller while it was read');
    const events = page.events.toReversed().filter((event) => !seen.has(keyOf(event)));
    for (const event of events) seen.add(keyOf(event));
    place = next;
    yield { events, total };
  }
}
