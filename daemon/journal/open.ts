import { chmodSync, renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../protocol/fault.ts';
import { noteSetAside } from './set-aside.ts';
import { isDamage } from './sqlite-error.ts';

/** Numbered steps: the file knows how many it has taken. A step is never edited once released. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE lease (
     grant_id TEXT PRIMARY KEY,
     authority TEXT NOT NULL,
     not_after INTEGER NOT NULL,
     ended_at INTEGER,
     boot_id TEXT,
     boot_deadline INTEGER,
     body TEXT NOT NULL
   ) STRICT;
   CREATE INDEX lease_live ON lease (authority) WHERE ended_at IS NULL;
   CREATE TABLE intent (
     request_id TEXT PRIMARY KEY,
     at INTEGER NOT NULL,
     abandoned INTEGER NOT NULL DEFAULT 0,
     body TEXT NOT NULL
   ) STRICT;
   CREATE TABLE event (
     source TEXT NOT NULL,
     seq INTEGER NOT NULL,
     at INTEGER NOT NULL,
     kind TEXT NOT NULL,
     person_id TEXT,
     person_name TEXT,
     balancer_id TEXT,
     balancer_name TEXT,
     grant_id TEXT,
     request_id TEXT,
     words TEXT NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (source, seq)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX event_newest ON event (at DESC, source, seq DESC);
   CREATE INDEX event_kind ON event (kind, at DESC);
   CREATE INDEX event_person ON event (person_id, person_name);
   CREATE INDEX event_balancer ON event (balancer_id, balancer_name);
   CREATE INDEX event_grant ON event (grant_id, request_id);
   CREATE INDEX event_request ON event (request_id);
   CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;`,
  `CREATE TABLE tree (
     source TEXT NOT NULL,
     level INTEGER NOT NULL,
     position INTEGER NOT NULL,
     hash BLOB NOT NULL,
     PRIMARY KEY (source, level, position)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE receipt (
     source TEXT NOT NULL,
     last INTEGER NOT NULL,
     note TEXT NOT NULL,
     PRIMARY KEY (source, last)
   ) STRICT, WITHOUT ROWID;`,
];

/** Of 4 KiB: when the log is as long as this, it goes to its place and is written over. */
const LOG_PAGES = 64;

/**
 * Opens the journal: leases, intents and the record; never a secret. A damaged file is set aside, not deleted, and the new one says so.
 * @param stamp The instant of now: marks the name of a file that is set aside.
 * @param suspect It has shown damage already: every index is looked through too, which takes longer.
 * @throws Fault `store-failed` when no durable journal is possible here, or a newer version wrote it.
 */
export function openJournal(file: string, stamp: number, suspect = false): DatabaseSync {
  try {
    return opened(file, suspect);
  } catch (error) {
    if (!(error instanceof Damaged || isDamage(error))) throw error instanceof Fault ? error : failed(file, error);
  }
  const aside = `${file}.damaged-${stamp}`;
  for (const suffix of ['', '-wal', '-shm']) setAside(`${file}${suffix}`, `${aside}${suffix}`);
  try {
    const db = opened(file, false);
    noteSetAside(db, { at: stamp, file: aside });
    return db;
  } catch (error) {
    throw failed(file, error);
  }
}

function opened(file: string, suspect: boolean): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=2000; PRAGMA foreign_keys=ON');
    // SQLite lets its log grow to 4 MB, which a small disk does not have beside the journal.
    db.exec(`PRAGMA wal_autocheckpoint=${LOG_PAGES}`);
    if (file !== ':memory:') chmodSync(file, 0o600);
    const check = suspect ? 'integrity_check' : 'quick_check';
    if (db.prepare(`PRAGMA ${check}(1)`).get()?.[check] !== 'ok') throw new Damaged();
    migrate(db, file);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: DatabaseSync, file: string): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > MIGRATIONS.length)
    throw new Fault('store-failed', `${file} was written by a newer Portcullis`, { wayOut: 'Update Portcullis.' });
  for (const [at, sql] of MIGRATIONS.entries()) {
    if (at >= version) db.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version=${at + 1}; COMMIT`);
  }
}

class Damaged extends Error {}

function setAside(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // Not every part of it exists.
  }
}

function failed(file: string, cause: unknown): Fault {
  return new Fault('store-failed', `The journal ${file} cannot be opened`, {
    cause,
    wayOut: 'Check free disk space and who owns the folder.',
  });
}
