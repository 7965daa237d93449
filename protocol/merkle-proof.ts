import { fold, type Hash, nodeHash, type Plan, type Sha256, type Subtree, subtrees } from './merkle.ts';

/** Proofs of RFC 6962, made from perfect subtrees and verified as RFC 9162 section 2.1 says. */

/** What proves that leaf `index` (from 0) is in the tree of `size` leaves. */
export function inclusionPlan(index: number, size: number): Plan {
  if (!(index >= 0 && index < size)) throw new RangeError(`There is no leaf ${index} in a tree of ${size}`);
  return inclusion(index, 0, size);
}

/** What proves that the tree of `size` leaves begins with the tree of `old` leaves. */
export function consistencyPlan(old: number, size: number): Plan {
  if (!(old >= 0 && old <= size)) throw new RangeError(`A tree of ${size} leaves never had ${old}`);
  return old === 0 ? [] : consistency(old, 0, size, true);
}

/** The proof itself. `hashOf` knows every subtree of the plan. */
export const solve = (sha256: Sha256, plan: Plan, hashOf: (subtree: Subtree) => Hash): Hash[] =>
  plan.map((part) => fold(sha256, part.map(hashOf)));

export interface Inclusion {
  index: number;
  size: number;
  leaf: Hash;
  root: Hash;
  proof: readonly Hash[];
}

export function provesInclusion(sha256: Sha256, { index, size, leaf, root, proof }: Inclusion): boolean {
  if (!(index >= 0 && index < size)) return false;
  const walk = new Walk(index, size - 1);
  let hash = leaf;
  for (const sibling of proof) {
    const step = walk.step();
    if (step === 'done') return false;
    hash = step === 'left' ? nodeHash(sha256, sibling, hash) : nodeHash(sha256, hash, sibling);
  }
  return walk.atRoot && same(hash, root);
}

export interface Consistency {
  old: number;
  oldRoot: Hash;
  size: number;
  root: Hash;
  proof: readonly Hash[];
}

export function provesConsistency(sha256: Sha256, { old, oldRoot, size, root, proof }: Consistency): boolean {
  if (!(old >= 0 && old <= size)) return false;
  if (old === 0) return proof.length === 0 && same(oldRoot, fold(sha256, [])) && (size > 0 || same(root, oldRoot));
  if (old === size) return proof.length === 0 && same(oldRoot, root);
  const walk = new Walk(old - 1, size - 1);
  walk.skipRight();
  // A perfect old tree is itself the first hash.
  const [first, ...rest] = walk.atLeft ? [oldRoot, ...proof] : proof;
  if (first === undefined) return false;
  let [before, after] = [first, first];
  for (const hash of rest) {
    const step = walk.step();
    if (step === 'done') return false;
    if (step === 'left') before = nodeHash(sha256, hash, before);
    after = step === 'left' ? nodeHash(sha256, hash, after) : nodeHash(sha256, after, hash);
  }
  return walk.atRoot && same(before, oldRoot) && same(after, root);
}

export const same = (a: Hash, b: Hash): boolean => a.length === b.length && a.every((byte, at) => byte === b[at]);

/** From a leaf up to the root: on which side the next hash of the proof stands. */
class Walk {
  #node: number;
  #last: number;

  constructor(node: number, last: number) {
    this.#node = node;
    this.#last = last;
  }

  get atRoot(): boolean {
    return this.#last === 0;
  }

  get atLeft(): boolean {
    return this.#node === 0;
  }

  step(): 'left' | 'right' | 'done' {
    if (this.#last === 0) return 'done';
    const isRight = this.#node % 2 === 1;
    const isEdge = this.#node === this.#last;
    // The right edge of the tree has no sibling on some levels.
    while (isEdge && this.#node % 2 === 0 && this.#node !== 0) this.#up();
    this.#up();
    return isRight || isEdge ? 'left' : 'right';
  }

  skipRight(): void {
    while (this.#node % 2 === 1) this.#up();
  }

  #up(): void {
    this.#node = Math.floor(this.#node / 2);
    this.#last = Math.floor(this.#last / 2);
  }
}

function inclusion(index: number, begin: number, end: number): (readonly Subtree[])[] {
  if (end - begin === 1) return [];
  const middle = begin + largestPowerBelow(end - begin);
  return index < middle
    ? [...inclusion(index, begin, middle), subtrees(middle, end)]
    : [...inclusion(index, middle, end), subtrees(begin, middle)];
}

function consistency(old: number, begin: number, end: number, isOldRoot: boolean): (readonly Subtree[])[] {
  if (old === end) return isOldRoot ? [] : [subtrees(begin, end)];
  const middle = begin + largestPowerBelow(end - begin);
  return old <= middle
    ? [...consistency(old, begin, middle, isOldRoot), subtrees(middle, end)]
    : [...consistency(old, middle, end, false), subtrees(begin, middle)];
}

function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
