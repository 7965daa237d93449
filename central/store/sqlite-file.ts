import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** What one statement came to. */
export interface Ran {
  rows: unknown[];
  changes: number | bigint;
}

/** Statements that are prepared once. There are fewer, but for lists of many lengths. */
const KEPT_STATEMENTS = 200;
/** A larger file is checked only where the grants are: what stands has to be known at once. */
const CHECKED_WHOLE = 64 * 1_024 * 1_024;

/** SQLite's `errcode` for it. */
const CORRUPT = 11;

interface Prepared {
  statement: StatementSync;
  /** It answers with rows: SELECT, or RETURNING. */
  reads: boolean;
}

/** One SQLite file, read and written in this thread: each call returns when it is done. */
export class SqliteFile {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();

  /** @throws Error with SQLite's `errcode`. */
  constructor(file: string) {
    this.#db = new DatabaseSync(file);
    try {
      // FULL: a commit that was answered is on the disk. EXCLUSIVE before WAL: a second central cannot open the file.
      this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
      this.#db.exec('BEGIN IMMEDIATE; COMMIT');
      this.#check();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  run(text: string, values: readonly unknown[]): Ran {
    // A disk that is full ends the transaction by itself: undoing it again would hide why.
    if (text === 'rollback' && !this.#db.isTransaction) return { rows: [], changes: 0 };
    const { statement, reads } = this.#prepared(text);
    const bound = values.map(column);
    if (reads) return { rows: statement.all(...bound), changes: 0 };
    return { rows: [], changes: statement.run(...bound).changes };
  }

  close(): void {
    this.#db.close();
  }

  #prepared(sql: string): Prepared {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    const prepared = { statement, reads: statement.columns().length > 0 };
    if (this.#statements.size < KEPT_STATEMENTS) this.#statements.set(sql, prepared);
    return prepared;
  }

  #check(): void {
    const one = (sql: string): unknown => Object.values(this.#db.prepare(sql).get() ?? {})[0];
    const size = Number(one('PRAGMA page_count')) * Number(one('PRAGMA page_size'));
    const checks = size <= CHECKED_WHOLE ? ['PRAGMA quick_check(1)'] : ['PRAGMA quick_check(grants)', 'PRAGMA quick_check(requests)'];
    for (const each of checks) if (one(each) !== 'ok') throw Object.assign(new Error('The check found damage'), { errcode: CORRUPT });
  }
}

/** `node:sqlite` takes an object in first place for named parameters, and stores the wrong thing without an error. */
function column(value: unknown): SQLInputValue {
  if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value)) throw new TypeError('Not a value for a column');
  return value as SQLInputValue;
}
