import { openJournal } from '../../daemon/journal/open.ts';
import { RecordStore } from '../../daemon/journal/record.ts';
import { recorded, storyBodies } from './audit-events.ts';

const PATTERN = 1_000;
const DAY = 86_400_000;

/**
 * A journal with so many events (a multiple of 4,000), as a daemon finds it: three of four in central's chain, the rest in
 * four chains of daemons that ran one after another. The first thousand are real; the others are copies of them with sequence
 * numbers and instants of their own, made by SQLite in one go. Their chain is not computed: this is for size, not for proof.
 */
export function longRecord(file: string, count: number): void {
  const db = openJournal(file, 0);
  // It is thrown away: no need for it to survive a power cut.
  db.exec('PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; PRAGMA cache_size=-65536');
  const bodies = Array.from({ length: PATTERN / 8 }, (_, n) => storyBodies(n)).flat();
  new RecordStore(db, 'pattern').mirror(recorded(bodies, 'pattern'));
  const columns = db
    .prepare("SELECT name FROM pragma_table_info('event')")
    .all()
    .map((row) => String(row['name']));
  const made: Record<string, string> = {
    source: ':source',
    seq: `seq + :block * ${PATTERN}`,
    at: 'at + :later',
    body: `json_set(body, '$.source', :source, '$.seq', seq + :block * ${PATTERN}, '$.at', at + :later)`,
  };
  const copy = db.prepare(
    `INSERT INTO event (${columns.join(', ')}) SELECT ${columns.map((name) => made[name] ?? name).join(', ')} FROM event
     WHERE source = 'pattern'`,
  );
  const blocks = count / PATTERN;
  db.exec('BEGIN');
  for (let n = 0; n < blocks; n++) {
    const place = n < (blocks * 3) / 4 ? { source: 'central', block: n } : daemonBlock(n - (blocks * 3) / 4, blocks / 4);
    copy.run({ ...place, later: place.source === 'central' ? (n * DAY * 30) / blocks : ((n % (blocks / 4)) * DAY * 30 * 4) / blocks });
  }
  db.exec("DELETE FROM event WHERE source = 'pattern'; COMMIT");
  db.close();
}

function daemonBlock(n: number, blocks: number): { source: string; block: number } {
  const each = blocks / 4;
  return { source: `daemon-${Math.floor(n / each)}`, block: n % each };
}
