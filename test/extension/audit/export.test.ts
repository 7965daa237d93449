import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ExportFile, exportEvents } from '../../../extension/audit/export.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { ExportFormat } from '../../../protocol/record-export.ts';
import { readRecordLine } from '../../../protocol/record-file.ts';
import { RecordVerifier } from '../../../protocol/record-verifier.ts';
import { many, recorded, recordOf, storyBodies } from '../../support/audit-events.ts';
import { recordCrypto } from '../../support/record-crypto.ts';

const whole = many(4_000);

interface Kept extends ExportFile {
  text: string;
  ended: 'done' | 'discarded' | undefined;
}
const keep = (format: ExportFormat, cancelAt = Number.POSITIVE_INFINITY): Kept => ({
  name: 'audit.jsonl',
  format,
  text: '',
  ended: undefined,
  async append(text) {
    this.text += text;
  },
  async done() {
    this.ended = 'done';
  },
  async discard() {
    this.ended = 'discarded';
  },
  progress(part) {
    if (part >= cancelAt) Object.defineProperty(this, 'cancelled', { value: true });
  },
  cancelled: false,
});

/** As `portcullis audit verify FILE` reads it. */
function verified(text: string) {
  const lines = text
    .trimEnd()
    .split('\n')
    .map((row) => readRecordLine(row) ?? assert.fail(`no line of a record: ${row}`));
  const verifier = new RecordVerifier(recordCrypto);
  for (const line of lines) verifier.add(line);
  return verifier.end();
}

const TWO = [...recorded([...storyBodies(1), ...storyBodies(2)]), ...recorded(storyBodies(3), 'daemon-1')].sort((a, b) => a.at - b.at);

test('an export without a filter verifies, and leaves nothing out', async () => {
  const file = keep('jsonl');
  assert.deepEqual(await exportEvents(recordOf([...TWO]), {}, async () => file, '1.2.3'), { saved: { file: 'audit.jsonl', events: 24 } });
  const report = verified(file.text);
  assert.deepEqual(report.ok && report.chains.map(({ events, omitted }) => [events, omitted.length]), [
    [16, 0],
    [8, 0],
  ]);
  assert.equal(file.ended, 'done');
});

test('an export under a filter verifies, and declares what it left out', async () => {
  const file = keep('jsonl');
  await exportEvents(recordOf([...TWO]), { kind: 'grant.gone' }, async () => file, '1.2.3');
  const report = verified(file.text);
  assert.deepEqual(report.ok && report.chains.map(({ source, events, omitted }) => [source, events, omitted]), [
    ['central', 2, [{ source: 'central', from: 9, to: 15 }]],
    ['daemon-1', 1, []],
  ]);
});

test('what is missing from the own record without a filter does not verify', async () => {
  const file = keep('jsonl');
  const gappy = TWO.filter(({ source, seq }) => source === 'central' || seq !== 4);
  await exportEvents(recordOf(gappy), {}, async () => file, '1.2.3');
  assert.deepEqual(verified(file.text), { ok: false, source: 'daemon-1', seq: 5, why: 'expected event 4' });
});

test('an export holds what the filter shows, as CSV with a head', async () => {
  const file = keep('csv');
  const result = await exportEvents(recordOf(whole.slice(0, 800)), { kind: 'grant.gone' }, async () => file, '1.2.3');
  assert.equal(result.saved?.events, 100);
  assert.equal(file.text.split('\r\n').length, 102);
});

test('an export that fails or is cancelled leaves nothing, and not choosing a place is no failure', async () => {
  const failed = keep('csv');
  let asked = 0;
  const breaks = recordOf(whole.slice(0, 3_000), () => {
    if (++asked > 2) throw new Fault('timed-out', 'The daemon is gone');
  });
  await assert.rejects(
    exportEvents(breaks, {}, async () => failed, '1.2.3'),
    Fault,
  );
  assert.equal(failed.ended, 'discarded');
  const cancelled = keep('jsonl', 0.1);
  assert.deepEqual(await exportEvents(recordOf(whole), {}, async () => cancelled, '1.2.3'), {});
  assert.equal(cancelled.ended, 'discarded');
  assert.deepEqual(await exportEvents(recordOf([]), {}, async () => undefined, '1.2.3'), {});
});

test('OCSF names the product with its version, and holds one event in each line', async () => {
  const file = keep('ocsf');
  assert.equal((await exportEvents(recordOf([...TWO]), {}, async () => file, '1.2.3')).saved?.events, 24);
  const rows = file.text
    .trimEnd()
    .split('\n')
    .map((row) => JSON.parse(row));
  assert.deepEqual([rows.length, rows[0].metadata.product.version, rows[0].metadata.uid], [24, '1.2.3', 'central/1']);
});
