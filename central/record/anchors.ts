import { backoff } from '../../protocol/backoff.ts';
import type { Cancel, Clock } from '../../protocol/clock.ts';
import type { Store } from '../store/store.ts';
import { stamp } from './body.ts';

/** A checkpoint of central's record. */
export interface SignedCheckpoint {
  size: number;
  /** The signed note. */
  note: string;
}

/** A place outside of central's reach that keeps its checkpoints, so that central cannot write its record anew unseen. */
export interface Anchor {
  /** For the record and the log. */
  readonly name: string;
  /**
   * Resolves when the checkpoint is kept there.
   * @throws Forked when what is kept there is not a beginning of this record; any other error is tried again.
   */
  put(checkpoint: SignedCheckpoint): Promise<void>;
}

/** The anchor holds a record that this one did not grow out of. */
export class Forked extends Error {}

export interface AnchorsParts {
  store: Store;
  clock: Clock;
  random: () => number;
  trouble: (error: unknown, what: string) => void;
}

/** Brings the newest checkpoint to every anchor, each at its own pace and for as long as it takes. */
export class Anchors {
  readonly #lanes: readonly Lane[];

  constructor(anchors: readonly Anchor[], parts: AnchorsParts) {
    this.#lanes = anchors.map((anchor) => new Lane(anchor, parts));
  }

  put(checkpoint: SignedCheckpoint): void {
    for (const lane of this.#lanes) lane.put(checkpoint);
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }
}

class Lane {
  readonly #anchor: Anchor;
  readonly #parts: AnchorsParts;
  #newest: SignedCheckpoint | undefined;
  #working: Promise<void> | undefined;
  #cancel: Cancel = () => {};
  #failures = 0;
  #isForked = false;
  #closed = false;

  constructor(anchor: Anchor, parts: AnchorsParts) {
    this.#anchor = anchor;
    this.#parts = parts;
  }

  /** An older one that is still on its way is not needed any more: the newer one covers it. */
  put(checkpoint: SignedCheckpoint): void {
    this.#newest = checkpoint;
    if (this.#failures === 0) this.#work();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#working;
  }

  #work(): void {
    const { trouble, clock, random } = this.#parts;
    const checkpoint = this.#newest;
    if (!checkpoint || this.#working || this.#closed) return;
    this.#working = this.#bring(checkpoint)
      .then(() => {
        this.#failures = 0;
        if (this.#newest === checkpoint) this.#newest = undefined;
      })
      .catch((error: unknown) => {
        this.#failures += 1;
        trouble(error, `the anchor ${this.#anchor.name} does not have the newest checkpoint yet`);
      })
      .finally(() => {
        this.#working = undefined;
        if (this.#closed) return;
        if (this.#failures === 0) this.#work();
        else this.#cancel = clock.after(backoff(this.#failures + 1, random()), () => this.#work());
      });
  }

  async #bring(checkpoint: SignedCheckpoint): Promise<void> {
    try {
      await this.#anchor.put(checkpoint);
      this.#isForked = false;
    } catch (error) {
      if (!(error instanceof Forked)) throw error;
      await this.#alarm(error);
    }
  }

  /** Once for as long as it stays so: the next checkpoint asks again. */
  async #alarm({ message }: Forked): Promise<void> {
    const { store, clock, trouble } = this.#parts;
    if (this.#isForked) return;
    const text = `The anchor ${this.#anchor.name} holds another record: ${message}`;
    trouble(new Forked(text), 'the record was written anew, or an old copy of it was restored');
    await store.write((tx) => tx.append({ ...stamp(clock, 'record.forked', text), data: { anchor: this.#anchor.name } }));
    this.#isForked = true;
  }
}
