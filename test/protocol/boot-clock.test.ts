import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bootClock } from '../../protocol/boot-clock.ts';

/** What the system shows is cut to hundredths of a second. */
const COARSE = 10;
/** A sleep, or a wall clock set, that cannot be told from imprecision. */
const UNSEEN = 2;

/** A machine whose clocks are moved by hand. */
function machine() {
  const true_ = { boot: 5_000, wall: 1_000_000, monotonic: 3_000 };
  let reads = 0;
  const clock = bootClock({
    read: () => {
      reads++;
      return Math.floor(true_.boot / COARSE) * COARSE;
    },
    wall: () => Math.floor(true_.wall),
    monotonic: () => true_.monotonic,
  });
  return {
    clock,
    true_,
    reads: () => reads,
    run(by: number) {
      true_.boot += by;
      true_.wall += by;
      true_.monotonic += by;
    },
    sleep(by: number) {
      true_.boot += by;
      true_.wall += by;
    },
    set(by: number) {
      true_.wall += by;
    },
  };
}

const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('run' as const), by: fc.double({ min: 0, max: 200, noNaN: true }) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('sleep' as const), by: fc.integer({ min: 0, max: 100_000 }) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('set' as const), by: fc.integer({ min: -100_000, max: 100_000 }) }) },
);

test('whatever a machine goes through, it shows the time since boot, never goes back, and is not ahead', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const { clock, true_, ...does } = machine();
      let [before, unseen] = [clock(), 0];
      for (const { what, by } of happenings) {
        does[what](by);
        // Several small ones may hide each other until the next reading.
        unseen = what === 'run' && by >= 50 ? 0 : unseen + (what === 'run' ? 0 : UNSEEN + 1);
        const shown = clock();
        assert.ok(shown >= before, 'it never goes back');
        assert.ok(shown <= true_.boot + 0.001, 'it is not ahead');
        assert.ok(true_.boot - shown <= COARSE + unseen + 0.001, `${true_.boot - shown} ms behind`);
        before = shown;
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a sleep is seen at once, and so is a sleep while the wall clock is set', () => {
  const { clock, sleep, set, true_ } = machine();
  clock();
  sleep(60_000);
  assert.ok(true_.boot - clock() <= COARSE);
  sleep(60_000);
  set(-30_000);
  assert.ok(true_.boot - clock() <= COARSE);
});

test('what is asked again within a moment costs no reading', () => {
  const { clock, run, reads } = machine();
  for (let asked = 0; asked < 1_000; asked++) {
    clock();
    run(0.01);
  }
  assert.equal(reads(), 1);
  run(50);
  clock();
  assert.equal(reads(), 2);
});
