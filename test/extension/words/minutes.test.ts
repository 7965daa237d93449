import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { choices, readDuration } from '../../../extension/words/minutes.ts';
import { spelled } from '../../../extension/words/time.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('minutes', () => {
  it('are read as people write them', () => {
    const cases: [string, number][] = [
      ['15', 15],
      [' 15 ', 15],
      ['15m', 15],
      ['15 min', 15],
      ['1 minute', 1],
      ['1h', 60],
      ['1h30', 90],
      ['1h 30m', 90],
      ['2 hours 5 minutes', 125],
    ];
    for (const [text, minutes] of cases) assert.deepEqual(readDuration(text, 4 * HOUR), { ok: true, value: minutes * MINUTE }, text);
  });

  it('outside the limit, or no minutes at all, are refused with the rule and the way out', () => {
    for (const text of ['', 'soon', '-5', '1.5', '0', '0h', '1e9', '15 days', '241', '٣', '99999']) {
      const read = readDuration(text, 4 * HOUR);
      assert.equal(read.ok, false, text);
      if (!read.ok) assert.deepEqual([read.refusal.field, /4 hours/.test(read.refusal.wayOut ?? '')], ['duration', true], text);
    }
  });

  it('that are read lie within the limit, whatever is typed', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^\d{0,5} ?(h|m|min|hours)? ?\d{0,4} ?m?$/)),
        fc.integer({ min: 1, max: 1_440 }),
        (text, limit) => {
          const read = readDuration(text, limit * MINUTE);
          if (read.ok) assert.ok(read.value >= MINUTE && read.value <= limit * MINUTE && read.value % MINUTE === 0);
        },
      ),
    );
  });

  it('are read back as they are spelled', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_440 }), (minutes) => {
        assert.deepEqual(readDuration(spelled(minutes * MINUTE), 24 * HOUR), { ok: true, value: minutes * MINUTE });
      }),
    );
  });

  it('that are offered lie within the limit, without doubles, the last one marked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_440 }),
        fc.integer({ min: 1, max: 1_440 }),
        fc.option(fc.integer({ min: 1, max: 1_440 }), { nil: undefined }),
        (longest, usual, last) => {
          const { offered, marked } = choices(longest * MINUTE, usual * MINUTE, last === undefined ? undefined : last * MINUTE);
          assert.ok(offered.length > 0);
          assert.equal(new Set(offered).size, offered.length);
          for (const duration of offered) assert.ok(duration >= MINUTE && duration <= longest * MINUTE);
          assert.ok(offered.includes(marked));
          if (last !== undefined && last <= longest) assert.equal(marked, last * MINUTE);
        },
      ),
    );
  });
});
