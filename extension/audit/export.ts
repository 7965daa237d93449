import type { AuditFilter } from '../../protocol/audit.ts';
import type { PanelResult } from '../../protocol/panel.ts';
import { type ExportFormat, formatOf, writeRecord } from '../../protocol/record-export.ts';
import type { AskRecord } from '../../protocol/record-reader.ts';

/** A file being written. Until `done` there is nothing under its name. */
export interface ExportFile {
  name: string;
  format: ExportFormat;
  append(text: string): Promise<void>;
  done(): Promise<void>;
  discard(): Promise<void>;
  /** Shown to the person while it takes: how far it is, from 0 to 1. */
  progress(part: number): void;
  readonly cancelled: boolean;
}

/** Asks for format and place; undefined when the person changed their mind. */
export type SaveFile = () => Promise<ExportFile | undefined>;

/**
 * Writes all events that match, oldest first, as the command line does: it verifies, and says in place what is left out.
 * A file is whole or not there.
 * @param version Of this extension.
 */
export async function exportEvents(
  ask: AskRecord,
  filter: AuditFilter,
  saveFile: SaveFile,
  version: string,
): Promise<PanelResult<'export'>> {
  const file = await saveFile();
  if (!file) return {};
  try {
    const events = await writeRecord({
      ask,
      filter,
      format: formatOf(file.format, version),
      append: (text) => file.append(text),
      progress: (part) => file.progress(part),
      cancelled: () => file.cancelled,
    });
    if (events === undefined) {
      await file.discard();
      return {};
    }
    await file.done();
    return { saved: { file: file.name, events } };
  } catch (error) {
    await file.discard();
    throw error;
  }
}
