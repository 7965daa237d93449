import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ExportFile, type ExportFormat, exportEvents } from '../../../extension/audit/export.ts';
import { type AskDaemon, oldestFirst } from '../../../extension/audit/record.ts';
import type { AuditEvent } from '../../../protocol/audit.ts';
import { Fault } from '../../../protocol/fault.ts';
import { readRecordLine } from '../../../protocol/record-file.ts';
import { RecordVerifier } from '../../../protocol/record-verifier.ts';
import { many, recorded, recordOf, storyBodies } from '../../support/audit-events.ts';
import { recordCrypto } from '../../support/record-crypto.ts';

const whole = many(4_000);

test('every event comes exactly once and in order, however the record grows while it is read', async () => {
  const growth = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 1_500 }), growth, async (start, grows) => {
      const events = whole.slice(0, start);
      let asked = 0;
      const ask = recordOf(events, () => {
        const by = grows[asked++] ?? 0;
        events.push(...whole.slice(events.length, events.length + by));
      });
      const read: number[] = [];
      for await (const page of oldestFirst(ask, {})) read.push(...page.events.map(({ seq }) => seq));
      assert.deepEqual(
        read,
        Array.from(read, (_, index) => index + 1),
      );
      assert.ok(read.length >= start);
    }),
    { numRuns: 100 },
  );
});

test('events that were recorded late do not hide others', async () => {
  const events = whole.slice(0, 1_000);
  let asked = 0;
  const late = recorded(storyBodies(5), 'daemon');
  const ask = recordOf(events, () => {
    const event = late[asked++];
    if (event) events.splice(50 * asked, 0, event);
  });
  const read: AuditEvent[] = [];
  for await (const page of oldestFirst(ask, {})) read.push(...page.events);
  const central = read.filter(({ source }) => source === 'central').map(({ seq }) => seq);
  assert.deepEqual(
    central,
    Array.from({ length: 1_000 }, (_, index) => index + 1),
  );
});

test('an incomplete answer never passes for a complete record', async () => {
  for (const cut of [undefined, true]) {
    const short: AskDaemon = async (_, { limit }: { limit?: number }) =>
      ({ total: 500, events: limit === 1 ? [] : whole.slice(0, 1), cut }) as never;
    const read = async () => {
      for await (const page of oldestFirst(short, {})) assert.ok(page);
    };
    await assert.rejects(read, { name: 'Fault', code: 'protocol-violation' });
  }
});

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
  progress(written) {
    if (written >= cancelAt) Object.defineProperty(this, 'cancelled', { value: true });
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
  assert.deepEqual(await exportEvents(recordOf([...TWO]), {}, async () => file), { saved: { file: 'audit.jsonl', events: 24 } });
  const report = verified(file.text);
  assert.deepEqual(report.ok && report.chains.map(({ events, omitted }) => [events, omitted.length]), [
    [16, 0],
    [8, 0],
  ]);
  assert.equal(file.ended, 'done');
});

test('an export under a filter verifies, and declares what it left out', async () => {
  const file = keep('jsonl');
  await exportEvents(recordOf([...TWO]), { kind: 'grant.gone' }, async () => file);
  const report = verified(file.text);
  assert.deepEqual(report.ok && report.chains.map(({ source, events, omitted }) => [source, events, omitted]), [
    ['central', 2, [{ source: 'central', from: 9, to: 15 }]],
    ['daemon-1', 1, []],
  ]);
});

test('what is missing from the own record without a filter does not verify', async () => {
  const file = keep('jsonl');
  const gappy = TWO.filter(({ source, seq }) => source === 'central' || seq !== 4);
  await exportEvents(recordOf(gappy), {}, async () => file);
  assert.deepEqual(verified(file.text), { ok: false, source: 'daemon-1', seq: 5, why: 'expected event 4' });
});

test('events too large for one answer come in smaller ones, each exactly once', async () => {
  const asked: number[] = [];
  const record = recordOf(whole.slice(0, 2_500));
  const ask: AskDaemon = async (method, params) => {
    const { limit } = params as { limit: number };
    const page = (await record(method, params)) as { total: number; events: AuditEvent[] };
    asked.push(limit);
    return (limit > 300 ? { ...page, events: page.events.slice(0, 300), cut: true } : page) as never;
  };
  const read: number[] = [];
  for await (const page of oldestFirst(ask, {})) read.push(...page.events.map(({ seq }) => seq));
  assert.deepEqual(
    read,
    Array.from({ length: 2_500 }, (_, index) => index + 1),
  );
  assert.ok(asked.length < 25);
});

test('an export holds what the filter shows, as CSV with a head', async () => {
  const file = keep('csv');
  const result = await exportEvents(recordOf(whole.slice(0, 800)), { kind: 'grant.gone' }, async () => file);
  assert.equal(result.saved?.events, 100);
  assert.equal(file.text.split('\r\n').length, 102);
});

test('an export that fails or is cancelled leaves nothing, and not choosing a place is no failure', async () => {
  const failed = keep('csv');
  let asked = 0;
  const breaks = recordOf(whole.slice(0, 3_000), () => {
    if (++asked > 3) throw new Fault('timed-out', 'The daemon is gone');
  });
  await assert.rejects(
    exportEvents(breaks, {}, async () => failed),
    Fault,
  );
  assert.equal(failed.ended, 'discarded');
  const cancelled = keep('jsonl', 400);
  assert.deepEqual(await exportEvents(recordOf(whole.slice(0, 1_000)), {}, async () => cancelled), {});
  assert.equal(cancelled.ended, 'discarded');
  assert.deepEqual(await exportEvents(recordOf([]), {}, async () => undefined), {});
});
