import * as v from 'valibot';
import { AuditEvent, type AuditFilter, canonicalJson } from './audit.ts';
import type { Instant } from './clock.ts';
import { readJson } from './json.ts';
import type { Person } from './model.ts';

/**
 * Exported records: JSON lines, which `audit verify` proves, and CSV for spreadsheets. The editor and the command line
 * write the same bytes.
 */

/** So many gaps are asked about at once. */
export const MOST_RANGES = 200;

/** Events that the writer of a file left out: hidden from the person, or outside the filter. Both ends included. */
export const Omission = v.pipe(
  v.strictObject({
    source: v.string(),
    from: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    to: v.pipe(v.number(), v.safeInteger()),
    /**
     * Of the source's tree, in hex: the perfect subtrees over exactly these events, from left to right (`subtrees(from - 1, to)`).
     * With them a root is computed over the gap. Absent when nobody could be asked for them.
     */
    hashes: v.optional(v.pipe(v.array(v.string()), v.maxLength(128))),
  }),
  v.check(({ from, to }) => from <= to, 'An omission ends before it begins'),
);
export type Omission = v.InferOutput<typeof Omission>;

const note = v.pipe(v.string(), v.maxLength(20_000));

/**
 * What central has signed, as lines of a file: its key (a claim of the writer's: compare it), checkpoints of its own record,
 * receipts for a daemon's. Each stands before the first event that it does not cover; the key before both.
 */
export const Signed = v.union([
  v.strictObject({ recordKey: v.pipe(v.string(), v.maxLength(400)) }),
  v.strictObject({ checkpoint: note }),
  v.strictObject({ receipt: note }),
]);
export type Signed = v.InferOutput<typeof Signed>;

/** One line of an exported file. A gap is declared in place, so that an event taken out later shows. */
export const RecordLine = v.union([AuditEvent, v.strictObject({ omitted: Omission }), Signed]);
export type RecordLine = v.InferOutput<typeof RecordLine>;

export const isEvent = (line: RecordLine): line is AuditEvent => 'hash' in line;

/** What may be missing from an export: anything outside a filter; without one, only what central hides from the person. */
export const mayOmit =
  (filter: AuditFilter) =>
  (source: string): boolean =>
    source === 'central' || Object.values(filter).some((wanted) => wanted !== undefined && wanted !== '');

/** Reads one line, as it stands in the file. Undefined when it is no line of a record, byte for byte as one is written. */
export function readRecordLine(text: string): RecordLine | undefined {
  const line = readJson(text);
  return v.is(RecordLine, line) && canonicalJson(line) === text ? line : undefined;
}

/**
 * Declares what is missing between two events of a chain, where something may be.
 * @param mayOmit Sources whose gaps are declared as left out. Any other gap stays undeclared, and does not verify.
 * @returns takes the events of all chains, in order, in pieces of any size.
 */
export function withOmissions(mayOmit: (source: string) => boolean): (events: readonly AuditEvent[]) => RecordLine[] {
  const last = new Map<string, number>();
  return (events) =>
    events.flatMap((event): RecordLine[] => {
      const { source, seq } = event;
      const before = last.get(source);
      last.set(source, seq);
      if (before === undefined || seq === before + 1 || !mayOmit(source)) return [event];
      return [{ omitted: { source, from: before + 1, to: seq - 1 } }, event];
    });
}

/** An event's line is the very leaf of its source's tree. */
export const jsonLines = (lines: readonly RecordLine[]): string => lines.map((line) => `${canonicalJson(line)}\n`).join('');

type Cell = string | number | undefined;

const COLUMNS: readonly (readonly [name: string, cell: (event: AuditEvent) => Cell])[] = [
  ['at', ({ at }) => utc(at)],
  ['source', ({ source }) => source],
  ['seq', ({ seq }) => seq],
  ['kind', ({ kind }) => kind],
  ['text', ({ text }) => text],
  ['person', ({ person }) => person && named(person)],
  ['personId', ({ person }) => person?.id],
  ['role', ({ role }) => role?.id],
  ['enforcement', ({ role }) => role?.enforcement],
  ['balancer', ({ resource }) => resource?.balancerName],
  ['resource', ({ resource }) => resource?.name],
  ['resourceId', ({ resource }) => resource?.id],
  ['reason', ({ reason }) => reason],
  ['ticket', ({ ticket }) => ticket],
  ['requestId', ({ requestId }) => requestId],
  ['grantId', ({ grantId }) => grantId],
  ['decision', ({ decision }) => decision?.outcome],
  ['because', ({ decision }) => decision?.because],
  ['rules', ({ decision }) => decision?.rules.join(' ')],
  ['policyVersion', ({ decision }) => decision?.policyVersion],
  ['approvedBy', ({ approvedBy }) => approvedBy?.map(named).join('; ')],
  ['lateByMs', ({ lateBy }) => lateBy],
  ['lateAfter', ({ lateAfter }) => lateAfter],
  ['data', ({ data }) => data && canonicalJson(data)],
  ['atMs', ({ at }) => at],
  ['bootMs', ({ boot }) => boot],
  ['hash', ({ hash }) => hash],
];

/** First line of a CSV file. */
export const csvHead = (): string => csvLine(COLUMNS.map(([name]) => name));

/** One record of RFC 4180 for each event; instants in ISO 8601, UTC. */
export const csvRecords = (events: readonly AuditEvent[]): string =>
  events.map((event) => csvLine(COLUMNS.map(([, cell]) => cell(event)))).join('');

/** The whole file. */
export const recordCsv = (events: readonly AuditEvent[]): string => csvHead() + csvRecords(events);

const csvLine = (cells: readonly Cell[]): string => `${cells.map(csvCell).join(',')}\r\n`;

/** What a spreadsheet would take for a formula, also behind spaces or in full-width form. */
const FORMULA = /^[\s\p{Cc}\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/u;

/** Text is always quoted, and an apostrophe keeps a spreadsheet from running it. Numbers of ours stand as they are. */
function csvCell(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return String(cell);
  const text = cell.toWellFormed();
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

const named = ({ name, email }: Person): string => (email ? `${name} <${email}>` : name);

/** The farthest instant that a calendar knows. */
const FARTHEST: Instant = 8.64e15;
const utc = (at: Instant): string => (Math.abs(at) <= FARTHEST ? new Date(at).toISOString() : '');
