import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../protocol/fault.ts';

export interface Lock {
  release(): void;
}

/**
 * The one-daemon-per-person lock: an exclusive SQLite transaction that is never committed. The kernel frees it with the
 * process, however that ends.
 * @returns undefined when another process holds it.
 */
export function takeLock(file: string): Lock | undefined {
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA busy_timeout=0; PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
    // 5 is SQLITE_BUSY; anything else is not somebody else's lock.
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === 5) return undefined;
    throw new Fault('store-failed', `The lock ${file} cannot be taken`, { cause, wayOut: 'Check the disk, or remove the file.' });
  }
  return { release: () => db.close() };
}
