import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import type { Instant } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { Ballast } from './ballast.ts';
import { DAMAGED, type SqliteOptions, sqliteDialect } from './sqlite.ts';
import type { OpenSqlite } from './sqlite-thread.ts';
import { Store } from './store.ts';

export interface OpenedStore {
  store: Store;
  /** Resolves when it turns out, while it is used, to be no good any more. Opened again it is set aside, or as good as new. */
  lost: Promise<void>;
  /** Remade now and then, when it had to be given up. */
  ballast: Ballast;
  /** The store before was damaged: what it is called now. What it held is known to nobody but the cloud. */
  setAside?: string | undefined;
  /** This is not the store that was used last: it comes from a backup, or the last one was lost. Grants may have been forgotten. */
  replaced?: { known: number; last: number } | undefined;
}

const EPOCH = 'epoch';

/**
 * Opens central's store in a file. A damaged one is set aside, never deleted, and a new one is made.
 * @param sqlite Opens the file, as for `sqliteDialect`.
 * @throws Fault `store-failed` when it cannot be opened, another central uses it, or a newer version made it.
 */
export async function openStore(file: string, now: Instant, sqlite?: OpenSqlite): Promise<OpenedStore> {
  const ballast = new Ballast(`${file}.ballast`);
  const { promise: lost, resolve: onLost } = Promise.withResolvers<void>();
  const { store, setAside } = await open(file, ballast, now, { open: sqlite, onLost });
  try {
    const known = Number((await store.fact(EPOCH)) ?? 0);
    const last = readEpoch(`${file}.epoch`);
    const next = Math.max(known, last) + 1;
    // First beside the store: then a store that has it not is older.
    writeFileSync(`${file}.epoch`, `${next}\n`, { mode: 0o600 });
    await store.write((tx) => tx.putFact(EPOCH, String(next)));
    const replaced = setAside === undefined && known < last ? { known, last } : undefined;
    return { store, lost, ballast, setAside, replaced };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function open(file: string, ballast: Ballast, now: Instant, sqlite: SqliteOptions): Promise<{ store: Store; setAside?: string }> {
  try {
    return { store: await Store.open(await sqliteDialect(file, sqlite), { ballast }) };
  } catch (error) {
    if (!(error instanceof Fault) || error.detail !== DAMAGED) throw error;
  }
  const setAside = `${file}.damaged-${Math.round(now)}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (statSync(`${file}${suffix}`, { throwIfNoEntry: false })) renameSync(`${file}${suffix}`, `${setAside}${suffix}`);
  }
  return { store: await Store.open(await sqliteDialect(file, sqlite), { ballast }), setAside };
}

/** How often central was started with a store here. 0 where nobody wrote it down. */
function readEpoch(file: string): number {
  try {
    const epoch = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return Number.isSafeInteger(epoch) && epoch > 0 ? epoch : 0;
  } catch {
    return 0;
  }
}
