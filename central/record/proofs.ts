import { openCheckpoint, writeHashes } from '../../protocol/checkpoint.ts';
import { subtrees } from '../../protocol/merkle.ts';
import { consistencyPlan, inclusionPlan } from '../../protocol/merkle-proof.ts';
import { type Answer, no, yes } from '../../protocol/refusal.ts';
import type { Store } from '../store/store.ts';
import { recordCrypto } from './crypto.ts';
import type { RecordKey } from './key.ts';

const CENTRAL = 'central';

/** Proofs about central's own record: hashes only, so anybody who is signed in may have them. */
export class Proofs {
  readonly #store: Store;
  readonly #key: RecordKey;

  constructor(store: Store, key: RecordKey) {
    this.#store = store;
    this.#key = key;
  }

  async checkpoint(after: number): Promise<Answer<{ recordKey: string; checkpoint?: string; consistency: string[] }>> {
    const note = await this.#store.checkpoint();
    const recordKey = this.#key.published;
    // Whatever is stored: one that another key signed is of no use to anybody.
    const size = note === undefined ? undefined : openCheckpoint(note, this.#key.key, recordCrypto)?.size;
    if (note === undefined || size === undefined) return yes({ recordKey, consistency: [] });
    // No proof leads back from there: the witness sees what that means.
    if (after > size) return yes({ recordKey, checkpoint: note, consistency: [] });
    return yes({ recordKey, checkpoint: note, consistency: writeHashes(await this.consistency(after, size)) });
  }

  consistency(old: number, size: number) {
    return this.#store.hashes(CENTRAL, consistencyPlan(old, size));
  }

  async inclusion(seq: number, size: number): Promise<Answer<{ proof: string[] }>> {
    const { seq: last } = await this.#store.head();
    if (size > last) return no('bad-input', `size: the record has ${last} events`, { field: 'size' });
    if (seq > size) return no('bad-input', 'seq: is beyond size', { field: 'seq' });
    return yes({ proof: writeHashes(await this.#store.hashes(CENTRAL, inclusionPlan(seq - 1, size))) });
  }

  async subtrees(ranges: readonly { from: number; to: number }[]): Promise<Answer<{ hashes: string[][] }>> {
    const { seq: last } = await this.#store.head();
    if (ranges.some(({ from, to }) => from > to || to > last))
      return no('bad-input', `ranges: must run forward, up to ${last}`, { field: 'ranges' });
    const hashes: string[][] = [];
    for (const { from, to } of ranges) {
      const plan = subtrees(from - 1, to).map((each) => [each]);
      hashes.push(writeHashes(await this.#store.hashes(CENTRAL, plan)));
    }
    return yes({ hashes });
  }
}
