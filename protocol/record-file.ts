import * as v from 'valibot';
import { AuditEvent, firstBroken } from './audit.ts';

/**
 * Exported records: JSON lines, which `audit verify` proves, and CSV for spreadsheets. The editor and the command line
 * write the same bytes.
 */

/** Events that the writer of a file left out: hidden from the person, or outside the filter. Both ends included. */
export const Omission = v.pipe(
  v.strictObject({ source: v.string(), from: v.pipe(v.number(), v.integer()), to: v.pipe(v.number(), v.integer()) }),
  v.check(({ from, to }) => from <= to, 'An omission ends before it begins'),
);
export type Omission = v.InferOutput<typeof Omission>;

/** One line of an exported file. A gap is declared in place, so that an event taken out later shows. */
export const RecordLine = v.union([AuditEvent, v.strictObject({ omitted: Omission })]);
export type RecordLine = v.InferOutput<typeof RecordLine>;

/**
 * Reads one line. The object is given as it stands in the file: a member that nobody knows belongs to its hash too.
 * Undefined when it is no line of a record.
 */
export function readRecordLine(text: string): RecordLine | undefined {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined;
  }
  return v.is(RecordLine, line) ? (line as RecordLine) : undefined;
}

/**
 * Oldest first, each source in the order of its own chain, without doubles.
 * @param mayOmit Sources whose gaps are declared as left out: all of them under a filter, only `central` (which hides
 * events from people) without. Any other gap stays undeclared, and does not verify.
 */
export function recordLines(events: Iterable<AuditEvent>, mayOmit: (source: string) => boolean): RecordLine[] {
  const chains = [...bySource(events)].map(([source, bySeq]) => {
    const chain = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
    return mayOmit(source) ? withOmissions(chain) : chain.map((event) => ({ at: event.at, line: event }));
  });
  const next = chains.map(() => 0);
  const lines: RecordLine[] = [];
  for (;;) {
    let oldest = -1;
    for (const [index, chain] of chains.entries()) {
      const head = chain[next[index] ?? 0];
      const best = chains[oldest]?.[next[oldest] ?? 0];
      if (head && (!best || head.at < best.at)) oldest = index;
    }
    const line = chains[oldest]?.[next[oldest] ?? 0];
    if (!line) return lines;
    lines.push(line.line);
    next[oldest] = (next[oldest] ?? 0) + 1;
  }
}

export const jsonLines = (lines: readonly RecordLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

export interface ChainReport {
  source: string;
  events: number;
  first: number;
  last: number;
  /** The last event's hash: whoever kept it elsewhere can see that nothing was cut off or written anew. */
  head: string;
  omitted: Omission[];
}

export type RecordReport = { ok: true; chains: ChainReport[] } | { ok: false; source: string; seq: number; why: string };

/** Proves each source's chain, or names the first event that is wrong. Lines in the order of the file. */
export function verifyRecord(lines: Iterable<RecordLine>, sha256: (text: string) => string): RecordReport {
  const chains = new Map<string, { events: AuditEvent[]; omitted: Omission[] }>();
  const chainOf = (source: string) => {
    const chain = chains.get(source) ?? { events: [], omitted: [] };
    chains.set(source, chain);
    return chain;
  };
  for (const line of lines) {
    if ('omitted' in line) chainOf(line.omitted.source).omitted.push(line.omitted);
    else chainOf(line.source).events.push(line);
  }
  for (const [source, { events, omitted }] of chains) {
    for (const run of runs(events, omitted)) {
      const broken = firstBroken(run, sha256);
      if (broken) return { ok: false, source, ...broken };
    }
  }
  return { ok: true, chains: [...chains].flatMap(([source, chain]) => report(source, chain.events, chain.omitted)) };
}

const COLUMNS = [
  'at',
  'source',
  'seq',
  'kind',
  'text',
  'person',
  'role',
  'balancer',
  'resource',
  'resourceId',
  'reason',
  'ticket',
  'requestId',
  'grantId',
  'decision',
  'policyVersion',
  'approvedBy',
  'lateByMs',
  'hash',
] as const;

/** RFC 4180 with a heading; instants in ISO 8601, UTC. Cells that a spreadsheet would run as a formula begin with `'`. */
export function recordCsv(events: Iterable<AuditEvent>, iso: (at: number) => string): string {
  const rows = [[...COLUMNS] as string[]];
  for (const event of events) rows.push(cells(event, iso));
  return rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

export function csvCell(text: string): string {
  const guarded = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

function cells(event: AuditEvent, iso: (at: number) => string): string[] {
  const byColumn: Record<(typeof COLUMNS)[number], string | number | undefined> = {
    at: iso(event.at),
    source: event.source,
    seq: event.seq,
    kind: event.kind,
    text: event.text,
    person: event.person?.name,
    role: event.role?.id,
    balancer: event.resource?.balancerName,
    resource: event.resource?.name,
    resourceId: event.resource?.id,
    reason: event.reason,
    ticket: event.ticket,
    requestId: event.requestId,
    grantId: event.grantId,
    decision: event.decision?.because,
    policyVersion: event.decision?.policyVersion,
    approvedBy: event.approvedBy?.map(({ name }) => name).join('; '),
    lateByMs: event.lateBy,
    hash: event.hash,
  };
  return COLUMNS.map((column) => String(byColumn[column] ?? ''));
}

function bySource(events: Iterable<AuditEvent>): Map<string, Map<number, AuditEvent>> {
  const sources = new Map<string, Map<number, AuditEvent>>();
  for (const event of events) {
    const chain = sources.get(event.source) ?? new Map<number, AuditEvent>();
    chain.set(event.seq, event);
    sources.set(event.source, chain);
  }
  return sources;
}

function withOmissions(chain: AuditEvent[]): { at: number; line: RecordLine }[] {
  return chain.flatMap((event, index) => {
    const before = chain[index - 1];
    const line = { at: event.at, line: event };
    if (!before || event.seq === before.seq + 1) return [line];
    return [{ at: event.at, line: { omitted: { source: event.source, from: before.seq + 1, to: event.seq - 1 } } }, line];
  });
}

/** Cuts a chain where exactly the missing events are declared; any other gap stays inside a run and breaks it. */
function runs(events: AuditEvent[], omitted: Omission[]): AuditEvent[][] {
  const declared = new Set(omitted.map(({ from, to }) => `${from}-${to}`));
  const all: AuditEvent[][] = [];
  for (const event of events) {
    const run = all.at(-1);
    const before = run?.at(-1);
    if (run && before && !declared.has(`${before.seq + 1}-${event.seq - 1}`)) run.push(event);
    else all.push([event]);
  }
  return all;
}

function report(source: string, events: AuditEvent[], omitted: Omission[]): ChainReport[] {
  const first = events[0];
  const last = events.at(-1);
  return first && last ? [{ source, events: events.length, first: first.seq, last: last.seq, head: last.hash, omitted }] : [];
}
