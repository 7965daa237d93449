import type { AuditEvent } from '../../protocol/audit.ts';
import { backoff } from '../../protocol/backoff.ts';
import { openReceipt } from '../../protocol/checkpoint.ts';
import { type Clock, SECOND, sleep } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { same } from '../../protocol/merkle-proof.ts';
import type { NoteKey } from '../../protocol/note.ts';
import type { CentralHttp } from '../central/http.ts';
import type { Journal } from '../journal/journal.ts';
import { type Log, ofError } from '../log.ts';
import { recordCrypto } from './crypto.ts';

export interface DepositParts {
  http: CentralHttp;
  journal: Journal;
  clock: Clock;
  random: () => number;
  log: Log;
  /** Central's key for its record, asked for when it is not known yet. */
  key(signal: AbortSignal): Promise<NoteKey>;
}

/** Without a receipt within this time nothing new is asked for. */
const RECEIPT_WITHIN = 5 * SECOND;

interface Waiting {
  source: string;
  seq: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** Sends what daemons on this machine recorded to central, in order and until it has signed for it. Nothing that ends power waits for it. */
export class Deposits {
  readonly #parts: DepositParts;
  readonly #stopped = new AbortController();
  /** Chains that central refuses: a fork, or another person's. They stay as they are, for whoever looks into it. */
  readonly #refused = new Map<string, string>();
  #waiting: Waiting[] = [];
  #pause: AbortController | undefined;
  #sending = false;
  #more = false;
  #failure: unknown;

  constructor(parts: DepositParts) {
    this.#parts = parts;
  }

  /** There is something new to send, or somebody new to send it to. */
  wake(): void {
    this.#more = true;
    this.#pause?.abort();
    if (this.#sending || this.#stopped.signal.aborted) return;
    this.#sending = true;
    void this.#send().finally(() => {
      this.#sending = false;
      // Something may have come while the last look was ending.
      if (this.#more) this.wake();
    });
  }

  /** Somebody else has signed in: what was refused to the last one is tried again. */
  again(): void {
    this.#refused.clear();
    this.wake();
  }

  /** @throws Fault when central has not signed for this event of ours within five seconds. */
  async receipted({ source, seq }: Pick<AuditEvent, 'source' | 'seq'>, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const late = new AbortController();
    const signed = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ source, seq, resolve, reject });
    });
    this.#failure = undefined;
    this.wake();
    const limit = sleep(clock, RECEIPT_WITHIN, AbortSignal.any([late.signal, signal])).then(() => {
      throw this.#unsigned(source);
    });
    try {
      await Promise.race([signed, limit]);
    } finally {
      late.abort();
      limit.catch(() => {});
      this.#waiting = this.#waiting.filter((waiting) => waiting.source !== source || waiting.seq !== seq);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  #unsigned(source: string): Fault {
    const cause = this.#failure;
    const refused = this.#refused.get(source);
    return new Fault(
      'central-unreachable',
      `Central has not signed for this within ${RECEIPT_WITHIN / SECOND} s, so nothing was asked for`,
      {
        cause,
        wayOut:
          refused ??
          (cause instanceof Fault ? cause.wayOut : undefined) ??
          'Try again when central can be reached. Ending access still works.',
      },
    );
  }

  async #send(): Promise<void> {
    const { journal, clock, random, log } = this.#parts;
    const { signal } = this.#stopped;
    for (let failures = 0; !signal.aborted; ) {
      this.#more = false;
      const open = journal.may((_, record) => record.outbox.open()) ?? [];
      const sendable = open.filter((source) => !this.#refused.has(source));
      // Where somebody waits comes first.
      const source = sendable.find((each) => this.#waiting.some((waiting) => waiting.source === each)) ?? sendable[0];
      if (source === undefined) return;
      try {
        await this.#sendOne(source, signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#failure = error;
        failures += 1;
        // That does not mend itself while somebody waits.
        if (error instanceof Fault && error.code === 'sign-in-failed') for (const waiting of this.#waiting) waiting.reject(error);
        if (failures === 1) log.warn('central has not signed for the record yet', ofError(error));
        this.#pause = new AbortController();
        await sleep(clock, backoff(failures, random()), AbortSignal.any([signal, this.#pause.signal])).catch(() => {});
        this.#pause = undefined;
      }
    }
  }

  async #sendOne(source: string, signal: AbortSignal): Promise<void> {
    const { http, journal, key } = this.#parts;
    const pinned = await key(signal);
    let rewound = false;
    for (let after = journal.must((_, record) => record.outbox.signed(source)); ; ) {
      const events = journal.must((_, record) => record.outbox.batch(source, after));
      if (events.length === 0) return;
      const answer = await http.call('deposit', { body: { events } }, signal);
      if (!answer.ok) {
        const { code, message, wayOut } = answer.refusal;
        if (code === 'forked' || code === 'not-yours' || code === 'bad-input') return this.#refuse(source, code, message, wayOut);
        const fault = code === 'not-signed-in' ? 'sign-in-failed' : 'central-unreachable';
        throw new Fault(fault, message, wayOut === undefined ? {} : { wayOut });
      }
      const { receipt, next } = answer.value;
      if (receipt === undefined) {
        // It lost what it had signed for. Asked twice, it does not know what it wants.
        if (rewound || !(next <= after)) throw new Fault('central-refused', 'Central asks for other events than it is sent');
        rewound = true;
        after = next - 1;
        continue;
      }
      after = this.#keep(source, events, receipt, pinned);
    }
  }

  #keep(source: string, events: readonly AuditEvent[], note: string, key: NoteKey): number {
    const { journal } = this.#parts;
    const last = events.at(-1)?.seq ?? 0;
    const receipt = openReceipt(note, key, recordCrypto);
    if (receipt?.source !== source || receipt.to < last)
      throw new Fault('central-refused', 'Central answered with a receipt for something else');
    const root = journal.must((_, record) => record.tree.root(source, receipt.to));
    if (root && !same(root, receipt.root)) throw new Fault('central-refused', 'Central signed for other events than were sent');
    journal.must((_, record) => record.outbox.keep(source, receipt.to, note));
    for (const waiting of this.#waiting) if (waiting.source === source && waiting.seq <= receipt.to) waiting.resolve();
    return receipt.to;
  }

  #refuse(source: string, code: string, message: string, wayOut: string | undefined): void {
    const { journal, log } = this.#parts;
    this.#refused.set(source, wayOut ?? message);
    for (const waiting of this.#waiting) if (waiting.source === source) waiting.reject(this.#unsigned(source));
    log.error('central refuses the record of a daemon', { code, problem: message });
    if (code === 'forked')
      journal.record({
        kind: 'record.forked',
        text: `Central holds another record of this daemon: ${message}`.slice(0, 1_000),
        data: { source },
      });
  }
}
