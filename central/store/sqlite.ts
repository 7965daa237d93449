import type { SQLInputValue } from 'node:sqlite';
import { type Dialect, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import { Fault } from '../../protocol/fault.ts';

/** Statements that are prepared once. There are fewer, but for lists of many lengths. */
const KEPT_STATEMENTS = 200;

/** All that is peculiar to SQLite. One central at a time: the file stays locked while it is open. */
export async function sqliteDialect(file: string): Promise<Dialect> {
  return new SqliteDialect({ database: await open(file) });
}

async function open(file: string): Promise<SqliteDatabase> {
  try {
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(file);
    try {
      // FULL: a commit that was answered is on the disk. EXCLUSIVE before WAL: a second central cannot open the file.
      db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
      db.exec('BEGIN IMMEDIATE; COMMIT');
    } catch (error) {
      db.close();
      throw error;
    }
    const statements = new Map<string, SqliteStatement>();
    return {
      close: () => db.close(),
      prepare(text) {
        const known = statements.get(text);
        if (known) return known;
        const statement = db.prepare(text);
        const prepared: SqliteStatement = {
          // SELECT, or RETURNING.
          reader: statement.columns().length > 0,
          all: (values) => statement.all(...flat(values)),
          run: (values) => statement.run(...flat(values)),
          // One of its own: it is read from while others may run.
          iterate: (values) => db.prepare(text).iterate(...flat(values)),
        };
        if (statements.size < KEPT_STATEMENTS) statements.set(text, prepared);
        return prepared;
      },
    };
  } catch (cause) {
    const locked = /locked|busy/i.test((cause as Error).message);
    throw new Fault('store-failed', locked ? `Another central uses ${file}` : `The store ${file} cannot be opened`, {
      cause,
      wayOut: locked ? 'Stop the other one, or name another file' : 'Check that the folder exists and may be written',
    });
  }
}

/** `node:sqlite` takes an object in first place for named parameters, and stores the wrong thing without an error. */
function flat(values: readonly unknown[]): SQLInputValue[] {
  return values.map((value) => {
    if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value)) throw new TypeError('Not a value for a column');
    return value as SQLInputValue;
  });
}
