import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkAgain } from '../../daemon/check-again.ts';
import { Pace } from '../../daemon/door/pace.ts';
import { Windows } from '../../daemon/windows.ts';
import { backoff, LONGEST_BACKOFF } from '../../protocol/backoff.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import { ManualClock } from '../support/manual-clock.ts';

const editor = { name: 'code', version: '1', kind: 'editor' } as const;
const terminal = { name: 'cli', version: '1', kind: 'terminal' } as const;

function windows() {
  const clock = new ManualClock();
  const told: string[] = [];
  let held = 0;
  const subject = new Windows({ clock, held: () => held, onLastGone: () => void told.push('last'), onIdle: () => void told.push('idle') });
  const hold = (count: number) => {
    held = count;
  };
  return { clock, told, subject, hold };
}

test('a terminal that comes and goes ends nothing', async () => {
  const { clock, told, subject, hold } = windows();
  hold(1);
  subject.changed([terminal], undefined);
  subject.changed([], terminal);
  await clock.advance(30 * MINUTE);
  assert.deepEqual(told, []);
  hold(0);
  await clock.advance(5 * MINUTE);
  assert.deepEqual(told, ['idle']);
});

test('a daemon that nobody can find goes when nothing is held and nobody is there', async () => {
  const { clock, told, subject, hold } = windows();
  subject.changed([terminal], undefined);
  hold(1);
  subject.orphaned();
  await clock.advance(MINUTE);
  subject.changed([], terminal);
  await clock.advance(MINUTE);
  assert.deepEqual(told, [], 'what is held is still to be ended');
  hold(0);
  await clock.advance(SECOND);
  assert.deepEqual(told, ['idle']);
});

test('a terminal that stays keeps the daemon, not the grants', async () => {
  const { clock, told, subject } = windows();
  subject.changed([editor, terminal], undefined);
  subject.changed([terminal], editor);
  await clock.advance(20 * MINUTE);
  assert.deepEqual(told, ['last']);
  subject.changed([], terminal);
  await clock.advance(SECOND);
  assert.deepEqual(told, ['last', 'idle']);
});

test('a window that comes back within the grace is a reload', async () => {
  const { clock, told, subject } = windows();
  subject.changed([editor], undefined);
  subject.changed([], editor);
  await clock.advance(9 * SECOND);
  subject.changed([editor], undefined);
  await clock.advance(20 * MINUTE);
  assert.deepEqual(told, []);
});

test('a stopped one waits for nothing, whoever leaves', async () => {
  const { clock, subject } = windows();
  subject.changed([editor], undefined);
  subject.stop();
  subject.changed([], editor);
  assert.equal(clock.armed, 0);
});

test('backoff: jittered, never above a minute, never nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (tries, random) => {
      const wait = backoff(tries, random);
      assert.ok(wait >= 500 && wait <= LONGEST_BACKOFF && Number.isInteger(wait));
      assert.ok(checkAgain(tries) >= 250 && checkAgain(tries) <= 15 * SECOND);
    }),
  );
});

test('pace: never more than the burst and the rate together, whatever the pattern, and a wall clock does not matter', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3_000), { maxLength: 200 }), (pauses) => {
      const clock = new ManualClock();
      const pace = new Pace(clock, 20, 40);
      let [taken, passed] = [0, 0];
      for (const pause of pauses) {
        clock.suspend(pause);
        clock.setWall(-pause * 2);
        passed += pause;
        const wait = pace.take();
        if (wait === 0) taken += 1;
        else assert.ok(wait <= 50);
        assert.ok(taken <= 40 + (passed / SECOND) * 20 + 1);
      }
    }),
  );
});
