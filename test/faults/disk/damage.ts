import { closeSync, existsSync, openSync, statSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const PAGE = 4_096;

/** The first bytes of a SQLite file say what it is. */
export function damageHeader(file: string): void {
  overwrite(file, 0, 100);
  damageLog(file);
}

/** Every page but the first, which alone tells SQLite that there are others. What stands in the log is moved there before. */
export function damagePages(file: string): void {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  damageOpen(file);
}

/** Of a file that somebody has open, and has locked. */
export function damageOpen(file: string): void {
  damageTail(file);
  damageLog(file);
}

function damageTail(file: string): void {
  const { size } = statSync(file);
  for (let at = PAGE; at < size; at += PAGE) overwrite(file, at, 512);
}

/** Good pages in the log would stand in for the bad ones. */
function damageLog(file: string): void {
  if (existsSync(`${file}-wal`)) overwrite(`${file}-wal`, 0, 32);
}

function overwrite(file: string, at: number, length: number): void {
  const fd = openSync(file, 'r+');
  try {
    writeSync(fd, Buffer.alloc(length, 0xa5), 0, length, at);
  } finally {
    closeSync(fd);
  }
}
