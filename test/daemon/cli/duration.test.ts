import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDuration, showDuration } from '../../../daemon/cli/duration.ts';
import { UsageError } from '../../../daemon/cli/outcome.ts';

test('a length of time is read in short and in ISO 8601 form', () => {
  const cases: [string, number][] = [
    ['15m', 900],
    ['1h', 3_600],
    ['90s', 90],
    ['1h30m', 5_400],
    ['1H30M', 5_400],
    [' 2h ', 7_200],
    ['PT15M', 900],
    ['pt1h', 3_600],
    ['PT1H30M5S', 5_405],
    ['P1D', 86_400],
    ['P1DT1H', 90_000],
  ];
  for (const [text, seconds] of cases) assert.equal(parseDuration(text), seconds * 1_000, text);
});

test('what is no length of time is refused with the rule', () => {
  for (const text of [
    '',
    '15',
    'm',
    '0m',
    '1.5h',
    '-5m',
    '15 m',
    '30m1h',
    '15min',
    'P',
    'PT',
    'P1M',
    'PT1M1H',
    '1e3s',
    '١٥m',
    '15m;rm',
    '99999999h',
  ]) {
    assert.throws(
      () => parseDuration(text),
      (error) => error instanceof UsageError && error.message.includes('--for') && error.wayOut?.includes('15m') === true,
      text,
    );
  }
});

test('what is shown can be typed again, and both forms agree', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 86_400 }), (seconds) => {
      const short = showDuration(seconds * 1_000);
      assert.equal(parseDuration(short), seconds * 1_000);
      assert.equal(parseDuration(`PT${short}`), seconds * 1_000);
    }),
  );
});

test('any text is either a positive length or a usage error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[PT0-9hmsHMSD]{0,12}$/)), (text) => {
      try {
        const length = parseDuration(text);
        assert.ok(Number.isSafeInteger(length) && length > 0);
      } catch (error) {
        assert.ok(error instanceof UsageError);
      }
    }),
  );
});
