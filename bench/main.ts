// `npm run bench [-- NAME…]`: measures what was promised, each figure beside a floor or a peer, and writes bench/results.md.
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Bench, Table } from './contract.ts';
import { daemon } from './daemon/bench.ts';
import { lateness } from './lateness/bench.ts';
import { record } from './record/bench.ts';
import { recovery } from './recovery/bench.ts';
import { isBusy, merged, page, section } from './results.ts';

const BENCHES: readonly Bench[] = [record, recovery, daemon, lateness('lateness', 10_000), lateness('lateness-100k', 100_000)];
const RESULTS = path.join(import.meta.dirname, 'results.md');

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    console.error(`No bench is called ${unknown.join(', ')}. There are: ${BENCHES.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  // Before we make it busy ourselves.
  const busy = isBusy();
  if (busy) console.log('This machine is busy: the figures will be worth little.');
  const tables: Table[] = [];
  for (const bench of BENCHES.filter(({ name }) => names.length === 0 || names.includes(name))) {
    console.log(`\n${bench.name}`);
    for (const table of await bench.run('whole', (line) => console.log(`  ${line}`))) {
      tables.push(table);
      console.log(`\n${section(table)}`);
    }
    // Whoever ends it before the last one keeps what was measured.
    writeFileSync(RESULTS, existsSync(RESULTS) ? merged(RESULTS, tables, busy) : page(tables, busy));
  }
  // All of it: what has another title now does not stay.
  if (names.length === 0) writeFileSync(RESULTS, page(tables, busy));
  const missed = tables.flatMap(({ goals }) => goals).filter(({ met }) => met === false);
  console.log(`\nbench: ${tables.length} tables in bench/results.md, ${missed.length} ${missed.length === 1 ? 'goal' : 'goals'} missed`);
  return missed.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
