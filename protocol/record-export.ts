import type { AuditFilter } from './audit.ts';
import { ocsfLines } from './ocsf.ts';
import { csvHead, csvRecords, isEvent, jsonLines, mayOmit, type RecordLine, withOmissions } from './record-file.ts';
import { type AskRecord, recordInOrder } from './record-reader.ts';

/** Writes a record out, piece by piece as it is read: the editor and the command line write the same bytes. */

/** JSON lines as they are recorded; CSV; events of the Open Cybersecurity Schema Framework, one in each line. */
export const EXPORT_FORMATS = ['jsonl', 'csv', 'ocsf'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface RecordFormat {
  head: string;
  text(lines: readonly RecordLine[]): string;
}

/** @param version Of the Portcullis that writes: OCSF names the product. */
export const formatOf = (format: ExportFormat, version: string): RecordFormat =>
  ({
    jsonl: { head: '', text: jsonLines },
    csv: { head: csvHead(), text: (lines: readonly RecordLine[]) => csvRecords(lines.filter(isEvent)) },
    ocsf: { head: '', text: (lines: readonly RecordLine[]) => ocsfLines(lines.filter(isEvent), version) },
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
  const declared = withOmissions(mayOmit(filter));
  let events = 0;
  if (format.head !== '') await append(format.head);
  for await (const part of recordInOrder(ask, filter)) {
    if (cancelled()) return undefined;
    events += part.events.length;
    await append(format.text(declared(part.events)));
    progress(part.read / part.total);
  }
  return cancelled() ? undefined : events;
}
