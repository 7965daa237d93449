import { DatabaseSync } from 'node:sqlite';
import { sqliteDialect } from '../../central/store/sqlite.ts';
import { Store, sha256 } from '../../central/store/store.ts';
import { chain } from '../../protocol/audit.ts';
import { storyBodies } from '../../test/support/audit-events.ts';

/**
 * Grows the record of a store to so many events, each in its place of the chain. The store makes its own tables; the rows go in
 * by plain SQL, for through the store a million commits' worth of statements would take longer than all that is measured here.
 */
export async function fill(file: string, records: number): Promise<void> {
  const store = await Store.open(await sqliteDialect(file));
  let { seq, hash } = await store.head();
  await store.close();
  const db = new DatabaseSync(file);
  const insert = db.prepare('INSERT INTO events (seq, at, kind, body) VALUES (?, ?, ?, ?)');
  db.exec('PRAGMA synchronous = OFF; BEGIN');
  for (let n = 0; seq < records; n++) {
    for (const body of storyBodies(n)) {
      const event = chain(body, { source: 'central', seq: seq + 1, prev: hash }, sha256);
      insert.run(event.seq, Math.round(event.at), event.kind, JSON.stringify(event));
      ({ seq, hash } = event);
    }
  }
  db.prepare(
    "INSERT INTO heads (source, seq, hash) VALUES ('central', ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
  ).run(seq, hash);
  db.exec('COMMIT');
  db.close();
}
