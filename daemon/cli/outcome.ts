import { Fault } from '../../protocol/fault.ts';
import { RPC_ERROR } from '../../protocol/messages.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import { type Block, line } from './blocks.ts';

export const EXIT = {
  done: 0,
  bug: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  unproven: 5,
  /** Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;

/** What a verb came to: one JSON document, or the same for people. Only the runner prints; what is longer than memory pours out before. */
export interface Outcome {
  /** Of `EXIT`, or what another program gave. */
  status: number;
  json: unknown;
  screen: Block[];
  /** A problem goes to standard error on a screen. */
  problem?: boolean | undefined;
}

export const done = (json: unknown, screen: Block[]): Outcome => ({ status: EXIT.done, json, screen });

export interface Problem {
  code: string;
  message: string;
  wayOut?: string | undefined;
  field?: string | undefined;
  candidates?: readonly { id: string; name: string }[] | undefined;
}

export function problem(status: number, error: Problem): Outcome {
  const candidates = (error.candidates ?? []).map(({ id, name }) => line('  ', name, { text: id, tone: 'dim' }));
  const wayOut = error.wayOut ? [line(error.wayOut)] : [];
  return { status, json: { error }, screen: [line({ text: error.message, tone: 'bad' }), ...candidates, ...wayOut], problem: true };
}

/** The command was not understood, or names what is not there. */
export class UsageError extends Error {
  readonly wayOut: string | undefined;
  readonly candidates: readonly { id: string; name: string }[] | undefined;

  constructor(message: string, more: { wayOut?: string; candidates?: readonly { id: string; name: string }[] } = {}) {
    super(message);
    this.name = 'UsageError';
    this.wayOut = more.wayOut;
    this.candidates = more.candidates;
  }
}

const OTHER_THAN_REFUSED: Partial<Record<Refusal['code'], number>> = { 'bad-input': EXIT.usage, unreachable: EXIT.unreachable };

export const refused = (refusal: Refusal): Outcome => problem(OTHER_THAN_REFUSED[refusal.code] ?? EXIT.refused, refusal);

/** A refusal on its way up to the runner, from where there is no value to go on with. */
export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = 'Refused';
    this.refusal = refusal;
  }
}

/** Whatever was thrown, as an outcome. What nobody expected is a bug, and says so. */
export function thrown(error: unknown): Outcome {
  if (error instanceof UsageError) {
    return problem(EXIT.usage, { code: 'usage', message: error.message, wayOut: error.wayOut, candidates: error.candidates });
  }
  if (error instanceof Refused) return refused(error.refusal);
  if (error instanceof Fault) return problem(faultStatus(error), { code: error.code, message: error.message, wayOut: error.wayOut });
  const message = error instanceof Error ? error.message : String(error);
  return problem(EXIT.bug, { code: 'bug', message: `Portcullis has a bug: ${message}`, wayOut: 'Please report it with what you typed.' });
}

/** A fault means that something could not be reached, unless the daemon itself says that it is a bug or bad input. */
function faultStatus(fault: Fault): number {
  if (fault.code !== 'protocol-violation' || fault.detail === undefined) return EXIT.unreachable;
  if (fault.detail === String(RPC_ERROR.badParams)) return EXIT.usage;
  return fault.detail === String(RPC_ERROR.fault) ? EXIT.unreachable : EXIT.bug;
}
