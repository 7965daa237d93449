import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqliteDialect } from '../../central/store/sqlite.ts';
import { Store, sha256 } from '../../central/store/store.ts';
import { type AuditEvent, firstBroken } from '../../protocol/audit.ts';
import { MINUTE } from '../../protocol/clock.ts';
import { engine, InstantCloud, machineClock, putGrantsInUse } from '../central.ts';
import { type Bench, type Goal, times } from '../contract.ts';
import { median } from '../sample.ts';
import { inScratch } from '../scratch.ts';
import { fill } from './fill.ts';

const ROUNDS = 9;
/** Grants that fell due while central was down. */
const DUE = 100;
/** The call must go out in this part of the time that verification takes, at the largest record. */
const PART = 10;
/** And in at most so many times what it takes with the smallest. */
const GROWTH = 3;

interface Measured {
  records: number;
  floor: number;
  ours: number;
  verified: number;
}

/** From the opening of the store until the first call that takes a right back, as the record grows. */
export const recovery: Bench = {
  name: 'recovery',
  run: (size, say) =>
    inScratch(async (folder) => {
      const file = path.join(folder, 'central.db');
      const measured: Measured[] = [];
      for (const records of size === 'whole' ? [10_000, 100_000, 1_000_000] : [200, 400]) {
        say(`${records.toLocaleString('en')} records`);
        await fill(file, records);
        measured.push(await measure(file, records, size === 'whole' ? ROUNDS : 3));
      }
      const goals = goalsOf(measured);
      return [
        {
          title: 'Recovery: from the opening of the store to the first revocation',
          about: [
            `${DUE} grants fell due while central was down. The floor opens the same SQLite file and reads their rows; ours opens the store,`,
            'takes up every grant and asks the cloud to take the first one back. The record is verified from its first event to its last',
            'after that, as `portcullis audit verify` does it.',
          ].join(' '),
          columns: ['records', 'first revocation ÷ floor', 'first revocation ÷ that of the smallest', 'verification ÷ first revocation'],
          rows: measured.map(({ records, floor, ours, verified }) => [
            records.toLocaleString('en'),
            times(ours / floor),
            times(ours / (measured[0]?.ours ?? Number.NaN)),
            times(verified / ours),
          ]),
          goals: size === 'whole' ? goals : [],
        },
      ];
    }),
};

async function measure(file: string, records: number, rounds: number): Promise<Measured> {
  const floor: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await fallDue(file);
    floor.push(readDue(file));
    ours.push(await firstRevocation(file));
  }
  return { records, floor: median(floor), ours: median(ours), verified: verification(file, records) };
}

async function fallDue(file: string): Promise<void> {
  const clock = machineClock();
  const store = await Store.open(await sqliteDialect(file));
  await putGrantsInUse(
    store,
    Array.from({ length: DUE }, () => clock.now() - MINUTE),
    clock,
  );
  await store.close();
}

function readDue(file: string): number {
  const start = performance.now();
  const db = new DatabaseSync(file);
  const rows = db.prepare("SELECT body FROM grants WHERE state IN ('usable', 'revoking')").all();
  const took = performance.now() - start;
  db.close();
  if (rows.length < DUE) throw new Error(`Only ${rows.length} grants are due`);
  return took;
}

/** Ends what it takes up, so that the next round finds only its own. */
async function firstRevocation(file: string): Promise<number> {
  const start = performance.now();
  const clock = machineClock();
  const { promise: first, resolve } = Promise.withResolvers<number>();
  const cloud = new InstantCloud(() => resolve(performance.now() - start));
  const store = await Store.open(await sqliteDialect(file));
  const runner = engine(store, cloud, clock);
  await runner.load();
  runner.resume();
  const took = await first;
  await Promise.all(runner.standing.map(({ id }) => runner.send(id, { type: 'observed', access: 'denied', at: clock.now() })));
  await runner.close();
  await store.close();
  const db = new DatabaseSync(file);
  db.exec("UPDATE grants SET state = 'gone' WHERE state <> 'gone'");
  db.close();
  return took;
}

function verification(file: string, records: number): number {
  const start = performance.now();
  const db = new DatabaseSync(file);
  let read = 0;
  function* events(): Generator<AuditEvent> {
    for (const { body } of db.prepare('SELECT body FROM events ORDER BY seq').iterate()) {
      read++;
      yield JSON.parse(String(body)) as AuditEvent;
    }
  }
  const broken = firstBroken(events(), sha256);
  db.close();
  if (broken) throw new Error(`Event ${broken.seq} ${broken.why}`);
  if (read < records) throw new Error(`Only ${read} events were verified`);
  return performance.now() - start;
}

function goalsOf(measured: readonly Measured[]): Goal[] {
  const [smallest, largest] = [measured[0], measured.at(-1)];
  if (!smallest || !largest) throw new Error('Nothing was measured');
  const part = largest.verified / largest.ours;
  const growth = largest.ours / smallest.ours;
  return [
    { text: `revocation starts long before the record could be verified: at least ${PART} × earlier, ${times(part)}`, met: part >= PART },
    { text: `a record a hundred times longer delays it at most ${GROWTH} ×: ${times(growth)}`, met: growth <= GROWTH },
  ];
}
