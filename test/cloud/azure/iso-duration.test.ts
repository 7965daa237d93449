import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isoDuration, millisOf } from '../../../cloud/azure/iso-duration.ts';
import { HOUR, MINUTE } from '../../../protocol/clock.ts';

test('a length of time is written in whole seconds, never longer than it is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400 * 24 * HOUR }), (length) => {
      const read = millisOf(isoDuration(length));
      assert.ok(read !== undefined && read <= length && length - read < 1_000);
    }),
  );
  assert.equal(isoDuration(15 * MINUTE), 'PT15M');
  assert.equal(isoDuration(15 * MINUTE - 1), 'PT14M59S');
  assert.equal(isoDuration(2 * HOUR + 5_000), 'PT2H5S');
  assert.equal(isoDuration(-1), 'PT0S');
});

test('what Azure writes is read', () => {
  assert.equal(millisOf('PT8H'), 8 * HOUR);
  assert.equal(millisOf('P1D'), 24 * HOUR);
  assert.equal(millisOf('P365D'), 365 * 24 * HOUR);
  assert.equal(millisOf('P1Y'), 365 * 24 * HOUR);
  assert.equal(millisOf('PT1H30M'), 90 * MINUTE);
  assert.equal(millisOf('P1DT12H'), 36 * HOUR);
});

test('what is not a duration is not one', () => {
  for (const text of ['', 'P', 'PT', '8H', 'PT8', 'P1DT', '-PT8H', 'PT8H ']) assert.equal(millisOf(text), undefined, text);
});
