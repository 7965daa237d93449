import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Ran } from './sqlite-file.ts';

/** One SQLite file. Statements are run one after the other, in the order in which they were given. */
export interface Sqlite {
  /** @throws Error with SQLite's `code` and `errcode`. */
  run(sql: string, values: readonly unknown[]): Promise<Ran>;
  /** Whoever ran them has ended, asked or not. */
  readonly gone: boolean;
  close(): Promise<void>;
}

export type OpenSqlite = (file: string) => Promise<Sqlite>;

type Ask = { sql: string; values: readonly unknown[] } | { close: true };
/** What cloning an error would lose stands beside it. */
type Answer = { ran: Ran } | { error: Error; codes: Codes };
type Codes = { code?: unknown; errcode?: unknown };

interface Waiting {
  resolve(ran: Ran): void;
  reject(error: Error): void;
}

const NOTHING: Ran = { rows: [], changes: 0 };

/**
 * Opens the file in a thread of its own: a flush takes milliseconds, and meanwhile grants fall due.
 * @throws Error with SQLite's `code` and `errcode` when it cannot be opened.
 */
export async function sqliteInThread(file: string): Promise<Sqlite> {
  // This module, wherever it was bundled to: in the thread its last lines serve the file.
  const thread = new Worker(new URL(import.meta.url), { workerData: { sqliteFile: file } });
  // A process ends with an idle store as with an idle connection: only what waits for an answer keeps it.
  const waiting: Waiting[] = [];
  let ended: Error | undefined;
  const end = (error: Error): void => {
    ended ??= error;
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  thread.on('message', (answer: Answer) => {
    const first = waiting.shift();
    if (waiting.length === 0) thread.unref();
    if ('ran' in answer) first?.resolve(answer.ran);
    else first?.reject(Object.assign(answer.error, answer.codes));
  });
  thread.on('error', (cause) => end(new Error('The thread of the store has failed', { cause })));
  thread.on('exit', () => end(new Error('The thread of the store has ended')));
  const answered = () => new Promise<Ran>((resolve, reject) => waiting.push({ resolve, reject }));
  const ask = async (question: Ask): Promise<Ran> => {
    if (ended) throw ended;
    thread.postMessage(question);
    thread.ref();
    return answered();
  };
  await answered();
  return {
    run: (sql, values) => ask({ sql, values }),
    get gone() {
      return ended !== undefined;
    },
    close: async () => {
      if (ended) return;
      const exit = once(thread, 'exit');
      await ask({ close: true });
      thread.ref();
      await exit;
    },
  };
}

async function serve(port: NonNullable<typeof parentPort>, name: string): Promise<void> {
  const answer = (act: () => Ran): void => {
    try {
      port.postMessage({ ran: act() } satisfies Answer);
    } catch (thrown) {
      const error = thrown as Error & Codes;
      port.postMessage({ error, codes: { code: error.code, errcode: error.errcode } } satisfies Answer);
    }
  };
  const { SqliteFile } = await import('./sqlite-file.ts');
  let file: InstanceType<typeof SqliteFile> | undefined;
  answer(() => {
    file = new SqliteFile(name);
    return NOTHING;
  });
  if (!file) return;
  const open = file;
  port.on('message', (ask: Ask) => {
    answer(() => {
      if ('sql' in ask) return open.run(ask.sql, ask.values);
      open.close();
      return NOTHING;
    });
    if ('close' in ask) port.close();
  });
}

const asked = workerData as { sqliteFile?: string } | null;
if (!isMainThread && parentPort && asked?.sqliteFile !== undefined) void serve(parentPort, asked.sqliteFile);
