import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Queue } from '../../protocol/queue.ts';

test('what comes first goes first, whatever comes and goes meanwhile', () => {
  const act = fc.oneof({ arbitrary: fc.integer(), weight: 3 }, { arbitrary: fc.constant('take' as const), weight: 2 });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const [queue, model] = [new Queue<number>(), [] as number[]];
      for (const each of acts) {
        if (each === 'take') assert.equal(queue.shift(), model.shift());
        else {
          queue.push(each);
          model.push(each);
        }
        assert.equal(queue.length, model.length);
      }
      for (const each of model) assert.equal(queue.shift(), each);
      assert.equal(queue.shift(), undefined);
      queue.push(1);
      assert.deepEqual([queue.length, queue.shift()], [1, 1]);
    }),
  );
});
