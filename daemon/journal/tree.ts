import type { DatabaseSync } from 'node:sqlite';
import { type AuditEvent, canonicalJson } from '../../protocol/audit.ts';
import { toHex, utf8 } from '../../protocol/bytes.ts';
import { Frontier, fold, type Hash, leafHash, type Subtree, subtrees } from '../../protocol/merkle.ts';
import { recordCrypto } from '../record/crypto.ts';

const { sha256 } = recordCrypto;

/** The trees of the chains that daemons wrote on this machine: every perfect subtree is a row. */
export class RecordTree {
  readonly #db: DatabaseSync;
  /** The right edge of this daemon's own tree. */
  #frontier = new Frontier(sha256);

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * Adds the next event of this daemon's own chain, in the transaction that is open.
   * @returns Call it when that is committed: until then the tree is what it was.
   */
  grow(event: AuditEvent): () => void {
    const next = new Frontier(sha256, this.#frontier.size, this.#frontier.peaks);
    const insert = this.#db.prepare('INSERT INTO tree (source, level, position, hash) VALUES (?, ?, ?, ?)');
    for (const { level, index, hash } of next.add(leafHash(sha256, utf8(canonicalJson(event)))))
      insert.run(event.source, level, index, hash);
    return () => {
      this.#frontier = next;
    };
  }

  /** Undefined when this chain has no tree as large: it was written before there were trees. */
  root(source: string, size: number): Hash | undefined {
    const peaks = this.#hashes(source, subtrees(0, size));
    return peaks && fold(sha256, peaks);
  }

  /** Hex hashes of the perfect subtrees over these events, both ends included. Undefined when they are not known. */
  over(source: string, from: number, to: number): string[] | undefined {
    return this.#hashes(source, subtrees(from - 1, to))?.map(toHex);
  }

  #hashes(source: string, wanted: readonly Subtree[]): Hash[] | undefined {
    const select = this.#db.prepare('SELECT hash FROM tree WHERE source = ? AND level = ? AND position = ?');
    const hashes = wanted.flatMap(({ level, index }) => (select.get(source, level, index)?.['hash'] as Uint8Array | undefined) ?? []);
    return hashes.length === wanted.length ? hashes : undefined;
  }
}
