import type { AuditEvent } from './audit.ts';
import { openCheckpoint, openReceipt } from './checkpoint.ts';
import { type NoteKey, type RecordCrypto, readNoteKey, writeNoteKey } from './note.ts';
import { type ChainReport, RecordChain, type Wrong } from './record-chain.ts';
import type { RecordLine, Signed } from './record-file.ts';

/** What is known from elsewhere than the file that is verified. */
export interface Trust {
  /** Central's public key. Without it the one in the file is taken, and named. */
  key?: NoteKey | undefined;
  /** Checkpoints that were kept elsewhere: the record must have grown out of each. */
  checkpoints?: readonly string[];
}

export type RecordReport =
  | { ok: true; chains: ChainReport[]; key?: string; keyFrom?: 'given' | 'file' }
  | ({ ok: false; source: string } & Wrong);

/** Proves a file line by line, in its order and without keeping it, or names the first event that is wrong. */
export class RecordVerifier {
  readonly #crypto: RecordCrypto;
  readonly #given: NoteKey | undefined;
  readonly #chains = new Map<string, RecordChain>();
  /** Checkpoints from elsewhere wait for the key when only the file names it. */
  #kept: readonly string[];
  #key: NoteKey | undefined;
  #wrong: ({ source: string } & Wrong) | undefined;

  constructor(crypto: RecordCrypto, { key, checkpoints = [] }: Trust = {}) {
    this.#crypto = crypto;
    this.#given = key;
    this.#key = key;
    this.#kept = checkpoints;
    if (key) this.#addKept();
  }

  /** False from the first line on that is wrong. */
  add(line: RecordLine): boolean {
    if (this.#wrong) return false;
    if ('hash' in line) this.#add(line.source, this.#chain(line.source).event(line) ?? this.#received(line));
    else if ('omitted' in line) this.#add(line.omitted.source, this.#chain(line.omitted.source).omission(line.omitted));
    else this.#add('central', this.#signed(line));
    return this.#wrong === undefined;
  }

  end(): RecordReport {
    this.#addKept();
    for (const [source, chain] of this.#chains) this.#add(source, chain.end());
    if (this.#wrong) return { ok: false, ...this.#wrong };
    const chains = [...this.#chains.values()].flatMap((chain) => chain.report());
    const isSigned = chains.some(({ signed }) => signed > 0);
    if (this.#given && !isSigned) return { ok: false, source: 'central', seq: 1, why: 'nothing in it is signed with the given key' };
    const key =
      isSigned && this.#key ? { key: writeNoteKey(this.#key), keyFrom: this.#given ? ('given' as const) : ('file' as const) } : {};
    return { ok: true, chains, ...key };
  }

  #add(source: string, wrong: Wrong | undefined): void {
    if (wrong) this.#wrong ??= { source, ...wrong };
  }

  #chain(source: string): RecordChain {
    const chain = this.#chains.get(source) ?? new RecordChain(source, this.#crypto);
    this.#chains.set(source, chain);
    return chain;
  }

  #addKept(): void {
    for (const checkpoint of this.#kept) this.#add('central', this.#signed({ checkpoint }));
    this.#kept = [];
  }

  /** Central tells in its own record how far it has a daemon's: a chain that was cut shows, even without its receipts. */
  #received({ source, kind, data }: AuditEvent): Wrong | undefined {
    const [of, to] = [data?.['source'], data?.['to']];
    if (source === 'central' && kind === 'record.received' && typeof of === 'string' && typeof to === 'number') this.#chain(of).reaches(to);
    return undefined;
  }

  #signed(line: Signed): Wrong | undefined {
    if ('recordKey' in line) return this.#recordKey(line.recordKey);
    const key = this.#key;
    if (!key) return { seq: 1, why: 'something is signed, but by a key that is not named before it' };
    if ('checkpoint' in line) {
      const checkpoint = openCheckpoint(line.checkpoint, key, this.#crypto);
      if (!checkpoint) return { seq: 1, why: `a checkpoint is not signed with the key of ${key.name}` };
      return this.#chain('central').claim({ ...checkpoint, by: 'checkpoint' });
    }
    const receipt = openReceipt(line.receipt, key, this.#crypto);
    if (!receipt) return { seq: 1, why: `a receipt is not signed with the key of ${key.name}` };
    const { source, to, root } = receipt;
    this.#add(source, this.#chain(source).claim({ size: to, root, by: 'receipt' }));
    return undefined;
  }

  #recordKey(text: string): Wrong | undefined {
    const key = readNoteKey(text, this.#crypto.sha256);
    if (!key) return { seq: 1, why: 'the key of the record is none' };
    if (this.#key && writeNoteKey(this.#key) !== writeNoteKey(key)) {
      const why = this.#given ? 'the file was signed with another key than the given one' : 'the file names two keys of the record';
      return { seq: 1, why };
    }
    this.#key = key;
    this.#addKept();
    return undefined;
  }
}
