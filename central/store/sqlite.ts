import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { Fault } from '../../protocol/fault.ts';
import type { OpenSqlite, Sqlite } from './sqlite-thread.ts';

/** The `detail` of the Fault of a file that is no good store any more. */
export const DAMAGED = 'damaged';

/** Loaded like this it is a file of its own in the bundle, too: the thread begins with nothing else. */
const inThread: OpenSqlite = async (file) => (await import('./sqlite-thread.ts')).sqliteInThread(file);

export interface SqliteOptions {
  /** Opens the file; in a thread of its own unless told. */
  open?: OpenSqlite | undefined;
  /** Called when the file, or the thread that has it, turns out to be no good any more: whoever opens it again finds out which. */
  onLost?: (() => void) | undefined;
}

/**
 * All that is peculiar to SQLite. One central at a time: the file stays locked while it is open.
 * @throws Fault `store-failed`.
 */
export async function sqliteDialect(file: string, { open = inThread, onLost = () => {} }: SqliteOptions = {}): Promise<Dialect> {
  const sqlite = await open(file).catch((cause: Error) => {
    if (isDamaged(cause)) throw new Fault('store-failed', `The store ${file} is damaged`, { cause, detail: DAMAGED });
    const locked = /locked|busy/i.test(cause.message);
    throw new Fault('store-failed', locked ? `Another central uses ${file}` : `The store ${file} cannot be opened`, {
      cause,
      wayOut: locked ? 'Stop the other one, or name another file' : 'Check that the folder exists and may be written',
    });
  });
  return {
    createDriver: () => new SqliteDriver(sqlite, onLost),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new Adapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

/** Kysely takes SQLite for one that changes its tables at once: a start that was cut short would leave half of them, for ever. */
class Adapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Kysely's own driver needs answers in the same turn. There is one connection, and Kysely lends it to one at a time. */
class SqliteDriver implements Driver {
  readonly #sqlite: Sqlite;
  readonly #connection: DatabaseConnection;

  constructor(sqlite: Sqlite, onLost: () => void) {
    this.#sqlite = sqlite;
    this.#connection = {
      executeQuery: async <R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> => {
        try {
          const { rows, changes } = await sqlite.run(sql, parameters);
          return { rows: rows as R[], numAffectedRows: BigInt(changes) };
        } catch (error) {
          if (isDamaged(error) || sqlite.gone) onLost();
          throw error;
        }
      },
      streamQuery: () => {
        throw new Error('A long answer is read in pages, by its key');
      },
    };
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#sqlite.close();
  }
}

/** 11 is SQLITE_CORRUPT, 26 SQLITE_NOTADB. */
const isDamaged = (error: unknown): boolean => [11, 26].includes(codeOf(error) ?? 0);

/** 13 is SQLITE_FULL. */
export const isFull = (error: unknown): boolean => codeOf(error) === 13;

const codeOf = (error: unknown): number | undefined => (error as { errcode?: number } | undefined)?.errcode;
