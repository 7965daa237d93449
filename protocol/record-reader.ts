import type { AuditEvent, AuditFilter } from './audit.ts';
import type { Instant } from './clock.ts';
import { Fault } from './fault.ts';
import { CHAIN_ROWS, CHAINS_AT_ONCE, type Params, type Result } from './messages.ts';

/**
 * Reads a record of any length in little memory: the chains are merged by time as their pages come, and only those that have
 * begun are open.
 */

type ReadMethod = 'audit.chains' | 'audit.read' | 'audit.signed' | 'audit.subtrees';
export type AskRecord = <M extends ReadMethod>(method: M, params: Params<M>) => Promise<Result<M>>;

/** Some events, and how far the reading is: places in the chains, those of hidden events and of other people's included. */
export interface RecordPart {
  events: AuditEvent[];
  read: number;
  total: number;
}

/** A chain that is being merged. */
interface Chain {
  source: string;
  /** When its first event was written. */
  at: Instant;
  to: number;
  /** Read up to here. */
  after: number;
  page: AuditEvent[];
  /** Of the page's events, those that have been given. */
  given: number;
}

/** Fewer lines than this are not worth a question. */
const FEWEST_ROWS = 20;

/**
 * Events that match, oldest first, each chain in its own order. The record is given as it stands at the beginning: what is
 * recorded meanwhile belongs to the next reading.
 * @throws Fault `protocol-violation` when an answer leads nowhere; and what `ask` throws.
 */
export async function* recordInOrder(ask: AskRecord, filter: AuditFilter): AsyncGenerator<RecordPart> {
  const waiting = await chainsOf(ask);
  const total = waiting.reduce((sum, { after, to }) => sum + to - after, 0);
  let read = 0;
  let open: Chain[] = [];
  /** Asks for more of the chains that are empty; into what room is left come those that begin next. */
  const refill = async () => {
    const empty = open.filter((chain) => chain.given === chain.page.length);
    const asked = [...empty, ...waiting.slice(-CHAINS_AT_ONCE).reverse()].slice(0, CHAINS_AT_ONCE);
    // Each of these holds a page of its own.
    const unread = open.filter(({ after, to }) => after < to).length;
    const limit = Math.max(FEWEST_ROWS, Math.floor(CHAIN_ROWS / Math.max(1, unread)));
    const answer = await ask('audit.read', { filter, chains: asked.map(({ source, after, to }) => ({ source, after, to })), limit });
    const pages = Map.groupBy(answer.events, ({ source }) => source);
    const before = read;
    for (const { source, seq } of answer.reached) {
      const chain = asked.find((one) => one.source === source);
      if (!chain || seq < chain.after) throw new Fault('protocol-violation', 'The daemon answered for another part of the record');
      read += seq - chain.after;
      Object.assign(chain, { after: seq, page: pages.get(source) ?? [], given: 0 });
      if (waiting.at(-1) === chain) open.push(...waiting.splice(-1));
    }
    if (read === before) throw new Fault('protocol-violation', 'The daemon gives no more of the record than it gave');
  };
  for (;;) {
    open = open.filter((chain) => chain.given < chain.page.length || chain.after < chain.to);
    const oldest = first(open);
    if (!oldest && waiting.length === 0) return;
    const begins = waiting.at(-1);
    if (!oldest || open.some((chain) => chain.given === chain.page.length) || (begins && begins.at <= headOf(oldest))) {
      await refill();
      continue;
    }
    yield { events: merged(open, begins?.at ?? Number.POSITIVE_INFINITY), read, total };
  }
}

/** In the order in which they begin, the first at the end. */
async function chainsOf(ask: AskRecord): Promise<Chain[]> {
  const chains: Chain[] = [];
  for (let after: string | undefined; ; ) {
    const page = await ask('audit.chains', after === undefined ? {} : { after });
    for (const { source, first, last, at } of page.chains) chains.push({ source, at, to: last, after: first - 1, page: [], given: 0 });
    if (page.next === undefined || page.next === after) break;
    after = page.next;
  }
  return chains.sort((a, b) => b.at - a.at || (a.source < b.source ? 1 : -1));
}

/** Takes the oldest of all heads, until a page is empty or a chain begins that is not open yet. */
function merged(open: readonly Chain[], until: Instant): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (;;) {
    const oldest = first(open);
    const event = oldest?.page[oldest.given];
    if (!oldest || !event || event.at >= until) return events;
    events.push(event);
    oldest.given += 1;
    if (oldest.given === oldest.page.length) return events;
  }
}

const first = (open: readonly Chain[]): Chain | undefined =>
  open.reduce<Chain | undefined>((oldest, chain) => (!oldest || headOf(chain) < headOf(oldest) ? chain : oldest), undefined);

const headOf = ({ page, given }: Chain): Instant => page[given]?.at ?? Number.POSITIVE_INFINITY;
