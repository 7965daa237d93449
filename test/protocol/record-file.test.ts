import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AuditBody, type AuditEvent, type AuditKind, canonicalJson } from '../../protocol/audit.ts';
import { isEvent, jsonLines, mayOmit, type RecordLine, readRecordLine, recordCsv, withOmissions } from '../../protocol/record-file.ts';
import { RecordVerifier } from '../../protocol/record-verifier.ts';
import { record } from '../daemon/cli/estate.ts';
import { HOSTILE, recorded, storyBodies } from '../support/audit-events.ts';
import { recordCrypto } from '../support/record-crypto.ts';

const TWO = [
  ...record(
    'central',
    Array.from({ length: 8 }, () => ({})),
  ),
  ...record(
    'daemon-1',
    Array.from({ length: 5 }, () => ({})),
  ),
];
/** As a reader gives them: by time, each chain in its order. */
const recordLines = (events: readonly AuditEvent[], mayOmit: (source: string) => boolean): RecordLine[] =>
  withOmissions(mayOmit)(events.toSorted((a, b) => a.at - b.at || a.seq - b.seq));
const all = () => true;
const central = (source: string) => source === 'central';

const verified = (lines: Iterable<RecordLine>) => {
  const verifier = new RecordVerifier(recordCrypto);
  for (const line of lines) verifier.add(line);
  return verifier.end();
};

const readBack = (text: string): RecordLine[] =>
  text
    .split('\n')
    .filter((row) => row !== '')
    .map((row) => {
      const read = readRecordLine(row);
      assert.ok(read);
      return read;
    });

test('whatever part of a record is exported verifies, and says what it left out', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(TWO), (some) => {
      const report = verified(readBack(jsonLines(recordLines(some, all))));
      assert.ok(report.ok);
      for (const chain of report.chains) {
        const missing = chain.omitted.reduce((sum, { from, to }) => sum + to - from + 1, 0);
        assert.equal(chain.events + missing, chain.last - chain.first + 1);
      }
      assert.equal(
        report.chains.reduce((sum, { events }) => sum + events, 0),
        some.length,
      );
    }),
  );
});

test('a line taken out, doubled or moved is noticed, and the first wrong event named', () => {
  const lines = recordLines(TWO, central);
  for (let at = 1; at < lines.length - 1; at++) {
    const line = lines[at];
    assert.ok(line && 'seq' in line);
    const without = lines.toSpliced(at, 1);
    const isEdge = !lines.slice(at + 1).some((later) => 'seq' in later && later.source === line.source);
    const isFirst = line.seq === 1;
    // The first and the last of a chain can go unseen: that is what the head and the checkpoint are for.
    const report = verified(without);
    assert.equal(report.ok, isEdge || isFirst);
    if (!report.ok) assert.deepEqual([report.source, report.seq], [line.source, line.seq + 1]);
    assert.equal(verified(lines.toSpliced(at, 0, line)).ok, false);
  }
});

test('any change of any byte of any line is noticed', () => {
  const rows = jsonLines(recordLines(TWO, central)).trimEnd().split('\n');
  fc.assert(
    fc.property(fc.nat(rows.length - 1), fc.nat(), fc.integer({ min: 32, max: 126 }), (row, place, code) => {
      const before = rows[row] ?? '';
      const at = place % before.length;
      const after = before.slice(0, at) + String.fromCharCode(code) + before.slice(at + 1);
      fc.pre(after !== before);
      const read = readRecordLine(after);
      if (read === undefined) return;
      assert.equal(verified(rows.flatMap((text, index) => (index === row ? read : readBack(text)))).ok, false);
    }),
    { numRuns: 500 },
  );
});

test('a member that was slipped in is noticed', () => {
  const [first] = TWO;
  const read = readRecordLine(canonicalJson({ ...first, approvedByBoss: true }));
  assert.ok(read);
  assert.equal(verified([read]).ok, false);
});

test('only a source that may hide events may have gaps', () => {
  const gappy = TWO.filter(({ seq }) => seq !== 3);
  const report = verified(recordLines(gappy, central));
  assert.deepEqual(report, { ok: false, source: 'daemon-1', seq: 4, why: 'expected event 3' });
});

