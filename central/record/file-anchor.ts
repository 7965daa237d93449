import { open } from 'node:fs/promises';
import { toBase64 } from '../../protocol/bytes.ts';
import { checkpointsIn, openCheckpoint } from '../../protocol/checkpoint.ts';
import { fold, subtrees } from '../../protocol/merkle.ts';
import { same } from '../../protocol/merkle-proof.ts';
import type { NoteKey } from '../../protocol/note.ts';
import type { Store } from '../store/store.ts';
import { type Anchor, Forked, type SignedCheckpoint } from './anchors.ts';
import { recordCrypto } from './crypto.ts';

/** Enough for the last few notes. */
const TAIL = 64 * 1_024;

/** A file that only grows, on a volume that others look after. One signed note after the other. */
export class FileAnchor implements Anchor {
  readonly name: string;
  readonly #store: Store;
  readonly #key: NoteKey;
  #size: number | undefined;

  constructor(file: string, store: Store, key: NoteKey) {
    this.name = file;
    this.#store = store;
    this.#key = key;
  }

  async put({ size, note }: SignedCheckpoint): Promise<void> {
    const file = await open(this.name, 'a+', 0o644);
    try {
      const { size: length } = await file.stat();
      const begin = Math.max(0, length - TAIL);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length - begin), 0, length - begin, begin);
      const tail = buffer.toString('utf8', 0, bytesRead);
      this.#size ??= await this.#grewOutOf(tail);
      if (this.#size > size) throw new Forked(`it has a checkpoint of ${this.#size} events, this record one of ${size}`);
      if (this.#size === size) return;
      // What a crash left half written ends here, so that it spoils no more than itself.
      await file.appendFile(tail === '' || tail.endsWith('\n') ? note : `\n${note}`);
      await file.sync();
      this.#size = size;
    } finally {
      await file.close();
    }
  }

  /** The size that is kept in the file, when our own record had that very root then. */
  async #grewOutOf(tail: string): Promise<number> {
    const last = checkpointsIn(tail)
      .flatMap((note) => openCheckpoint(note, this.#key, recordCrypto) ?? [])
      .at(-1);
    if (!last) {
      if (checkpointsIn(tail).length > 0) throw new Forked('it is signed with another key, or for a record of another name');
      return 0;
    }
    const { seq } = await this.#store.head();
    if (last.size > seq) throw new Forked(`it has a checkpoint of ${last.size} events, this record has ${seq}`);
    const peaks = await this.#store.hashes('central', [subtrees(0, last.size)]);
    const root = fold(recordCrypto.sha256, peaks);
    if (!same(root, last.root))
      throw new Forked(`its ${last.size} events are not ours: ${toBase64(last.root)} there, ${toBase64(root)} here`);
    return last.size;
  }
}
