import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { sqliteDialect } from '../../central/store/sqlite.ts';
import { Store } from '../../central/store/store.ts';
import { openJournal } from '../../daemon/journal/open.ts';
import { RecordStore } from '../../daemon/journal/record.ts';
import { type AuditBody, canonicalJson } from '../../protocol/audit.ts';
import { HOUR } from '../../protocol/clock.ts';
import { storyBodies } from '../../test/support/audit-events.ts';
import { machineClock, putGrantsInUse } from '../central.ts';
import { type Table, times } from '../contract.ts';
import { quantile } from '../sample.ts';
import { inScratch } from '../scratch.ts';

/** So many steps at most share a transaction when many grants move at once. */
const TOGETHER = 8;

/** One event and the change of state that it tells, durable, beside the same bytes at the end of a file. */
export const writingCost = (count: number): Promise<Table> =>
  inScratch(async (folder) => {
    const clock = machineClock();
    const store = await Store.open(await sqliteDialect(path.join(folder, 'central.db')));
    const journal = openJournal(path.join(folder, 'journal.db'), clock.now());
    const own = new RecordStore(journal, 'daemon');
    const file = openSync(path.join(folder, 'bare'), 'a');
    const [id = ''] = await putGrantsInUse(store, [clock.now() + HOUR], clock);
    const change = async (bodies: readonly AuditBody[]) => {
      const kept = await store.kept(id);
      if (!kept) throw new Error('The grant that was put is not there');
      return store.write(async (tx) => {
        for (const [n, body] of bodies.entries()) {
          if (!(await tx.putGrant({ ...kept, version: kept.version + 1 + n }))) throw new Error('The grant was not written');
          await tx.append(body);
        }
      });
    };
    const bare: number[] = [];
    const central: number[] = [];
    const daemon: number[] = [];
    const together: number[] = [];
    const bodies = Array.from({ length: Math.ceil(count / 8) }, (_, n) => storyBodies(n)).flat();
    // In turns: what else the machine does falls on all alike.
    for (const [n, body] of bodies.entries()) {
      const bytes = `${canonicalJson(body)}\n`;
      bare.push(
        await took(() => {
          writeSync(file, bytes);
          fdatasyncSync(file);
        }),
      );
      central.push(await took(() => change([body])));
      daemon.push(await took(() => own.append(body)));
      if (n % TOGETHER === 0) together.push((await took(() => change(bodies.slice(n, n + TOGETHER)))) / TOGETHER);
    }
    closeSync(file);
    journal.close();
    await store.close();
    const row = (name: string, sample: readonly number[]) => [
      name,
      ...[0.5, 0.9].map((share) => times(quantile(sample, share) / quantile(bare, share))),
    ];
    return {
      title: 'One recorded event beside one bare durable append',
      about: [
        'The floor appends the same bytes to a file and calls `fdatasync`. Central’s is the new state of a grant and its event in one',
        'durable transaction, read before it is written; the daemon’s is an event of its journal. In turns, one at a time.',
      ].join(' '),
      columns: ['', 'p50', 'p90'],
      rows: [
        row('bare append and `fdatasync`', bare),
        row('central: state and event', central),
        row(`central: each of ${TOGETHER} in one transaction`, together),
        row('daemon: event', daemon),
      ],
      goals: [],
    };
  });

async function took(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
