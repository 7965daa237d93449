import type { AuditEvent, AuditFilter } from '../../protocol/audit.ts';
import type { PanelResult } from '../../protocol/panel.ts';
import { csvHead, csvRecords, isEvent, jsonLines, mayOmit, recordLines } from '../../protocol/record-file.ts';
import { type AskDaemon, oldestFirst } from './record.ts';

export type ExportFormat = 'jsonl' | 'csv';

/** A file being written. Until `done` there is nothing under its name. */
export interface ExportFile {
  name: string;
  format: ExportFormat;
  append(text: string): Promise<void>;
  done(): Promise<void>;
  discard(): Promise<void>;
  /** Shown to the person while it takes. */
  progress(read: number, total: number): void;
  readonly cancelled: boolean;
}

/** Asks for format and place; undefined when the person changed their mind. */
export type SaveFile = () => Promise<ExportFile | undefined>;

/** Lines written at once: the editor must not stand still meanwhile. */
const BATCH = 1_000;

/**
 * Writes all events that match, oldest first, as the command line does: it verifies, and says in place what is left out.
 * A file is whole or not there.
 */
export async function exportEvents(ask: AskDaemon, filter: AuditFilter, saveFile: SaveFile): Promise<PanelResult<'export'>> {
  const file = await saveFile();
  if (!file) return {};
  try {
    const events: AuditEvent[] = [];
    for await (const page of oldestFirst(ask, filter)) {
      if (file.cancelled) break;
      for (const event of page.events) events.push(event);
      file.progress(events.length, page.total);
    }
    const lines = recordLines(events, mayOmit(filter));
    if (file.format === 'csv') await file.append(csvHead());
    for (let at = 0; at < lines.length && !file.cancelled; at += BATCH) {
      const batch = lines.slice(at, at + BATCH);
      await file.append(file.format === 'csv' ? csvRecords(batch.filter(isEvent)) : jsonLines(batch));
    }
    if (file.cancelled) {
      await file.discard();
      return {};
    }
    await file.done();
    return { saved: { file: file.name, events: events.length } };
  } catch (error) {
    await file.discard();
    throw error;
  }
}
