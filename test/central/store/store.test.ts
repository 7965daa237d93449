import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { stamp } from '../../../central/record/body.ts';
import { sqliteDialect } from '../../../central/store/sqlite.ts';
import { Store, sha256 } from '../../../central/store/store.ts';
import { firstBroken } from '../../../protocol/audit.ts';
import { Fault } from '../../../protocol/fault.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { scratch } from '../../support/scratch.ts';

const clock = new ManualClock();
const body = (text: string) => stamp(clock, 'central.started', text);

test('events are chained without a gap, also when many write at once and some fail', async (t) => {
  const store = await Store.open(await sqliteDialect(path.join(scratch(t), 'central.db')));
  t.after(() => store.close());
  const told: number[] = [];
  store.onAppended((events) => void told.push(...events.map(({ seq }) => seq)));
  const writes = Array.from({ length: 40 }, (_, index) =>
    store.write(async (tx) => {
      await tx.append(body(`first of ${index}`));
      await new Promise((resolve) => setImmediate(resolve));
      if (index % 4 === 0) throw new Error('changed its mind');
      await tx.append(body(`second of ${index}`));
    }),
  );
  const results = await Promise.allSettled(writes);
  assert.equal(results.filter(({ status }) => status === 'rejected').length, 10);
  const events = await store.events(0, 1_000);
  assert.deepEqual(
    events.map(({ seq }) => seq),
    Array.from({ length: 60 }, (_, index) => index + 1),
  );
  assert.equal(firstBroken(events, sha256), undefined);
  assert.deepEqual(
    told,
    events.map(({ seq }) => seq),
    'told once, in order, and only what is durable',
  );
});

test('what is read is what was hashed, whatever the text', async (t) => {
  const store = await Store.open(await sqliteDialect(':memory:'));
  t.after(() => store.close());
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
      async (text, reason) => {
        await store.write((tx) => tx.append({ ...body(text), reason }));
        const { seq } = await store.head();
        assert.equal(firstBroken(await store.events(seq - 1, 1), sha256), undefined);
      },
    ),
    { numRuns: 100 },
  );
  assert.equal(firstBroken(await store.events(0, 1_000), sha256), undefined);
});

test('an edit of the file is found', async (t) => {
  const file = path.join(scratch(t), 'central.db');
  const store = await Store.open(await sqliteDialect(file));
  for (const text of ['a', 'b', 'c']) await store.write((tx) => tx.append(body(text)));
  await store.close();
  const db = new DatabaseSync(file);
  db.exec(`UPDATE events SET body = replace(body, '"text":"b"', '"text":"x"') WHERE seq = 2`);
  db.close();
  const again = await Store.open(await sqliteDialect(file));
  t.after(() => again.close());
  assert.equal(firstBroken(await again.events(0, 10), sha256)?.seq, 2);
});

test('a store that a newer version made is left alone', async (t) => {
  const file = path.join(scratch(t), 'central.db');
  await (await Store.open(await sqliteDialect(file))).close();
  const db = new DatabaseSync(file);
  db.exec(`INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-of-tomorrow', '2027-01-01')`);
  db.close();
  await assert.rejects(
    async () => Store.open(await sqliteDialect(file)),
    (error) => error instanceof Fault && error.code === 'store-failed' && /newer version/.test(error.wayOut ?? ''),
  );
});

test('commits are on the disk before they are answered, and the file has one owner', async (t) => {
  const file = path.join(scratch(t), 'central.db');
  const store = await Store.open(await sqliteDialect(file));
  await assert.rejects(sqliteDialect(file), (error) => error instanceof Fault && /Another central/.test(error.message));
  await assert.rejects(sqliteDialect(path.join(file, 'nowhere')), (error) => error instanceof Fault && error.code === 'store-failed');
  await store.close();
  const db = new DatabaseSync(file);
  assert.equal(db.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
  db.close();
});
