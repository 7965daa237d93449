import { checkpointsIn } from '../../../protocol/checkpoint.ts';
import { type RecordCrypto, readNoteKey } from '../../../protocol/note.ts';
import type { ChainReport } from '../../../protocol/record-chain.ts';
import { recordLines } from '../../../protocol/record-export.ts';
import { readRecordLine } from '../../../protocol/record-file.ts';
import type { AskRecord } from '../../../protocol/record-reader.ts';
import { type RecordReport, RecordVerifier, type Trust } from '../../../protocol/record-verifier.ts';
import { type Block, line, table } from '../blocks.ts';
import type { CommandLine } from '../command-line.ts';
import { done, EXIT, type Outcome, problem, UsageError } from '../outcome.ts';
import type { Session } from '../session.ts';

export interface VerifyOptions {
  /** A file with a checkpoint that was kept elsewhere. */
  checkpoint?: string | undefined;
  /** A file with central's public key. */
  key?: string | undefined;
}

export async function verifyHere(session: Session, options: VerifyOptions): Promise<Outcome> {
  const verifier = new RecordVerifier(session.line.crypto, await trustOf(session.line, options));
  const ask: AskRecord = (method, params) => session.ask(method, params);
  for await (const { lines } of recordLines(ask, {}, true)) if (!lines.every((each) => verifier.add(each))) break;
  return reported(verifier.end(), 'The record here');
}

export async function verifyFile(commandLine: CommandLine, file: string, options: VerifyOptions): Promise<Outcome> {
  const verifier = new RecordVerifier(commandLine.crypto, await trustOf(commandLine, options));
  let row = 0;
  try {
    for await (const text of commandLine.readLines(file)) {
      row += 1;
      if (text === '') continue;
      const read = readRecordLine(text);
      if (!read) return brokenAt(file, { line: row, why: 'it is no line of a record' });
      if (!verifier.add(read)) break;
    }
  } catch (cause) {
    throw unreadable(file, cause);
  }
  return reported(verifier.end(), file);
}

async function trustOf({ crypto, readFile }: CommandLine, { checkpoint, key }: VerifyOptions): Promise<Trust> {
  const read = (file: string) => readFile(file).catch((cause: unknown) => Promise.reject(unreadable(file, cause)));
  return {
    ...(key === undefined ? {} : { key: keyIn(key, await read(key), crypto) }),
    ...(checkpoint === undefined ? {} : { checkpoints: keptIn(checkpoint, await read(checkpoint)) }),
  };
}

function keyIn(file: string, text: string, { sha256 }: RecordCrypto) {
  const key = readNoteKey(text, sha256);
  if (key) return key;
  throw new UsageError(`${file} holds no key of a record`, { wayOut: 'It is one line, "name+hash+key", as central publishes it.' });
}

/** One checkpoint, or many after each other as an anchor keeps them. */
function keptIn(file: string, text: string): string[] {
  const notes = checkpointsIn(text);
  if (notes.length > 0) return notes;
  throw new UsageError(`${file} holds no checkpoint`, { wayOut: 'It is a signed note, as central gives it and anchors keep it.' });
}

const unreadable = (file: string, cause: unknown): UsageError =>
  new UsageError(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);

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
    ...signedBy(report),
  ];
  // Under a signed root nothing about what was left out can be a lie.
  if (report.chains.some(({ omitted, signed }) => omitted.some(({ to }) => to > signed))) {
    const text = 'Some were left out: hidden from the person who wrote it, or outside the filter. Nothing is proven of those.';
    screen.push(line({ text, tone: 'warn' }));
  }
  return done({ ok: true, chains: report.chains, ...(report.key === undefined ? {} : { key: report.key }) }, screen);
}

function signedBy({ key, keyFrom, chains }: Extract<RecordReport, { ok: true }>): Block[] {
  if (key === undefined) {
    const text = 'Central has signed none of it: its order is proven, but not that it is whole and was not written anew.';
    return [line({ text, tone: 'warn' })];
  }
  const given = keyFrom === 'given' ? [] : [line('Compare this key with what central publishes, or give it with --key.')];
  const unsigned = chains.reduce((sum, { last, signed }) => sum + Math.max(0, last - signed), 0);
  const open =
    unsigned === 0
      ? []
      : [line({ text: `${unsigned} ${unsigned === 1 ? 'event is' : 'events are'} newer than the last signature.`, tone: 'warn' })];
  return [line(`Signed with ${key}`), ...given, ...open];
}

function chainTable(chains: readonly ChainReport[]): Block {
  return table(
    ['SOURCE', 'EVENTS', 'FROM', 'TO', 'SIGNED TO', 'LEFT OUT', 'HEAD'],
    chains.map(({ source, events, first, last, signed, omitted, head }) => [
      source,
      String(events),
      String(first),
      String(last),
      String(signed),
      String(omitted.reduce((sum, { from, to }) => sum + to - from + 1, 0)),
      { text: head, tone: 'dim' },
    ]),
  );
}
