import { checkpointText, openCheckpoint } from '../../protocol/checkpoint.ts';
import { type Cancel, type Clock, SECOND } from '../../protocol/clock.ts';
import type { Store } from '../store/store.ts';
import type { Anchors } from './anchors.ts';
import { recordCrypto } from './crypto.ts';
import type { RecordKey } from './key.ts';

/** What was appended is signed so much later at most, or after so many events. */
const WITHIN = 10 * SECOND;
const EVENTS = 100;

export interface CheckpointParts {
  store: Store;
  clock: Clock;
  key: RecordKey;
  anchors: Anchors;
  trouble: (error: unknown, what: string) => void;
}

/** Signs the record as it grows, and hands what was signed to the anchors. Nothing waits for it. */
export class Checkpoints {
  readonly #parts: CheckpointParts;
  readonly #stop: () => void;
  #cancel: Cancel = () => {};
  #isArmed = false;
  #unsigned = 0;
  #signing: Promise<void> | undefined;
  #closed = false;

  constructor(parts: CheckpointParts) {
    this.#parts = parts;
    this.#stop = parts.store.onAppended(({ length }) => this.#appended(length));
  }

  /** Signs what is there. Rejects when the store cannot be read or written. */
  async sign(): Promise<void> {
    const { store, key, anchors } = this.#parts;
    const { seq, frontier } = await store.head();
    const last = await store.checkpoint();
    if (seq === 0) return;
    const isSigned = last !== undefined && openCheckpoint(last, key.key, recordCrypto)?.size === seq;
    const note = isSigned ? last : key.sign(checkpointText({ origin: key.key.name, size: seq, root: frontier.root }));
    if (!isSigned) await store.write((tx) => tx.putCheckpoint(seq, note));
    anchors.put({ size: seq, note });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    this.#cancel();
    await this.#signing;
  }

  #appended(count: number): void {
    this.#unsigned += count;
    if (this.#unsigned >= EVENTS) this.#soon();
    else if (!this.#isArmed) this.#arm();
  }

  #arm(): void {
    this.#isArmed = true;
    this.#cancel = this.#parts.clock.after(WITHIN, () => this.#soon());
  }

  #soon(): void {
    this.#cancel();
    this.#isArmed = false;
    // What comes while this one is made is counted for the next.
    this.#unsigned = 0;
    if (this.#closed) return;
    const before = this.#signing ?? Promise.resolve();
    this.#signing = before
      .then(() => this.sign())
      .catch((error: unknown) => {
        this.#parts.trouble(error, 'the record is not signed yet');
        if (!this.#closed && !this.#isArmed) this.#arm();
      });
  }
}
