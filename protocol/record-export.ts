import type { AuditFilter } from './audit.ts';
import { ocsfLines } from './ocsf.ts';
import { csvHead, csvRecords, isEvent, jsonLines, mayOmit, type RecordLine, withOmissions } from './record-file.ts';
import { provenLines, type RecordLines } from './record-proofs.ts';
import { type AskRecord, recordInOrder } from './record-reader.ts';

/** Writes a record out, piece by piece as it is read: the editor and the command line write the same bytes. */

/** JSON lines as they are recorded; CSV; events of the Open Cybersecurity Schema Framework, one in each line. */
export const EXPORT_FORMATS = ['jsonl', 'csv', 'ocsf'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface RecordFormat {
  head: string;
  /** Whether what is signed belongs to it. */
  proves: boolean;
  text(lines: readonly RecordLine[]): string;
}

/** @param version Of the Portcullis that writes: OCSF names the product. */
export const formatOf = (format: ExportFormat, version: string): RecordFormat =>
  ({
    jsonl: { head: '', proves: true, text: jsonLines },
    csv: { head: csvHead(), proves: false, text: (lines: readonly RecordLine[]) => csvRecords(lines.filter(isEvent)) },
    ocsf: { head: '', proves: false, text: (lines: readonly RecordLine[]) => ocsfLines(lines.filter(isEvent), version) },
  })[format];

export interface RecordExport {
  ask: AskRecord;
  filter: AuditFilter;
  format: RecordFormat;
  /** Resolves when it has taken the text, and not before it can take more. */
  append(text: string): Promise<void>;
  /** How far the reading is, from 0 to 1. */
  progress(part: number): void;
  /** Asked between two pieces. */
  cancelled(): boolean;
}

/**
 * All events that match, oldest first, with what is left out declared in place.
 * @returns how many; undefined when it was cancelled on the way.
 */
export async function writeRecord({ ask, filter, format, append, progress, cancelled }: RecordExport): Promise<number | undefined> {
  let events = 0;
  if (format.head !== '') await append(format.head);
  for await (const piece of recordLines(ask, filter, format.proves)) {
    if (cancelled()) return undefined;
    events += piece.lines.filter(isEvent).length;
    if (piece.lines.length > 0) await append(format.text(piece.lines));
    progress(piece.part);
  }
  return cancelled() ? undefined : events;
}

/**
 * The lines of a file, as the record is read.
 * @param proves With what central has signed, and the hashes of what is left out.
 */
export async function* recordLines(
  ask: AskRecord,
  filter: AuditFilter,
  proves: boolean,
): AsyncGenerator<{ lines: RecordLine[]; part: number }> {
  // Before the record is read: nothing is signed then that would not be in it.
  const lines = proves ? await provenLines(ask, mayOmit(filter)) : plainLines(mayOmit(filter));
  yield { lines: lines.head, part: 0 };
  for await (const { events, read, total } of recordInOrder(ask, filter)) yield { lines: await lines.take(events), part: read / total };
  yield { lines: await lines.end(), part: 1 };
}

function plainLines(mayOmit: (source: string) => boolean): RecordLines {
  const declared = withOmissions(mayOmit);
  return { head: [], take: async (events) => declared(events), end: async () => [] };
}
