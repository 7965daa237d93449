import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { csvHead, csvRecord } from '../../../extension/audit/csv.ts';
import type { AuditEvent } from '../../../protocol/audit.ts';
import { HOSTILE, recorded, storyBodies } from '../../support/audit-events.ts';

/** RFC 4180, read by the letter. */
function parse(text: string): string[][] {
  const rows: string[][] = [];
  let cells: string[] = [];
  for (let at = 0; at < text.length; ) {
    let cell = '';
    if (text[at] === '"') {
      for (at++; !(text[at] === '"' && text[at + 1] !== '"'); at++) {
        assert.ok(at < text.length, 'a quote is never closed');
        cell += text[at];
        if (text[at] === '"') at++;
      }
      at++;
    } else while (at < text.length && text[at] !== ',' && text[at] !== '\r') cell += text[at++];
    cells.push(cell);
    if (text[at] === ',') at++;
    else {
      assert.equal(text.slice(at, at + 2), '\r\n');
      rows.push(cells);
      cells = [];
      at += 2;
    }
  }
  return rows;
}

const HEAD = parse(csvHead())[0] ?? [];
const cell = (event: AuditEvent, name: string) => parse(csvRecord(event))[0]?.[HEAD.indexOf(name)];
const first = recorded(storyBodies(1))[0] as AuditEvent;

test('a record has every column of the head and says what the event says', () => {
  const rows = parse(csvHead() + recorded(storyBodies(1)).map(csvRecord).join(''));
  assert.equal(rows.length, 9);
  for (const row of rows) assert.equal(row.length, HEAD.length);
  assert.equal(cell(first, 'at'), '2026-11-23T09:01:00.000Z');
  assert.equal(cell(first, 'reason'), 'Drain web-2 before the kernel update');
  assert.equal(cell(first, 'late_by_ms'), '');
});

const formula = fc
  .tuple(
    fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', ' =', '\u0000=', '\u200b=', '＝', '＋', '－', '＠'),
    fc.string({ unit: 'binary' }),
  )
  .map((parts) => parts.join(''));
const typed = fc.oneof(fc.string({ unit: 'binary' }), formula, fc.constantFrom(...HOSTILE, "=cmd|'/c calc'!A1", '","=1+1', '"\r\n=1+1'));

test('whatever people typed comes back from the file as typed, and never as a formula', () => {
  fc.assert(
    fc.property(typed, typed, (reason, name) => {
      const event = { ...first, reason, person: { ...first.person, name } } as AuditEvent;
      for (const [column, text] of [
        ['reason', reason],
        ['person', name],
      ] as const) {
        const read = cell(event, column) ?? '';
        const expected = text.toWellFormed();
        assert.ok(read === expected || read === `'${expected}`);
        assert.ok(!/^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u.test(read), `a spreadsheet would run ${JSON.stringify(read)}`);
      }
    }),
    { numRuns: 500 },
  );
});

test('an instant that no calendar knows leaves its cell empty and the number beside it', () => {
  assert.equal(cell({ ...first, at: 1e300 }, 'at'), '');
  assert.equal(cell({ ...first, at: 1e300 }, 'at_ms'), '1e+300');
});
