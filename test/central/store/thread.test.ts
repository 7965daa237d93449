import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { sqliteInThread } from '../../../central/store/sqlite-thread.ts';
import { scratch } from '../../support/scratch.ts';

const LONG = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT count(*) AS count FROM n';

test('while the disk works, this thread goes on; answers come in the order of the questions', async () => {
  const sqlite = await sqliteInThread(':memory:');
  const order: string[] = [];
  const long = sqlite.run(LONG, []).then(({ rows }) => order.push(`long ${JSON.stringify(rows)}`));
  const short = sqlite.run('SELECT ? AS word', ['here']).then(({ rows }) => order.push(`short ${JSON.stringify(rows)}`));
  await wait(1);
  order.push('a timer');
  await Promise.all([long, short]);
  assert.deepEqual(order, ['a timer', 'long [{"count":2000000}]', 'short [{"word":"here"}]']);
  await sqlite.close();
});

test('what goes wrong there arrives with its codes, and what follows is done', async (t) => {
  await assert.rejects(sqliteInThread(path.join(scratch(t), 'nowhere', 'file.db')), { code: 'ERR_SQLITE_ERROR', errcode: 14 });
  const sqlite = await sqliteInThread(':memory:');
  await assert.rejects(sqlite.run('SELECT * FROM nowhere', []), { code: 'ERR_SQLITE_ERROR', errcode: 1, message: /no such table/ });
  await assert.rejects(sqlite.run('SELECT ?', [{ an: 'object' }]), /Not a value for a column/);
  await assert.rejects(sqlite.run('SELECT ?', [() => {}]), { name: 'DataCloneError' });
  assert.deepEqual((await sqlite.run('SELECT 1 AS one', [])).rows, [{ one: 1 }]);
  await sqlite.close();
  await sqlite.close();
  await assert.rejects(sqlite.run('SELECT 1', []), /has ended/);
  assert.equal(sqlite.gone, true);
});
