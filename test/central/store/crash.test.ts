import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { sqliteDialect } from '../../../central/store/sqlite.ts';
import type { OpenSqlite } from '../../../central/store/sqlite-thread.ts';
import { Store } from '../../../central/store/store.ts';
import { scratch } from '../../support/scratch.ts';
import { sqliteHere } from '../../support/sqlite-here.ts';

/** As if the process were killed after so many statements: the file loses its owner, and nothing more is said. */
function killedAfter(statements: number): { open: OpenSqlite; ran: () => number } {
  let ran = 0;
  let killed = false;
  const open: OpenSqlite = async (name) => {
    const file = await sqliteHere(name);
    return {
      gone: false,
      async run(sql, values) {
        if (ran < statements) {
          ran += 1;
          return file.run(sql, values);
        }
        if (!killed) await file.close();
        killed = true;
        throw new Error('killed');
      },
      async close() {
        if (!killed) await file.close();
      },
    };
  };
  return { open, ran: () => ran };
}

test('a store whose first start was cut short at any statement opens at the next one', async (t) => {
  const folder = scratch(t);
  const whole = killedAfter(Number.POSITIVE_INFINITY);
  const first = await Store.open(await sqliteDialect(path.join(folder, 'whole.db'), whole));
  await first.close();
  assert.ok(whole.ran() > 20, `${whole.ran()} statements make a store`);
  for (let statements = 0; statements < whole.ran(); statements++) {
    const file = path.join(folder, `${statements}.db`);
    await assert.rejects(async () => Store.open(await sqliteDialect(file, killedAfter(statements))));
    const store = await Store.open(await sqliteDialect(file, { open: sqliteHere }));
    assert.equal((await store.head()).seq, 0);
    await store.close();
  }
});
