import { ocsfLines } from '../../../protocol/ocsf.ts';
import { type ExportFormat, isEvent, jsonLines, mayOmit, recordCsv, recordLines } from '../../../protocol/record-file.ts';
import { line } from '../blocks.ts';
import { done, type Outcome, UsageError } from '../outcome.ts';
import { everyEvent, type FilterOptions, filterOf } from '../record.ts';
import type { Session } from '../session.ts';

interface Options extends FilterOptions {
  format: ExportFormat;
  out?: string | undefined;
}

export async function exportRecord(session: Session, options: Options): Promise<Outcome> {
  const filter = await filterOf(session, options);
  const lines = recordLines(await everyEvent(session, filter), mayOmit(filter));
  const events = lines.filter(isEvent);
  const write: Record<ExportFormat, () => string> = {
    jsonl: () => jsonLines(lines),
    csv: () => recordCsv(events),
    ocsf: () => ocsfLines(events, session.line.version),
  };
  const raw = write[options.format]();
  if (options.out === undefined) {
    const omitted = lines.flatMap((item) => ('omitted' in item ? [item.omitted] : []));
    return { ...done({ events, omitted }, []), raw };
  }
  const file = options.out;
  await session.line.writeFile(file, raw).catch((cause: Error & { code?: string }) => {
    throw new UsageError(cause.code === 'EEXIST' ? `${file} exists already` : `${file} cannot be written: ${cause.message}`);
  });
  return done({ file, format: options.format, events: events.length }, [
    line(`Wrote ${events.length} ${events.length === 1 ? 'event' : 'events'} to ${file}.`),
  ]);
}
