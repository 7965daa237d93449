import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AskDaemon, oldestFirst } from '../../../extension/audit/record.ts';
import type { AuditEvent } from '../../../protocol/audit.ts';
import { many, recorded, recordOf, storyBodies } from '../../support/audit-events.ts';

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
    const short = (async (_: string, { limit }: { limit: number }) => ({
      total: 500,
      events: limit === 1 ? [] : whole.slice(0, 1),
      cut,
    })) as unknown as AskDaemon;
    const read = async () => {
      for await (const page of oldestFirst(short, {})) assert.ok(page);
    };
    await assert.rejects(read, { name: 'Fault', code: 'protocol-violation' });
  }
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
