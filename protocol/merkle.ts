/**
 * The hash tree of RFC 6962 over the events of one source. Whoever knows its root knows every event below it; a proof of
 * few hashes shows that an event is in it, or that it grew out of an earlier one.
 */

/** 32 bytes. */
export type Hash = Uint8Array;
/** Injected: `protocol/` has no crypto of its own. */
export type Sha256 = (bytes: Uint8Array) => Hash;

/** A perfect subtree: the leaves from `index * 2^level` on, `2^level` of them. */
export interface Subtree {
  level: number;
  index: number;
}

/** Hashes that a proof needs; each is folded from perfect subtrees, from left to right. */
export type Plan = readonly (readonly Subtree[])[];

export const leafHash = (sha256: Sha256, leaf: Uint8Array): Hash => sha256(joined(0x00, leaf));
export const nodeHash = (sha256: Sha256, left: Hash, right: Hash): Hash => sha256(joined(0x01, left, right));

/** The root over subtrees that stand side by side; of none, that of the empty tree. */
export function fold(sha256: Sha256, hashes: readonly Hash[]): Hash {
  const last = hashes.at(-1);
  if (last === undefined) return sha256(new Uint8Array());
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(sha256, left, right), last);
}

/** The fewest perfect subtrees that cover the leaves from `begin` up to `end`, which is not among them. */
export function subtrees(begin: number, end: number): Subtree[] {
  const all: Subtree[] = [];
  let at = begin;
  while (at < end) {
    let level = 0;
    // By arithmetic: a record may outgrow 32 bits.
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level += 1;
    all.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return all;
}

/** The right edge of a tree that grows: all that is needed to add to it, and to know its root. */
export class Frontier {
  readonly #sha256: Sha256;
  readonly #peaks: { level: number; hash: Hash }[] = [];
  #size = 0;

  /** @param peaks Hashes of `subtrees(0, size)`. */
  constructor(sha256: Sha256, size = 0, peaks: readonly Hash[] = []) {
    this.#sha256 = sha256;
    const spans = subtrees(0, size);
    if (spans.length !== peaks.length) throw new RangeError(`A tree of ${size} leaves has ${spans.length} peaks, not ${peaks.length}`);
    for (const [at, hash] of peaks.entries()) this.add(hash, spans[at]?.level);
  }

  get size(): number {
    return this.#size;
  }

  get root(): Hash {
    return fold(this.#sha256, this.peaks);
  }

  /** Hashes of `subtrees(0, size)`: with the size, all that is needed to go on. */
  get peaks(): Hash[] {
    return this.#peaks.map(({ hash }) => hash);
  }

  /**
   * Adds a leaf, or a perfect subtree whose leaves are not known.
   * @returns All subtrees that are perfect now and were not before.
   */
  add(hash: Hash, level = 0): (Subtree & { hash: Hash })[] {
    if (this.#size % 2 ** level !== 0) throw new RangeError(`No subtree of level ${level} begins at leaf ${this.#size}`);
    let node = { level, index: this.#size / 2 ** level, hash };
    const perfect = [node];
    this.#size += 2 ** level;
    for (let left = this.#peaks.at(-1); left?.level === node.level; left = this.#peaks.at(-1)) {
      this.#peaks.pop();
      node = { level: node.level + 1, index: Math.floor(node.index / 2), hash: nodeHash(this.#sha256, left.hash, node.hash) };
      perfect.push(node);
    }
    this.#peaks.push({ level: node.level, hash: node.hash });
    return perfect;
  }
}

function joined(prefix: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(1 + parts.reduce((sum, { length }) => sum + length, 0));
  all[0] = prefix;
  let at = 1;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
