import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Pace } from '../../../extension/daemon/pace.ts';
import { LIMITS } from '../../../protocol/door.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('the pace of questions', () => {
  it('stays below the daemon’s limit in every second, loses none and keeps their order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ wait: fc.nat(1_500), questions: fc.nat(40) }), { maxLength: 6 }), async (bursts) => {
        const clock = new ManualClock();
        const pace = new Pace(clock);
        const went: { n: number; at: number }[] = [];
        let n = 0;
        for (const { wait, questions } of bursts) {
          for (let count = 0; count < questions; count++) {
            const mine = n++;
            void pace.turn().then(() => went.push({ n: mine, at: clock.boot() }));
          }
          await clock.advance(wait);
        }
        await clock.advance(60_000);
        assert.deepEqual(
          went.map((one) => one.n),
          Array.from({ length: n }, (_, index) => index),
        );
        for (const { at } of went) assert.ok(went.filter((one) => one.at >= at && one.at < at + 1_000).length < LIMITS.messagesPerSecond);
        pace.close();
        assert.equal(clock.armed, 0);
      }),
      { numRuns: 30 },
    );
  });

  it('makes nobody wait who asks alone', async () => {
    const pace = new Pace(new ManualClock());
    await pace.turn();
  });
});
