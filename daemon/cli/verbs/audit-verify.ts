import {
  type ChainReport,
  mayOmit,
  type RecordLine,
  type RecordReport,
  readRecordLine,
  recordLines,
  verifyRecord,
} from '../../../protocol/record-file.ts';
import { type Block, line, table } from '../blocks.ts';
import type { CommandLine } from '../command-line.ts';
import { done, EXIT, type Outcome, problem, UsageError } from '../outcome.ts';
import { everyEvent } from '../record.ts';
import type { Session } from '../session.ts';

export async function verifyHere(session: Session): Promise<Outcome> {
  return reported(verifyRecord(recordLines(await everyEvent(session, {}), mayOmit({})), session.line.sha256), 'The record here');
}

export async function verifyFile(commandLine: CommandLine, file: string): Promise<Outcome> {
  const text = await commandLine.readFile(file).catch((cause: unknown) => {
    throw new UsageError(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  });
  const lines: RecordLine[] = [];
  for (const [index, row] of text.split('\n').entries()) {
    if (row.trim() === '') continue;
    const read = readRecordLine(row);
    if (!read) return brokenAt(file, { line: index + 1, why: 'it is no event of a record' });
    lines.push(read);
  }
  return reported(verifyRecord(lines, commandLine.sha256), file);
}

type FirstWrong = { line: number; why: string } | { source: string; seq: number; why: string };

function brokenAt(what: string, firstWrong: FirstWrong): Outcome {
  const where = 'line' in firstWrong ? `line ${firstWrong.line}` : `event ${firstWrong.seq} of ${firstWrong.source}`;
  const broken = problem(EXIT.unproven, { code: 'record-broken', message: `${what} does not verify at ${where}: ${firstWrong.why}` });
  return { ...broken, json: { ok: false, firstWrong, ...(broken.json as object) } };
}

function reported(report: RecordReport, what: string): Outcome {
  if (!report.ok) return brokenAt(what, { source: report.source, seq: report.seq, why: report.why });
  const count = report.chains.reduce((sum, { events }) => sum + events, 0);
  if (count === 0) return brokenAt(what, { line: 1, why: 'it holds no event, so nothing is proven' });
  const screen: Block[] = [
    line({ text: `${what} verifies: ${count} ${count === 1 ? 'event' : 'events'}.`, tone: 'good' }),
    chainTable(report.chains),
  ];
  if (report.chains.some(({ omitted }) => omitted.length > 0)) {
    screen.push(
      line({
        text: 'Some were left out: hidden from the person who wrote it, or outside the filter. Nothing is proven of those.',
        tone: 'warn',
      }),
    );
  }
  return done({ ok: true, chains: report.chains }, screen);
}

function chainTable(chains: readonly ChainReport[]): Block {
  return table(
    ['SOURCE', 'EVENTS', 'FROM', 'TO', 'LEFT OUT', 'HEAD'],
    chains.map(({ source, events, first, last, omitted, head }) => [
      source,
      String(events),
      String(first),
      String(last),
      String(omitted.reduce((sum, { from, to }) => sum + to - from + 1, 0)),
      { text: head, tone: 'dim' },
    ]),
  );
}
