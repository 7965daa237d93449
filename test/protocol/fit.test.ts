import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { fitted, misfit } from '../../protocol/fit.ts';

const Thing = v.object({
  id: v.pipe(v.string(), v.maxLength(5)),
  name: v.pipe(v.string(), v.maxLength(5)),
  grantId: v.optional(v.pipe(v.string(), v.maxLength(5))),
  lines: v.array(v.pipe(v.string(), v.maxLength(3))),
});
const Told = v.variant('type', [v.object({ type: v.literal('thing'), thing: Thing }), v.object({ type: v.literal('none') })]);

test('whatever is told fits, keeps its ids, and is as much of the text as may be told', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 5 }), fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' })), (id, name, lines) => {
      const given = { type: 'thing' as const, thing: { id, name, lines } };
      const before = structuredClone(given);
      const told = fitted(Told, given);
      assert.ok(told && v.is(Told, told) && told.type === 'thing');
      assert.equal(told.thing.id, id);
      assert.equal(told.thing.name.length, Math.min(5, name.length));
      assert.deepEqual(given, before, 'what was given stays as it is');
      if (v.is(Told, given)) assert.equal(told, given, 'what fits is not copied');
    }),
  );
});

test('an id is never cut, and what is wrong otherwise is not told', () => {
  const fine = { id: 'a', name: 'b', lines: [] };
  assert.equal(fitted(Thing, { ...fine, id: 'too long' }), undefined);
  assert.equal(fitted(Thing, { ...fine, grantId: 'too long' }), undefined);
  assert.equal(fitted(Thing, { ...fine, name: 5 as never }), undefined);
  assert.equal(misfit(Thing, { ...fine, grantId: 'too long' }), 'grantId: max_length');
  assert.equal(misfit(Thing, fine), undefined);
});
