import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contains, coversAll, overlaps } from '../../../cloud/azure/actions.ts';

/** Few letters and short texts, so that everything a pattern stands for can be written out. */
const pattern = fc.array(fc.constantFrom('a', 'b', '/', '*'), { maxLength: 5 }).map((chars) => chars.join(''));
const LETTERS = ['a', 'b', '/'];
const TEXTS = texts(6);

function texts(longest: number): string[] {
  const all = [''];
  for (let start = 0, length = 0; length < longest; length++) {
    const end = all.length;
    for (; start < end; start++) for (const letter of LETTERS) all.push(`${all[start]}${letter}`);
  }
  return all;
}

/** The plainest matcher there is, to judge the others. */
function matches(glob: string, text: string): boolean {
  if (glob === '') return text === '';
  if (glob[0] === '*') return matches(glob.slice(1), text) || (text !== '' && matches(glob, text.slice(1)));
  return text !== '' && glob[0] === text[0] && matches(glob.slice(1), text.slice(1));
}

test('a pattern matches a plain action exactly as the plainest matcher does', () => {
  fc.assert(fc.property(pattern, fc.constantFrom(...TEXTS), (glob, text) => assert.equal(contains(glob, text), matches(glob, text))));
});

test('what contains a pattern matches everything that the pattern matches', () => {
  fc.assert(
    fc.property(pattern, pattern, (outer, inner) => {
      if (contains(outer, inner)) for (const text of TEXTS) assert.ok(!matches(inner, text) || matches(outer, text), `${inner} ${text}`);
    }),
  );
});

test('two patterns overlap exactly when some text is matched by both', () => {
  fc.assert(
    fc.property(pattern, pattern, (a, b) => {
      const shared = TEXTS.some((text) => matches(a, text) && matches(b, text));
      if (shared) assert.ok(overlaps(a, b), `${a} ${b}`);
      assert.equal(overlaps(a, b), overlaps(b, a));
      // Patterns that meet do so in a text no longer than both together.
      if (!shared && a.length + b.length <= 6) assert.ok(!overlaps(a, b), `${a} ${b}`);
    }),
    { numRuns: 300 },
  );
});

test('case does not count', () => {
  assert.ok(coversAll([{ actions: ['microsoft.network/LOADBALANCERS/*'] }], ['Microsoft.Network/loadBalancers/write']));
});

test('every wanted action must be covered, by whichever role', () => {
  const held = [{ actions: ['*/read'] }, { actions: ['x/write'], notActions: [] }];
  assert.ok(coversAll(held, ['x/read', 'x/write']));
  assert.ok(!coversAll(held, ['x/read', 'x/delete']));
  assert.ok(!coversAll([], ['x/read']));
});

test('a notAction subtracts from its own role and from no other', () => {
  const contributor = { actions: ['*'], notActions: ['Microsoft.Authorization/*/write'] };
  assert.ok(!coversAll([contributor], ['Microsoft.Authorization/roleAssignments/write']));
  assert.ok(
    coversAll(
      [contributor, { actions: ['Microsoft.Authorization/roleAssignments/write'] }],
      ['Microsoft.Authorization/roleAssignments/write'],
    ),
  );
  assert.ok(coversAll([contributor], ['Microsoft.Network/loadBalancers/*']));
});

test('a wanted wildcard is covered only when all of it is', () => {
  const held = [{ actions: ['a/*'], notActions: ['a/delete'] }];
  assert.ok(!coversAll(held, ['a/*']));
  assert.ok(coversAll(held, ['a/write']));
  assert.ok(!coversAll([{ actions: ['a/b/read'] }], ['a/*/read']));
});
