import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditBody, AuditEvent } from '../../protocol/audit.ts';
import { formatOf, writeRecord } from '../../protocol/record-export.ts';
import { isEvent, withOmissions } from '../../protocol/record-file.ts';
import { type AskRecord, recordInOrder } from '../../protocol/record-reader.ts';
import { many, recorded, recordOf, storyBodies } from '../support/audit-events.ts';

const key = ({ source, seq }: AuditEvent) => `${source}/${seq}`;

/** A chain whose writer's clock goes as it likes. */
const chain = (source: string) =>
  fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 25 }).map((instants) =>
    recorded(
      instants.map((at) => ({ ...(storyBodies(1)[at % 8] as AuditBody), at })),
      source,
    ),
  );
const chains = fc
  .uniqueArray(fc.constantFrom('central', 'a', 'b', 'c', 'd'), { minLength: 1 })
  .chain((names) => fc.tuple(...names.map(chain)));

/** A daemon that gives as little as it may: `most` events at a time. */
const stingy =
  (ask: AskRecord, most: number): AskRecord =>
  (method, params) =>
    ask(method, 'limit' in params ? { ...params, limit: Math.min(params.limit, most) } : params);

async function readAll(ask: AskRecord, filter = {}) {
  const parts = [];
  for await (const part of recordInOrder(ask, filter)) parts.push(part);
  return parts;
}

/** The latest instant that the chain of each event has known up to then: a clock that was set back changes no order. */
function known(read: readonly AuditEvent[]): number[] {
  const latest = new Map<string, number>();
  return read.map(({ source, at }) => {
    const now = Math.max(at, latest.get(source) ?? at);
    latest.set(source, now);
    return now;
  });
}

test('every event comes once, each chain in its order, all by time, however small the answers are', async () => {
  await fc.assert(
    fc.asyncProperty(chains, fc.integer({ min: 1, max: 7 }), async (all, most) => {
      const events = all.flat();
      const parts = await readAll(stingy(recordOf(events), most));
      const read = parts.flatMap((part) => part.events);
      assert.deepEqual(read.map(key).sort(), events.map(key).sort());
      for (const [source, given] of Map.groupBy(read, (event) => event.source)) {
        assert.deepEqual(
          given.map(({ seq }) => seq),
          Array.from(given, (_, index) => index + 1),
          source,
        );
      }
      assert.deepEqual(
        known(read),
        known(read).toSorted((a, b) => a - b),
      );
      assert.deepEqual([parts.at(-1)?.read, parts.at(-1)?.total], [events.length, events.length]);
    }),
    { numRuns: 200 },
  );
});

test('a record that grows while it is read is given as it stood at the beginning', async () => {
  const events = many(3_000).slice(0, 2_500);
  const coming = many(3_000).slice(2_500);
  const ask = recordOf(events, () => void events.push(...coming.splice(0, 100)));
  const read = (await readAll(ask)).flatMap((part) => part.events);
  // What came before the first answer is part of it.
  assert.equal(read.length, 2_600);
});

test('what does not match is left out and, where it may be missing, declared', async () => {
  const events = [...recorded([...storyBodies(1), ...storyBodies(2)]), ...recorded(storyBodies(3), 'daemon-1')];
  const read = (await readAll(recordOf(events), { kind: 'grant.gone' })).flatMap((part) => part.events);
  assert.deepEqual(read.map(key), ['central/8', 'central/16', 'daemon-1/8']);
  const declared = withOmissions((source) => source === 'central');
  const lines = read.flatMap((event) => declared([event]));
  assert.deepEqual(
    lines.map((line) => (isEvent(line) ? key(line) : 'omitted' in line && line.omitted)),
    ['central/8', { source: 'central', from: 9, to: 15 }, 'central/16', 'daemon-1/8'],
  );
});

test('little is held at a time: no more pages than chains that have begun', async () => {
  const events = [...many(9_000), ...recorded(storyBodies(1), 'daemon-1')];
  const asked: number[] = [];
  const ask: AskRecord = async (method, params) => {
    const answer = await recordOf(events)(method, params);
    if ('events' in answer) asked.push(answer.events.length);
    return answer;
  };
  let most = 0;
  for (const part of await readAll(ask)) most = Math.max(most, part.events.length);
  assert.ok(most <= 2_000, `${most} at a time`);
  assert.ok(asked.every((count) => count <= 2_000));
  assert.ok(asked.length <= 8, `${asked.length} questions`);
});

test('many short chains cost few questions', async () => {
  const events = Array.from({ length: 300 }, (_, n) => recorded(storyBodies(n), `daemon-${n}`)).flat();
  let asked = 0;
  const ask: AskRecord = (method, params) => {
    asked += 1;
    return recordOf(events)(method, params);
  };
  const read = (await readAll(ask)).flatMap((part) => part.events);
  assert.equal(read.length, events.length);
  assert.ok(asked <= 10, `${asked} questions`);
});

test('an answer that leads nowhere is a fault, not an end', async () => {
  for (const answer of [
    { events: [], reached: [] },
    { events: [], reached: [{ source: 'somebody', seq: 5 }] },
    { events: [], reached: [{ source: 'central', seq: 0 }] },
  ]) {
    const ask = (async (method: string) =>
      method === 'audit.chains' ? { chains: [{ source: 'central', first: 1, last: 9, at: 1 }] } : answer) as unknown as AskRecord;
    await assert.rejects(readAll(ask), { name: 'Fault', code: 'protocol-violation' });
  }
});

test('nothing is read on while what was read is not taken, and a cancelled export says so', async () => {
  let taken = Promise.withResolvers<void>();
  let asked = 0;
  let cancelled = false;
  const ask = recordOf(many(5_000), () => void asked++);
  const running = writeRecord({
    ask,
    filter: {},
    format: formatOf('csv', '1'),
    append: () => taken.promise,
    progress: () => {},
    cancelled: () => cancelled,
  });
  await new Promise(setImmediate);
  assert.equal(asked, 0);
  taken.resolve();
  taken = Promise.withResolvers();
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.equal(asked, 2);
  cancelled = true;
  taken.resolve();
  assert.equal(await running, undefined);
});
