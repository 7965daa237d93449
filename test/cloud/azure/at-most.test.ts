import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { atMost } from '../../../cloud/azure/at-most.ts';

test('every item is done once, in its place, and never more at once than allowed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 })), fc.integer({ min: 1, max: 5 }), async (items, limit) => {
      let running = 0;
      const results = await atMost(limit, items, async (item) => {
        running += 1;
        assert.ok(running <= limit);
        for (let turn = 0; turn < item; turn++) await Promise.resolve();
        running -= 1;
        return item * 2;
      });
      assert.deepEqual(
        results,
        items.map((item) => item * 2),
      );
    }),
  );
});

test('the first failure is the answer', async () => {
  const work = async (item: number) => (item === 2 ? Promise.reject(new Error('no')) : item);
  await assert.rejects(atMost(2, [1, 2, 3], work), /no/);
});
