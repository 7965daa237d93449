import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChainReader } from '../../../daemon/journal/chains.ts';
import { openJournal } from '../../../daemon/journal/open.ts';
import { RecordQuery } from '../../../daemon/journal/query.ts';
import { RecordStore } from '../../../daemon/journal/record.ts';
import type { AuditEvent, AuditFilter } from '../../../protocol/audit.ts';
import { type AskRecord, recordInOrder } from '../../../protocol/record-reader.ts';
import { balancer, grantId, person, recorded, requestId, storyBodies } from '../../support/audit-events.ts';

const key = ({ source, seq }: AuditEvent) => `${source}/${seq}`;

function journal(t: { after(run: () => void): void }, events: AuditEvent[]) {
  const db = openJournal(':memory:', 0);
  t.after(() => db.close());
  const store = new RecordStore(db, 'daemon');
  store.mirror(events);
  const reader = new ChainReader(db);
  const ask = (async (method: string, params: never) =>
    method === 'audit.chains' ? reader.chains(params) : reader.read(params)) as AskRecord;
  return { db, store, reader, query: new RecordQuery(db), ask };
}

const STORIES = [
  ...recorded([...storyBodies(1), ...storyBodies(2), ...storyBodies(3).slice(0, 2)]),
  ...recorded(storyBodies(4), 'daemon-a'),
  ...recorded(storyBodies(5), 'daemon-b', 7),
];

test('the chains are told with their first and last event', (t) => {
  const { reader } = journal(t, STORIES);
  const { chains, next } = reader.chains({});
  assert.deepEqual(
    chains.map(({ source, first, last }) => [source, first, last]),
    [
      ['central', 1, 18],
      ['daemon-a', 1, 8],
      ['daemon-b', 8, 15],
    ],
  );
  assert.equal(chains[0]?.at, STORIES[0]?.at);
  assert.equal(next, undefined);
  assert.deepEqual(
    reader.chains({ after: 'daemon-a' }).chains.map(({ source }) => source),
    ['daemon-b'],
  );
  assert.deepEqual(journal(t, []).reader.chains({}), { chains: [] });
});

test('more chains than fit into one answer are told in several', async (t) => {
  const events = Array.from({ length: 2_100 }, (_, n) => recorded(storyBodies(n).slice(0, 1), `daemon-${n}`)).flat();
  const { reader, ask } = journal(t, events);
  assert.equal(reader.chains({}).chains.length, 1_000);
  const read: string[] = [];
  for await (const part of recordInOrder(ask, {})) read.push(...part.events.map(key));
  assert.deepEqual(read, events.map(key));
});

test('each filter gives what the panel shows under it', async (t) => {
  const { ask, query } = journal(t, STORIES);
  const filters: AuditFilter[] = [
    {},
    { person: person(1).id },
    { balancer: balancer(2).id },
    { kind: 'grant.gone' },
    { grantId: grantId(1) },
    { requestId: requestId(3) },
    { text: 'kernel' },
    { text: 'nowhere' },
  ];
  for (const filter of filters) {
    const read: string[] = [];
    for await (const part of recordInOrder(ask, filter)) read.push(...part.events.map(key));
    const shown = query.query({ filter, offset: 0, limit: 200 }).events.map(key);
    assert.deepEqual(read.toSorted(), shown.toSorted(), JSON.stringify(filter));
  }
});

test('pages of any size join without a gap or a double', (t) => {
  const { reader } = journal(t, STORIES);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), (limit) => {
      let asked = reader.chains({}).chains.map(({ source, first, last }) => ({ source, after: first - 1, to: last }));
      const read: string[] = [];
      while (asked.length > 0) {
        const { events, reached } = reader.read({ filter: {}, chains: asked, limit });
        assert.ok(events.length > 0 && events.length <= limit);
        read.push(...events.map(key));
        const at = new Map(reached.map(({ source, seq }) => [source, seq]));
        asked = asked.map((chain) => ({ ...chain, after: at.get(chain.source) ?? chain.after })).filter(({ after, to }) => after < to);
      }
      assert.deepEqual(read, STORIES.map(key));
    }),
  );
});

test('an answer is no larger than the door lets through, and large events still come', (t) => {
  const large = recorded(storyBodies(1).map((body) => ({ ...body, data: { blob: 'x'.repeat(400_000) } })));
  const { reader } = journal(t, large);
  let after = 0;
  while (after < 8) {
    const { events, reached } = reader.read({ filter: {}, chains: [{ source: 'central', after, to: 8 }], limit: 2_000 });
    assert.ok(events.length >= 1 && events.length <= 2);
    after = reached[0]?.seq ?? 8;
  }
});

test('events of somebody else are looked over in bounded steps', (t) => {
  const { reader } = journal(t, recorded(Array.from({ length: 100 }, (_, n) => storyBodies(n)).flat()));
  const { events, reached } = reader.read({
    filter: { text: 'nowhere' },
    chains: [{ source: 'central', after: 0, to: 800 }],
    limit: 300,
  });
  assert.deepEqual([events.length, reached], [0, [{ source: 'central', seq: 300 }]]);
});

test('a record that became shorter while it was read is a fault: half of it must not pass for the whole', async (t) => {
  const { db, ask } = journal(t, recorded(Array.from({ length: 400 }, (_, n) => storyBodies(n)).flat()));
  const read = async () => {
    for await (const part of recordInOrder(ask, {})) {
      assert.ok(part.events.length > 0);
      db.exec("DELETE FROM event WHERE source = 'central'");
    }
  };
  await assert.rejects(read, { name: 'Fault', code: 'store-failed' });
});
