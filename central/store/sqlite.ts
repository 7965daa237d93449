import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { type Dialect, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import { Fault } from '../../protocol/fault.ts';

/** Statements that are prepared once. There are fewer, but for lists of many lengths. */
const KEPT_STATEMENTS = 200;
/** The `detail` of the Fault of a file that is no good store any more. */
export const DAMAGED = 'damaged';
/** A larger file is checked only where the grants are: what stands has to be known at once. */
const CHECKED_WHOLE = 64 * 1_024 * 1_024;

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
      check(db);
    } catch (error) {
      db.close();
      throw error;
    }
    const statements = new Map<string, SqliteStatement>();
    return {
      close: () => db.close(),
      prepare(text) {
        // A disk that is full ends the transaction by itself: undoing it again would hide why.
        const sql = text === 'rollback' && !db.isTransaction ? 'SELECT 1 WHERE 0' : text;
        const known = statements.get(sql);
        if (known) return known;
        const statement = db.prepare(sql);
        const prepared: SqliteStatement = {
          // SELECT, or RETURNING.
          reader: statement.columns().length > 0,
          all: (values) => statement.all(...flat(values)),
          run: (values) => statement.run(...flat(values)),
          // One of its own: it is read from while others may run.
          iterate: (values) => db.prepare(sql).iterate(...flat(values)),
        };
        if (statements.size < KEPT_STATEMENTS) statements.set(sql, prepared);
        return prepared;
      },
    };
  } catch (cause) {
    if (isDamaged(cause)) throw new Fault('store-failed', `The store ${file} is damaged`, { cause, detail: DAMAGED });
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

function check(db: DatabaseSync): void {
  const one = (sql: string): unknown => Object.values(db.prepare(sql).get() ?? {})[0];
  const size = Number(one('PRAGMA page_count')) * Number(one('PRAGMA page_size'));
  const checks = size <= CHECKED_WHOLE ? ['PRAGMA quick_check(1)'] : ['PRAGMA quick_check(grants)', 'PRAGMA quick_check(requests)'];
  for (const each of checks) if (one(each) !== 'ok') throw new Damaged('The check found damage');
}

class Damaged extends Error {}

/** 11 is SQLITE_CORRUPT, 26 SQLITE_NOTADB. */
const isDamaged = (error: unknown): boolean => error instanceof Damaged || [11, 26].includes(codeOf(error) ?? 0);

/** 13 is SQLITE_FULL. */
export const isFull = (error: unknown): boolean => codeOf(error) === 13;

const codeOf = (error: unknown): number | undefined => (error as { errcode?: number } | undefined)?.errcode;
