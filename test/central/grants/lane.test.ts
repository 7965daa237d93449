import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Lane } from '../../../central/grants/lane.ts';

test('no more than its width at once, in the order of coming, and none is left behind', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom('come', 'end', 'fail', 'pass')),
      async (width, happenings) => {
        const lane = new Lane(width);
        const begun: number[] = [];
        const running: { resolve(): void; reject(error: Error): void }[] = [];
        const all: Promise<unknown>[] = [];
        const settle = (how: string) => (how === 'fail' ? running.shift()?.reject(new Error('no')) : running.shift()?.resolve());
        for (const happening of happenings) {
          if (happening === 'come') {
            const mine = all.length;
            const work = () => {
              begun.push(mine);
              return new Promise<void>((resolve, reject) => running.push({ resolve, reject }));
            };
            all.push(lane.run(work).catch(() => undefined));
          } else if (happening === 'pass') await new Promise(setImmediate);
          else settle(happening);
          assert.ok(running.length <= width);
        }
        while (begun.length < all.length || running.length > 0) {
          settle('end');
          await new Promise(setImmediate);
        }
        await Promise.all(all);
        assert.deepEqual(
          begun,
          all.map((_, index) => index),
        );
      },
    ),
    { numRuns: 100 },
  );
});