test('a line has one way to be written: no space, no order and no escape of its own', () => {
  const text = canonicalJson(TWO[0]);
  assert.ok(readRecordLine(text));
  for (const other of [` ${text}`, `${text}\r`, text.replace('{', '{ '), text.replace('"at"', '"\\u0061t"'), text.replace('{', '{"at":1,')])
    assert.equal(readRecordLine(other), undefined, other);
});

test('lines that are none, or omissions that run backwards, are not read', () => {
  for (const text of [
    '',
    '{}',
    '[]',
    'null',
    '{"omitted":{"source":"central","from":5,"to":4}}',
    '{"omitted":{"source":"central","from":1,"to":2},"x":1}',
    '{"kind":1}',
  ]) {
    assert.equal(readRecordLine(text), undefined, text);
  }
});

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

const STORY = recorded(storyBodies(1));
const FIRST = STORY[0] as AuditEvent;
const csvOf = (events: AuditEvent[]) => {
  const [head = [], ...rows] = parse(recordCsv(events));
  return rows.map((row) => {
    assert.equal(row.length, head.length);
    return (name: string) => row[head.indexOf(name)];
  });
};

test('each event is a row of CSV that says what the event says', () => {
  const rows = csvOf(STORY);
  assert.equal(rows.length, 8);
  assert.deepEqual(['at', 'source', 'seq', 'kind'].map(rows[0] as (name: string) => string | undefined), [
    '2026-11-23T09:01:00.000Z',
    'central',
    '1',
    'request.created',
  ]);
  assert.deepEqual([rows[0]?.('reason'), rows[0]?.('lateByMs')], ['Drain web-2 before the kernel update', '']);
  assert.deepEqual([rows[7]?.('lateByMs'), rows[7]?.('lateAfter')], ['1400', 'due']);
});

const formula = fc
  .tuple(
    fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', ' =', '\u0000=', '\u200b=', '＝', '＋', '－', '＠'),
    fc.string({ unit: 'binary' }),
  )
  .map((parts) => parts.join(''));
const typed = fc.oneof(fc.string({ unit: 'binary' }), formula, fc.constantFrom(...HOSTILE, "=cmd|'/c calc'!A1", '","=1+1', '"\r\n=1+1'));

test('whatever people typed comes back from CSV as typed, and never as a formula', () => {
  fc.assert(
    fc.property(typed, typed, (reason, name) => {
      const event = { ...FIRST, reason, person: { id: 'p', name } } as AuditEvent;
      for (const [column, text] of [
        ['reason', reason],
        ['person', name],
      ] as const) {
        const read = csvOf([event])[0]?.(column) ?? '';
        const expected = text.toWellFormed();
        assert.ok(read === expected || read === `'${expected}`);
        assert.ok(!/^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u.test(read), `a spreadsheet would run ${JSON.stringify(read)}`);
      }
    }),
    { numRuns: 500 },
  );
});

test('an instant that no calendar knows leaves its cell empty and the number beside it', () => {
  const [row] = csvOf([{ ...FIRST, at: 1e300 }]);
  assert.deepEqual([row?.('at'), row?.('atMs')], ['', '1e+300']);
});

test('an event of a newer writer is read whole, and verifies', () => {
  const kind = 'grant.put-on-hold' as AuditKind;
  const events = recorded([...storyBodies(1), { ...(storyBodies(1)[7] as AuditBody), kind, heldBy: { id: 'x' } } as AuditBody]);
  const lines = readBack(jsonLines(recordLines(events, central)));
  assert.equal(verified(lines).ok, true);
  assert.equal(csvOf(lines.filter(isEvent)).at(-1)?.('kind'), kind);
});

test('without a filter only central may leave something out', () => {
  assert.deepEqual(['central', 'daemon-1'].map(mayOmit({})), [true, false]);
  assert.deepEqual(['central', 'daemon-1'].map(mayOmit({ text: '', kind: undefined })), [true, false]);
  assert.deepEqual(['central', 'daemon-1'].map(mayOmit({ text: 'x' })), [true, true]);
});
