import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../protocol/bytes.ts';
import { Frontier, fold, type Hash, leafHash, nodeHash, type Plan, type Subtree, subtrees } from '../../protocol/merkle.ts';
import { consistencyPlan, inclusionPlan, provesConsistency, provesInclusion, solve } from '../../protocol/merkle-proof.ts';
import { CONSISTENCY, EMPTY_LEAF, EMPTY_ROOT, INCLUSION, LEAVES, ROOTS } from './rfc6962-vectors.ts';

const sha256 = (bytes: Uint8Array): Hash => new Uint8Array(createHash('sha256').update(bytes).digest());
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const leaf = (hex: string): Hash => leafHash(sha256, bytes(hex));

/** MTH of RFC 6962 section 2.1, word for word. */
function naiveRoot(leaves: readonly Hash[]): Hash {
  const [first] = leaves;
  if (!first) return sha256(new Uint8Array());
  if (leaves.length === 1) return first;
  const k = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return nodeHash(sha256, naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

/** PATH of section 2.1.1. */
function naivePath(m: number, leaves: readonly Hash[]): Hash[] {
  if (leaves.length === 1) return [];
  const k = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return m < k
    ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
}

/** SUBPROOF of section 2.1.2. */
function naiveSubproof(m: number, leaves: readonly Hash[], whole: boolean): Hash[] {
  if (m === leaves.length) return whole ? [] : [naiveRoot(leaves)];
  const k = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return m <= k
    ? [...naiveSubproof(m, leaves.slice(0, k), whole), naiveRoot(leaves.slice(k))]
    : [...naiveSubproof(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))];
}

/** A tree as a store keeps it: every perfect subtree. */
function grown(leaves: readonly Hash[]) {
  const nodes = new Map<string, Hash>();
  const frontier = new Frontier(sha256);
  const roots = [frontier.root];
  for (const each of leaves) {
    for (const { level, index, hash } of frontier.add(each)) nodes.set(`${level} ${index}`, hash);
    roots.push(frontier.root);
  }
  const hashOf = ({ level, index }: Subtree): Hash => nodes.get(`${level} ${index}`) ?? assert.fail(`${level} ${index} was never perfect`);
  return { frontier, roots, hashOf, proof: (plan: Plan) => solve(sha256, plan, hashOf) };
}

const hexes = (hashes: readonly Hash[]): string[] => hashes.map(toHex);
const some = (count: number): Hash[] => Array.from({ length: count }, (_, at) => leafHash(sha256, new TextEncoder().encode(`leaf ${at}`)));

test('the published roots of the reference tree', () => {
  const { roots } = grown(LEAVES.map(leaf));
  assert.equal(toHex(leaf('')), EMPTY_LEAF);
  assert.deepEqual(hexes(roots), [EMPTY_ROOT, ...ROOTS]);
});

test('the published proofs are those that are made here, and verify', () => {
  const leaves = LEAVES.map(leaf);
  const { proof, roots } = grown(leaves);
  const rootOf = (size: number) => roots[size] ?? assert.fail();
  for (const vector of INCLUSION) {
    const index = vector.leaf - 1;
    assert.deepEqual(hexes(proof(inclusionPlan(index, vector.size))), vector.proof);
    const published = vector.proof.map(bytes);
    assert.ok(
      provesInclusion(sha256, {
        index,
        size: vector.size,
        leaf: leaves[index] ?? assert.fail(),
        root: rootOf(vector.size),
        proof: published,
      }),
    );
  }
  for (const { old, size, proof: published } of CONSISTENCY) {
    assert.deepEqual(hexes(proof(consistencyPlan(old, size))), published);
    assert.ok(
      provesConsistency(sha256, { old, oldRoot: rootOf(old), size, root: rootOf(size), proof: published.map(bytes) }),
      `${old} ${size}`,
    );
  }
});

test('roots and proofs of every small tree are those of the definition', () => {
  const leaves = some(40);
  const { roots, proof } = grown(leaves);
  for (let size = 0; size <= leaves.length; size++) {
    assert.deepEqual(roots[size], naiveRoot(leaves.slice(0, size)));
    for (let index = 0; index < size; index++)
      assert.deepEqual(proof(inclusionPlan(index, size)), naivePath(index, leaves.slice(0, size)), `${index} of ${size}`);
    for (let old = 1; old <= size; old++)
      assert.deepEqual(proof(consistencyPlan(old, size)), naiveSubproof(old, leaves.slice(0, size), true), `${old} to ${size}`);
  }
});

const treeSize = fc.integer({ min: 1, max: 300 });
const LEAVES_300 = some(300);
const TREE_300 = grown(LEAVES_300);
const root = (size: number) => TREE_300.roots[size] ?? assert.fail();

/** A hash with one bit turned. */
const bent = (hash: Hash, bit: number): Hash => hash.map((byte, at) => (at === (bit >> 3) % 32 ? byte ^ (1 << (bit & 7)) : byte));
/** A proof with one element bent, left out, doubled or moved. */
function* tampered(proof: readonly Hash[], bit: number): Iterable<readonly Hash[]> {
  for (const [at, hash] of proof.entries()) {
    yield proof.with(at, bent(hash, bit));
    yield proof.toSpliced(at, 1);
    yield proof.toSpliced(at, 0, hash);
  }
  yield [...proof, new Uint8Array(32)];
  yield [new Uint8Array(32), ...proof];
}

test('an inclusion proof proves one leaf at one place in one tree, and nothing else', () => {
  fc.assert(
    fc.property(treeSize, fc.nat(), fc.nat(255), (size, place, bit) => {
      const index = place % size;
      const proof = TREE_300.proof(inclusionPlan(index, size));
      const right = { index, size, leaf: LEAVES_300[index] ?? assert.fail(), root: root(size), proof };
      assert.ok(provesInclusion(sha256, right));
      assert.ok(proof.length <= Math.ceil(Math.log2(size)));
      for (const wrong of tampered(proof, bit)) assert.equal(provesInclusion(sha256, { ...right, proof: wrong }), false);
      assert.equal(provesInclusion(sha256, { ...right, leaf: bent(right.leaf, bit) }), false);
      assert.equal(provesInclusion(sha256, { ...right, root: bent(right.root, bit) }), false);
      for (const other of [index - 1, index + 1, size, -1]) assert.equal(provesInclusion(sha256, { ...right, index: other }), false);
    }),
    { numRuns: 200 },
  );
});

test('a consistency proof proves one growth, and nothing else', () => {
  fc.assert(
    fc.property(treeSize, fc.nat(), fc.nat(255), (size, place, bit) => {
      const old = 1 + (place % size);
      const proof = TREE_300.proof(consistencyPlan(old, size));
      const right = { old, oldRoot: root(old), size, root: root(size), proof };
      assert.ok(provesConsistency(sha256, right));
      for (const wrong of tampered(proof, bit)) assert.equal(provesConsistency(sha256, { ...right, proof: wrong }), false);
      assert.equal(provesConsistency(sha256, { ...right, oldRoot: bent(right.oldRoot, bit) }), false);
      assert.equal(provesConsistency(sha256, { ...right, root: bent(right.root, bit) }), false);
      if (old < size) assert.equal(provesConsistency(sha256, { ...right, old: size, size: old }), false);
    }),
    { numRuns: 200 },
  );
});

test('every tree grew out of the empty one, and shrinks to none', () => {
  const empty = root(0);
  assert.ok(provesConsistency(sha256, { old: 0, oldRoot: empty, size: 7, root: root(7), proof: [] }));
  assert.equal(provesConsistency(sha256, { old: 0, oldRoot: root(1), size: 7, root: root(7), proof: [] }), false);
  assert.equal(provesConsistency(sha256, { old: 0, oldRoot: empty, size: 0, root: root(1), proof: [] }), false);
  assert.throws(() => consistencyPlan(8, 7), /never had 8/);
  assert.throws(() => inclusionPlan(7, 7), /no leaf 7/);
});

test('a tree goes on from its peaks, and over ranges of which only subtrees are known', () => {
  fc.assert(
    fc.property(treeSize, fc.nat(), fc.nat(), (size, a, b) => {
      const begin = Math.min(a % size, b % size);
      const end = Math.max(a % size, b % size);
      const partly = new Frontier(sha256, begin, subtrees(0, begin).map(TREE_300.hashOf));
      assert.deepEqual(partly.root, root(begin));
      for (const span of subtrees(begin, end)) partly.add(TREE_300.hashOf(span), span.level);
      for (const each of LEAVES_300.slice(end, size)) partly.add(each);
      assert.equal(partly.size, size);
      assert.deepEqual(partly.root, root(size));
      assert.ok(subtrees(begin, end).length <= 2 * Math.ceil(Math.log2(size + 1)));
    }),
  );
  assert.throws(() => new Frontier(sha256, 3, [new Uint8Array(32)]), /has 2 peaks, not 1/);
  assert.throws(() => new Frontier(sha256, 3, subtrees(0, 3).map(TREE_300.hashOf)).add(new Uint8Array(32), 1), /begins at leaf 3/);
});

test('sizes beyond 32 bits', () => {
  const size = 2 ** 40 + 5;
  assert.deepEqual(subtrees(0, size), [
    { level: 40, index: 0 },
    { level: 2, index: 2 ** 38 },
    { level: 0, index: 2 ** 40 + 4 },
  ]);
  const hashOf = ({ level, index }: Subtree) => leafHash(sha256, new TextEncoder().encode(`${level} ${index}`));
  const proof = solve(sha256, inclusionPlan(size - 1, size), hashOf);
  const whole = fold(sha256, subtrees(0, size).map(hashOf));
  assert.ok(provesInclusion(sha256, { index: size - 1, size, leaf: hashOf({ level: 0, index: size - 1 }), root: whole, proof }));
});
