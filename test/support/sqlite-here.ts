import { SqliteFile } from '../../central/store/sqlite-file.ts';
import type { Sqlite } from '../../central/store/sqlite-thread.ts';

/** A file that answers within the turn, for tests that move a clock: they would have to wait for a thread. */
export async function sqliteHere(name: string): Promise<Sqlite> {
  const file = new SqliteFile(name);
  return { gone: false, run: async (sql, values) => file.run(sql, values), close: async () => file.close() };
}
