import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { added, type Counts, NOTHING } from './counts.ts';

const SHARD = fileURLToPath(new URL('./shard.ts', import.meta.url));
const call = promisify(execFile);

export interface Lives {
  from: number;
  seeds: number;
  /** The name of a planted bug. */
  plant?: string | undefined;
}

/** A life in which a promise was broken. */
export interface First {
  seed: number;
  rule: string;
  message: string;
}

/** What came of many lives. They stop at the first in which a promise was broken. */
export interface Found {
  counts: Counts;
  first?: First | undefined;
}

/** Lives many seeds, spread over processes of their own. */
export async function simulate({ from, seeds, plant }: Lives, processes: number): Promise<Found> {
  const shares = Array.from({ length: processes }, (_, index) => ({
    from: from + index,
    seeds: Math.ceil((seeds - index) / processes),
    plant,
  }));
  const found = await Promise.all(shares.map((share) => shard(share, processes)));
  const [first] = found.flatMap((one) => one.first ?? []).sort((a, b) => a.seed - b.seed);
  return { counts: found.reduce((sum, { counts }) => added(sum, counts), NOTHING), first };
}

async function shard({ from, seeds, plant }: Lives, step: number): Promise<Found> {
  const args = [SHARD, `--from=${from}`, `--seeds=${seeds}`, `--step=${step}`, ...(plant === undefined ? [] : [`--plant=${plant}`])];
  const { stdout } = await call(process.execPath, args, { maxBuffer: 10_000_000 });
  return JSON.parse(stdout) as Found;
}

/** What was broken, and how to see it again with its story. */
export const told = ({ seed, message }: First, plant?: string): string =>
  `Seed ${seed}: ${message}\nIts story: npm run faults -- simulation --seed ${seed}${plant === undefined ? '' : ` --plant '${plant}'`}`;

/** The counts as a table. */
export const rows = (counts: Counts): string =>
  Object.entries(counts)
    .map(([what, count]) => `| ${what.padEnd(24)} | ${String(count).padStart(12)} |`)
    .join('\n');
