import type { Kysely } from 'kysely';
import { type AuditEvent, canonicalJson, NO_EVENT_BEFORE } from '../../protocol/audit.ts';
import { fromHex, toHex, utf8 } from '../../protocol/bytes.ts';
import { Fault } from '../../protocol/fault.ts';
import { Frontier, type Hash, leafHash, type Plan, type Subtree } from '../../protocol/merkle.ts';
import { solve } from '../../protocol/merkle-proof.ts';
import { recordCrypto } from '../record/crypto.ts';
import type { Schema } from './schema.ts';

/** The trees of the record as tables: the right edge beside each chain's head, all perfect subtrees as rows. */

const { sha256 } = recordCrypto;
const HEX = 64;
/** Their rows must fit into one statement. */
const AT_ONCE = 500;

/** Where a chain ends, and the right edge of its tree. */
export interface Head {
  seq: number;
  hash: string;
  frontier: Frontier;
}

export const leafOf = (event: AuditEvent): Hash => leafHash(sha256, utf8(canonicalJson(event)));

export async function headOf(db: Kysely<Schema>, source: string): Promise<Head> {
  const row = await db.selectFrom('heads').select(['seq', 'hash', 'peaks']).where('source', '=', source).executeTakeFirst();
  if (!row) return { seq: 0, hash: NO_EVENT_BEFORE, frontier: new Frontier(sha256) };
  const peaks = Array.from({ length: row.peaks.length / HEX }, (_, at) => hashIn(row.peaks.slice(at * HEX, (at + 1) * HEX)));
  return { seq: Number(row.seq), hash: row.hash, frontier: new Frontier(sha256, Number(row.seq), peaks) };
}

/**
 * Adds events to a chain's tree and moves its head. `head` is that before them, and is the one after them when it resolves.
 * @param leaves Of these events.
 */
export async function grow(
  db: Kysely<Schema>,
  source: string,
  head: Head,
  events: readonly AuditEvent[],
  leaves: readonly Hash[],
): Promise<void> {
  const nodes = leaves.flatMap((leaf) => head.frontier.add(leaf));
  head.seq = events.at(-1)?.seq ?? head.seq;
  head.hash = events.at(-1)?.hash ?? head.hash;
  const rows = nodes.map(({ level, index, hash }) => ({ source, level, position: index, hash: toHex(hash) }));
  await db.insertInto('tree').values(rows).execute();
  const row = { seq: head.seq, hash: head.hash, peaks: head.frontier.peaks.map(toHex).join('') };
  await db
    .insertInto('heads')
    .values({ source, ...row })
    .onConflict((conflict) => conflict.column('source').doUpdateSet(row))
    .execute();
}

/** A record from before there were trees gets its own. */
export async function plant(db: Kysely<Schema>, source: string): Promise<void> {
  const bare = await db.selectFrom('heads').select('seq').where('source', '=', source).where('peaks', '=', '').executeTakeFirst();
  if (!bare) return;
  await db.transaction().execute(async (tx) => {
    const head: Head = { seq: 0, hash: NO_EVENT_BEFORE, frontier: new Frontier(sha256) };
    for (let more = true; more; ) {
      const rows = await tx.selectFrom('events').select('body').where('seq', '>', head.seq).orderBy('seq').limit(AT_ONCE).execute();
      const events = rows.map(({ body }) => JSON.parse(body) as AuditEvent);
      if (events.length > 0) await grow(tx, source, head, events, events.map(leafOf));
      more = rows.length === AT_ONCE;
    }
  });
}

/** What a proof needs of a chain's tree. */
export async function hashesOf(db: Kysely<Schema>, source: string, plan: Plan): Promise<Hash[]> {
  const wanted = plan.flat();
  if (wanted.length === 0) return [];
  const rows = await db
    .selectFrom('tree')
    .select(['level', 'position', 'hash'])
    .where('source', '=', source)
    .where((where) => where.or(wanted.map(({ level, index }) => where.and([where('level', '=', level), where('position', '=', index)]))))
    .execute();
  const known = new Map(rows.map(({ level, position, hash }) => [`${level} ${position}`, hash]));
  return solve(sha256, plan, ({ level, index }: Subtree) => hashIn(known.get(`${level} ${index}`) ?? ''));
}

function hashIn(hex: string): Hash {
  const hash = fromHex(hex, HEX / 2);
  if (!hash) throw new Fault('store-failed', 'The tree of the record has a hole', { wayOut: 'Restore the store from a backup' });
  return hash;
}
