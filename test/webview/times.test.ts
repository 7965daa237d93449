import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTimes, duration, left, relative } from '../../webview/times.ts';

const NOW = Date.UTC(2026, 10, 23, 9, 14, 5, 120);

test('durations read as people say them', () => {
  const words: [number, string][] = [
    [0, '0 ms'],
    [350, '350 ms'],
    [1_400, '1.4 s'],
    [42_000, '42 s'],
    [59_600, '1 min'],
    [185_000, '3 min 5 s'],
    [3_599_800, '1 h'],
    [7_440_000, '2 h 4 min'],
    [273_600_000, '3 d 4 h'],
    [-1_400, '−1.4 s'],
    [Number.NaN, 'an unknown time'],
  ];
  for (const [span, text] of words) assert.equal(duration(span), text);
});

test('a duration never shows sixty of a unit, and is never wrong by more than its smallest unit', () => {
  const sizes: Record<string, number> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400 * 86_400_000 }), (span) => {
      const parts = [...duration(span).matchAll(/([\d.]+) (\w+)/g)].map(([, count, unit]) => [Number(count), unit ?? ''] as const);
      const value = parts.reduce((sum, [count, unit]) => sum + count * (sizes[unit] ?? Number.NaN), 0);
      const large = parts[0]?.[1] ?? '';
      const smallest: Record<string, number> = { ms: 1, s: 500, min: 500, h: 30_000, d: 1_800_000 };
      assert.ok(Math.abs(value - span) <= (smallest[large] ?? 0) + 1, `${span} became ${duration(span)}`);
      for (const [count, unit] of parts)
        assert.ok(unit === 'd' || count < (unit === 'h' ? 24.5 : unit === 'ms' ? 1_001 : 60), duration(span));
    }),
  );
});

test('relative times and time left change in whole minutes at most', () => {
  assert.equal(relative(NOW - 20_000, NOW), 'just now');
  assert.equal(relative(NOW - 5 * 60_000, NOW), '5 min ago');
  assert.equal(relative(NOW + 2 * 3_600_000, NOW), 'in 2 h');
  assert.equal(relative(NOW - 72 * 3_600_000, NOW), '3 days ago');
  assert.equal(left(NOW + 42 * 60_000 + 900, NOW), '42 min left');
  assert.equal(left(NOW + 30_000, NOW), 'less than a minute left');
  assert.equal(left(NOW, NOW), 'due now');
  fc.assert(
    fc.property(fc.integer({ min: 60_000, max: 10_000_000 }), (span) => {
      const words = new Set(Array.from({ length: 60 }, (_, second) => left(NOW + span, NOW + second * 1_000)));
      assert.ok(words.size <= 2);
    }),
  );
});

test('instants are shown in the zone of the person, and an impossible one does not break the page', () => {
  const times = createTimes('Europe/Vienna');
  assert.equal(times.row(NOW), '2026-11-23 10:14:05');
  assert.equal(times.ofDay(NOW), '10:14:05');
  assert.match(times.full(NOW), /^23 November 2026 at 10:14:05\.120 (CET|GMT\+1)$/);
  for (const at of [Number.NaN, Number.POSITIVE_INFINITY, 1e300]) assert.equal(times.full(at), 'unknown time');
});
