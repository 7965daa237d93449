import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HOUR, LONGEST_TIMER, MINUTE, SECOND, systemClock } from '../../protocol/clock.ts';
import { Deadlines } from '../../protocol/deadlines.ts';
import { Heap } from '../../protocol/heap.ts';
import { ManualClock } from '../support/manual-clock.ts';

const DAY = 24 * HOUR;

test('the heap gives back everything, least first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = new Heap<number>((value) => value);
      for (const value of numbers) heap.push(value);
      const out: number[] = [];
      while (heap.size > 0) out.push(heap.pop() as number);
      assert.deepEqual(
        out,
        [...numbers].sort((a, b) => a - b),
      );
    }),
  );
});

test('each key falls due once, never before its instant, and at most a check late', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 5_000 })), { minLength: 1, maxLength: 30 }),
      async (settings) => {
        const clock = new ManualClock();
        const start = clock.now();
        const fired = new Map<number, number>();
        const deadlines = new Deadlines<number>(clock, (key) => {
          assert.ok(!fired.has(key), 'once');
          fired.set(key, clock.now() - start);
        });
        const last = new Map<number, number>();
        for (const [key, delay] of settings) {
          deadlines.set(key, start + delay);
          last.set(key, delay);
        }
        await clock.advance(6_000);
        assert.equal(fired.size, last.size);
        for (const [key, delay] of last) {
          const at = fired.get(key) ?? Number.NaN;
          assert.ok(at >= delay && at <= delay + 1, `${key} was due at ${delay}, fell due at ${at}`);
        }
        assert.equal(clock.armed, 0, 'nothing left to wait for');
      },
    ),
    { numRuns: 60 },
  );
});

for (const days of [25, 30, 400]) {
  test(`${days} days are not one millisecond`, async () => {
    const clock = new ManualClock();
    let due = false;
    const deadlines = new Deadlines<string>(
      clock,
      () => {
        due = true;
      },
      HOUR,
    );
    deadlines.set('lease', clock.now() + days * DAY);
    await clock.advance(days * DAY - SECOND);
    assert.equal(due, false);
    await clock.advance(SECOND);
    assert.equal(due, true);
  });
}

test('whatever happens to the clocks, it is due once either says so, within one check', async () => {
  const happening = fc.oneof(
    fc.record({ kind: fc.constant('pass' as const), by: fc.integer({ min: 1, max: 10 * MINUTE }) }),
    fc.record({ kind: fc.constant('sleep' as const), by: fc.integer({ min: 1, max: 2 * HOUR }) }),
    fc.record({ kind: fc.constant('set' as const), by: fc.integer({ min: -2 * HOUR, max: 2 * HOUR }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: SECOND, max: HOUR }), fc.array(happening, { maxLength: 6 }), async (delay, happenings) => {
      const clock = new ManualClock();
      const [wall, boot] = [clock.now() + delay, clock.boot() + delay];
      let due = false;
      const deadlines = new Deadlines<string>(clock, () => {
        due = true;
      });
      deadlines.set('lease', wall);
      for (const { kind, by } of happenings) {
        if (kind === 'pass') await clock.advance(by);
        if (kind === 'sleep') clock.suspend(by);
        if (kind === 'set') clock.setWall(by);
        const before = due;
        if (!before && kind === 'pass' && due) assert.fail();
        const should = clock.now() >= wall || clock.boot() >= boot;
        await clock.advance(250);
        if (should) assert.equal(due, true, 'noticed within one check');
        if (clock.now() < wall && clock.boot() < boot) assert.ok(!due || before, 'never early by both clocks');
        if (due) return;
      }
      await clock.advance(delay + 250);
      assert.equal(due, true);
    }),
    { numRuns: 80 },
  );
});

test('moving a deadline moves it, deleting it forgets it, closing forgets all', async () => {
  const clock = new ManualClock();
  const fired: string[] = [];
  const deadlines = new Deadlines<string>(clock, (key) => void fired.push(key));
  deadlines.set('a', clock.now() + SECOND);
  deadlines.set('a', clock.now() + MINUTE);
  deadlines.set('b', clock.now() + SECOND);
  deadlines.delete('b');
  await clock.advance(30 * SECOND);
  assert.deepEqual(fired, []);
  await clock.advance(30 * SECOND);
  assert.deepEqual(fired, ['a']);
  deadlines.set('c', clock.now() + SECOND);
  deadlines.close();
  await clock.advance(MINUTE);
  assert.deepEqual(fired, ['a']);
  assert.equal(clock.armed, 0);
});

test("the real clock refuses what Node's timers cannot do", () => {
  const clock = systemClock(() => 0);
  for (const delay of [LONGEST_TIMER + 1, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => clock.after(delay, () => {}), RangeError);
  clock.after(LONGEST_TIMER, () => {})();
});
