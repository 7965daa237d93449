import { type AuditFilter, canonicalJson } from '../../protocol/audit.ts';
import type { PanelResult } from '../../protocol/panel.ts';
import { csvHead, csvRecord } from './csv.ts';
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
  progress(written: number, total: number): void;
  readonly cancelled: boolean;
}

/** Asks for format and place; undefined when the person changed their mind. */
export type SaveFile = () => Promise<ExportFile | undefined>;

/** Writes all events that match, oldest first. A file is whole or not there. */
export async function exportEvents(ask: AskDaemon, filter: AuditFilter, saveFile: SaveFile): Promise<PanelResult<'export'>> {
  const file = await saveFile();
  if (!file) return {};
  const record = file.format === 'csv' ? csvRecord : (event: unknown) => `${canonicalJson(event)}\n`;
  let written = 0;
  try {
    if (file.format === 'csv') await file.append(csvHead());
    for await (const { events, total } of oldestFirst(ask, filter)) {
      if (file.cancelled) break;
      await file.append(events.map(record).join(''));
      written += events.length;
      file.progress(written, total);
    }
    if (file.cancelled) {
      await file.discard();
      return {};
    }
    await file.done();
    return { saved: { file: file.name, events: written } };
  } catch (error) {
    await file.discard();
    throw error;
  }
}
