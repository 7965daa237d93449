import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { csvCell, jsonLines, type RecordLine, readRecordLine, recordCsv, recordLines, verifyRecord } from '../../protocol/record-file.ts';
import { ALICE, EDGE, record, refOf, sha256 } from '../daemon/cli/estate.ts';

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
const all = () => true;
const central = (source: string) => source === 'central';

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
      const report = verifyRecord(readBack(jsonLines(recordLines([...some, ...some], all))), sha256);
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
    const report = verifyRecord(without, sha256);
    assert.equal(report.ok, isEdge || isFirst);
    if (!report.ok) assert.deepEqual([report.source, report.seq], [line.source, line.seq + 1]);
    assert.equal(verifyRecord(lines.toSpliced(at, 0, line), sha256).ok, false);
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
      fc.pre(JSON.stringify(read) !== before);
      assert.equal(
        verifyRecord(
          rows.flatMap((text, index) => (index === row ? read : readBack(text))),
          sha256,
        ).ok,
        false,
      );
    }),
    { numRuns: 500 },
  );
});

test('a member that was slipped in is noticed', () => {
  const [first] = TWO;
  const read = readRecordLine(JSON.stringify({ ...first, approvedByBoss: true }));
  assert.ok(read);
  assert.equal(verifyRecord([read], sha256).ok, false);
});

test('only a source that may hide events may have gaps', () => {
  const gappy = TWO.filter(({ seq }) => seq !== 3);
  const report = verifyRecord(recordLines(gappy, central), sha256);
  assert.deepEqual(report, { ok: false, source: 'daemon-1', seq: 4, why: 'expected event 3' });
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

test('CSV survives any text, and no cell begins a formula', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const cell = csvCell(text);
      const inside = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
      assert.ok(inside === text || inside === `'${text}`);
      assert.doesNotMatch(inside, /^[=+\-@\t\r]/);
      if (!cell.startsWith('"')) assert.doesNotMatch(cell, /[",\r\n]/);
    }),
  );
  const [event] = record('central', [{ text: 'granted', person: { ...ALICE, name: '=cmd()' }, resource: refOf(EDGE) }]);
  assert.ok(event);
  const [head, row] = recordCsv([event], (at) => new Date(at).toISOString()).split('\r\n');
  assert.ok(head?.startsWith('at,source,seq,kind,text,person'));
  assert.ok(row?.startsWith("2026-11-23T12:00:00.000Z,central,1,grant.usable,granted,'=cmd(),"));
});
