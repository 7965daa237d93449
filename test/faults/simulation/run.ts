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
  /** Goes on past lives that break a promise. */
  all?: boolean | undefined;
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

/** Almost all that a life makes is garbage at once. */
const ROOM = '--max-semi-space-size=64';
/** So many lives, then a new process: those who were killed in them leave behind what nobody can collect. */
const LIVES_EACH = 2_000;

/**
 * Lives many seeds, some processes at a time.
 * @param onLived Told of the number of lives so far, and of those that broke a promise.
 * @returns Also, by their seeds, the lives that broke one: more than the first where all were asked for, or two processes found one each.
 */
export async function simulate(
  { from, seeds, plant, all = false }: Lives,
  processes: number,
  onLived: (lives: number, broken: readonly First[]) => void = () => {},
): Promise<{ counts: Counts; broken: First[] }> {
  let counts = NOTHING;
  const broken: First[] = [];
  let next = 0;
  const liveSome = async (begin: number, end: number): Promise<void> => {
    for (let at = begin; at < end; ) {
      const found = await shard({ from: from + at, seeds: end - at, plant });
      counts = added(counts, found.counts);
      if (found.first) broken.push(found.first);
      at = found.first && all ? found.first.seed - from + 1 : end;
    }
  };
  const live = async (): Promise<void> => {
    while (next < seeds && (all || broken.length === 0)) {
      const mine = next;
      next += LIVES_EACH;
      await liveSome(mine, Math.min(next, seeds));
      onLived(counts.lives, broken);
    }
  };
  await Promise.all(Array.from({ length: processes }, live));
  broken.sort((a, b) => a.seed - b.seed);
  return { counts, broken };
}

async function shard({ from, seeds, plant }: Lives): Promise<Found> {
  const args = [SHARD, `--from=${from}`, `--seeds=${seeds}`, ...(plant === undefined ? [] : [`--plant=${plant}`])];
  const { stdout } = await call(process.execPath, [ROOM, ...args], { maxBuffer: 10_000_000 });
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
