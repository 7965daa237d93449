import { type Cancel, type Millis, SECOND } from '../../../protocol/clock.ts';
import { type ExportFormat, formatOf, type RecordFormat, writeRecord } from '../../../protocol/record-export.ts';
import { isEvent, type Omission } from '../../../protocol/record-file.ts';
import { line } from '../blocks.ts';
import type { CommandLine } from '../command-line.ts';
import { escapedJson } from '../json-document.ts';
import type { NewFile } from '../new-file.ts';
import { done, EXIT, type Outcome, problem, thrown, UsageError } from '../outcome.ts';
import { type FilterOptions, filterOf } from '../record.ts';
import type { Session } from '../session.ts';

interface Options extends FilterOptions {
  format: ExportFormat;
  out?: string | undefined;
}

export async function exportRecord(
  session: Session,
  options: Options,
  command: { optsWithGlobals(): { json?: boolean } },
): Promise<Outcome> {
  const format = formatOf(options.format, session.line.version);
  // From here on, before there is a file: Ctrl-C leaves nothing of it.
  let broken = false;
  const cancel = session.line.onInterrupt(() => {
    broken = true;
  });
  const work: Work = { session, options, cancelled: () => broken };
  try {
    if (options.out !== undefined) return await toFile(work, format, options.out);
    if (command.optsWithGlobals().json) return await asDocument(work);
    const events = await write(work, format, session.line.pour);
    return events === undefined ? interrupted() : done(undefined, []);
  } finally {
    cancel();
  }
}

interface Work {
  session: Session;
  options: Options;
  /** It was broken off. */
  cancelled: () => boolean;
}

async function toFile(work: Work, format: RecordFormat, name: string): Promise<Outcome> {
  const { session, options } = work;
  const failed = (cause: Error & { code?: string }): never => {
    throw new UsageError(cause.code === 'EEXIST' ? `${name} exists already` : `${name} cannot be written: ${cause.message}`);
  };
  const file: NewFile = await session.line.newFile(name).catch(failed);
  let events: number | undefined;
  try {
    events = await write(work, format, (text) => file.append(text).catch(failed));
  } catch (error) {
    await file.discard();
    throw error;
  }
  if (events === undefined) {
    await file.discard();
    return interrupted();
  }
  await file.done().catch(failed);
  return done({ file: name, format: options.format, events }, [line(`Wrote ${events} ${events === 1 ? 'event' : 'events'} to ${name}.`)]);
}

/** One JSON document, which is written while it is read: the events, then what is left out between them. Half of one is none: no other follows it. */
async function asDocument(work: Work): Promise<Outcome> {
  const { pour } = work.session.line;
  const omitted: Omission[] = [];
  let before = '';
  const items: RecordFormat = {
    head: '{\n  "events": [',
    proves: false,
    text: (lines) =>
      lines
        .map((item) => {
          if (!isEvent(item)) {
            if ('omitted' in item) omitted.push(item.omitted);
            return '';
          }
          const text = `${before}\n    ${escapedJson(item)}`;
          before = ',';
          return text;
        })
        .join(''),
  };
  let begun = false;
  const append = (text: string) => {
    begun = true;
    return pour(text);
  };
  try {
    if ((await write(work, items, append)) === undefined) return { ...interrupted(), json: undefined };
  } catch (error) {
    if (!begun) throw error;
    return { ...thrown(error), json: undefined };
  }
  await pour(`\n  ],\n  "omitted": ${escapedJson(omitted)}\n}\n`);
  return done(undefined, []);
}

async function write(
  { session, options, cancelled }: Work,
  format: RecordFormat,
  append: (text: string) => Promise<void>,
): Promise<number | undefined> {
  const filter = await filterOf(session, options);
  const teller = every10s(session.line);
  try {
    return await writeRecord({
      ask: (method, params) => session.ask(method, params),
      filter,
      format,
      append,
      progress: teller.progress,
      cancelled,
    });
  } finally {
    teller.end();
  }
}

/** Says how far it is when it takes long. */
function every10s({ clock, err }: Pick<CommandLine, 'clock' | 'err'>): { progress(part: number): void; end: Cancel } {
  let done = 0;
  let cancel: Cancel = () => {};
  const wait = (millis: Millis) => {
    cancel = clock.after(millis, () => {
      err(`Reading the record: ${Math.floor(done * 100)} %…\n`);
      wait(10 * SECOND);
    });
  };
  wait(SECOND);
  return {
    progress: (part) => {
      done = part;
    },
    end: () => cancel(),
  };
}

const interrupted = (): Outcome =>
  problem(EXIT.interrupted, { code: 'interrupted', message: 'The export was broken off. Nothing of it is kept.' });
