import { contest } from '../contestant.ts';
import { ABSENT, type Bench, type Goal, type Table, times } from '../contract.ts';
import { programFile } from '../peers/process.ts';
import { quantile } from '../sample.ts';
import type { OurLateness } from './ours.ts';
import type { Lateness, Plan } from './plan.ts';

const MINUTE = 60_000;
const TIMES_EARLIER_THAN_ETCD = 10;
const TIMES_OF_A_TIMER = 3;
const REDIS = [
  { name: 'Redis key expiry, as it comes', hz: 10, effort: 1 },
  { name: 'Redis key expiry, hz 100, effort 10', hz: 100, effort: 10 },
];

/** How late power is taken back from so many, beside what others do with a lease that is over. */
export const lateness = (name: string, count: number): Bench => ({
  name,
  run: async (size, say) => [await race(size === 'whole' ? { count, window: 30_000 } : { count: 100, window: 500 }, say)],
});

interface Row {
  name: string;
  result: Lateness | undefined;
  /** Why there is none. */
  why?: string;
}

async function race(plan: Plan, say: (line: string) => void): Promise<Table> {
  const rows: Row[] = [];
  const enter = async <R extends Lateness>(name: string, file: string | undefined, settings: object = {}): Promise<R | undefined> => {
    say(`${name}${file ? '' : `: ${ABSENT}`}`);
    const row: Row = { name, result: undefined, why: ABSENT };
    rows.push(row);
    if (!file) return undefined;
    try {
      const result = await contest<R>(file, { ...plan, ...settings }, 12 * MINUTE);
      row.result = result;
      return result;
    } catch (error) {
      // The others are worth measuring still.
      row.why = 'did not finish';
      say(`${name}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const floor = await enter('bare timer: one for all', 'lateness/bare-timer.ts');
  const ours = await enter<OurLateness>('**Portcullis: the call to the cloud**', 'lateness/ours.ts');
  if (!floor || !ours) throw new Error('Without the floor and ours there is nothing to compare');
  rows.push({ name: 'Portcullis: its durable record', result: { late: ours.recorded, missing: plan.count - ours.recorded.length } });
  await enter('`setTimeout` for each', 'lateness/timer-each.ts');
  const redis = programFile('redis-server');
  const allowance = 1_500 + Math.ceil(plan.count / 3);
  for (const { name, hz, effort } of REDIS) await enter(name, redis && 'lateness/redis.ts', { file: redis, hz, effort, allowance });
  const etcd = programFile('etcd');
  const leases = await enter('etcd leases', etcd && 'lateness/etcd.ts', { file: etcd });
  return {
    title: `Lateness of ${plan.count.toLocaleString('en')} ends, due at random within ${plan.window / 1_000} s`,
    about: [
      'Each figure is a multiple of the bare timer’s in the same row of quantiles: a sorted list and one timer, without a store.',
      'Ours is the engine of central on its SQLite store with a cloud that answers at once; late is the call that takes the right back.',
      'For etcd it is the deletion that a watcher sees, for Redis the event of the expired key, both durable, on one node.',
      'etcd counts in whole seconds and limits itself to 1,000 revocations a second; Redis hides an expired key on access, late is its event.',
    ].join(' '),
    columns: ['', 'p50', 'p99', 'max', 'before due', 'never seen'],
    rows: rows.map(({ name, result, why = '' }) => [name, ...(result ? figures(result, floor, plan) : [why, '', '', '', ''])]),
    goals: goals(plan, floor, ours, leases),
  };
}

/** What was never seen was later than all that was: it stands in every quantile as at least the latest. */
const whole = ({ late, missing }: Lateness): number[] => [...late, ...Array.from({ length: missing }, () => quantile(late, 1))];

function figures(result: Lateness, floor: Lateness, { count }: Plan): string[] {
  const late = whole(result);
  const early = result.late.filter((each) => each < 0).length;
  return [
    ...[0.5, 0.99, 1].map((share) => times(quantile(late, share) / quantile(floor.late, share))),
    share(early, count),
    share(result.missing, count),
  ];
}

const share = (part: number, of: number): string => (part === 0 ? '–' : `${((100 * part) / of).toFixed(1)} %`);

function goals(plan: Plan, floor: Lateness, ours: Lateness, etcd: Lateness | undefined): Goal[] {
  const p99 = (each: Lateness) => quantile(whole(each), 0.99);
  const ofTimer = p99(ours) / p99(floor);
  const earlier = etcd && p99(etcd) / p99(ours);
  return [
    {
      text: `p99 at least ${TIMES_EARLIER_THAN_ETCD} × earlier than etcd’s: ${earlier === undefined ? 'no figure of etcd’s' : times(earlier)}`,
      met: earlier === undefined ? undefined : earlier >= TIMES_EARLIER_THAN_ETCD,
    },
    { text: `p99 within ${TIMES_OF_A_TIMER} × of a bare timer’s: ${times(ofTimer)}`, met: ofTimer <= TIMES_OF_A_TIMER },
    { text: `each of the ${plan.count.toLocaleString('en')} rights was taken back`, met: ours.missing === 0 },
  ];
}
