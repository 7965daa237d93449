import { uptime } from 'node:os';
import path from 'node:path';
import { type Millis, SECOND, systemClock } from '../../../protocol/clock.ts';
import { Endings } from '../../../scripts/endings.ts';
import { seededRandom } from '../../clouds/azure/random.ts';
import { until } from '../../support/until.ts';
import { DaemonProcess } from '../processes/daemon-process.ts';
import { centralOf, type EnrollableCentral, startTown, type Town } from '../processes/town.ts';
import { CentralLane } from './central-lane.ts';
import { DaemonLane } from './daemon-lane.ts';
import { Judge } from './judge.ts';
import { type Lane, type Length, someMoment, type Tally } from './lane.ts';
import { PairLane } from './pair-lane.ts';
import { Weather } from './weather.ts';

export interface CampaignOptions {
  /** A private folder with a short path, for everything that is written. */
  folder: string;
  kills: number;
  /** It goes on beyond the kills, up to half as many more, until the cloud gave so many rights of which nobody heard. */
  unheard?: number;
  /** Centrals that are asked over HTTPS, daemons under Entra PIM, and daemons each under a central of its own. */
  centrals: number;
  daemons: number;
  pairs: number;
  seed: number;
}

export interface CampaignReport {
  /** Empty: every promise held. */
  problems: string[];
  tally: Tally & { given: number; unheard: number; standing: number };
  weather: Weather['counts'];
  worst: Judge['worst'];
  /** Real time. */
  took: { killing: Millis; settling: Millis };
}

type SomeLane = CentralLane | DaemonLane | PairLane;

const ENGINEERS = 8;
const BALANCERS_PER_LANE = 16;
/** In this last share of a campaign nothing is asked for a short while. */
const LONG_FROM = 0.4;
/** After its deadline nothing stands for a minute; the longest that may remain at the last kill is a minute long. */
const EMPTY_WITHIN = 120 * SECOND;

/** Compiled code is kept between lives, and the policy engine's is compiled lazily: starts are most of what ten thousand lives cost. */
const quickStart = (folder: string) => ({
  flags: ['--liftoff-only', '--wasm-lazy-compilation', '--no-opt'],
  env: { NODE_COMPILE_CACHE: path.join(folder, 'compiled') },
});

/**
 * Kills real processes at random while they ask a cloud on a bad day for power, and asks that cloud after each restart and
 * in the end whether any right stands that nobody may have. The cloud itself forgets to end what is due: without us it would stand.
 */
export async function campaign(options: CampaignOptions): Promise<CampaignReport> {
  const endings = new Endings((message) => console.error(message));
  try {
    return await run(options, endings);
  } finally {
    await endings.run();
  }
}

async function run(
  { folder, kills, unheard = 0, centrals, daemons, pairs, seed }: CampaignOptions,
  endings: Endings,
): Promise<CampaignReport> {
  const clock = systemClock(() => uptime() * SECOND);
  const random = seededRandom(seed);
  const lanesCount = centrals + daemons + pairs;
  // Every third balancer of an estate is a gateway.
  const balancers = Math.ceil(lanesCount * BALANCERS_PER_LANE * 1.5) + 3;
  const town = await startTown({ folder, engineers: Math.max(ENGINEERS, daemons + pairs), balancers }, endings);
  const { world } = town.azure;
  const weather = new Weather(clock, random);
  world.faults.forgetsEnds = true;
  world.faults.weather = (call) => weather.trouble(call);
  const judge = new Judge(world, weather, clock);
  const lanes = await lanesOf(town, weather, random, { centrals, daemons, pairs });
  for (const lane of lanes) await endings.add(() => lane.close());

  const problems: string[] = [];
  const given = () => {
    const counts = lanes.map(({ name, scopes }) => judge.given(name, scopes));
    return { given: addedUp(counts.map(({ all }) => all)), unheard: addedUp(counts.map(({ unheard }) => unheard)) };
  };
  let left = kills;
  const goesOn = (): boolean => left > 0 || (left > -kills / 2 && given().unheard < unheard);
  // The last ones are all long, and ended by hand: otherwise everybody would wait a minute for nothing else.
  const length = (): Length => (left > kills * LONG_FROM && random() < 0.5 ? 'short' : 'long');
  const drive = async (lane: Lane): Promise<void> => {
    try {
      while (goesOn()) {
        left -= 1;
        const died = await lane.live(someMoment(random), length);
        if (died.sender) judge.died(lane.name);
        problems.push(...judge.overdue(lane.name, lane.scopes));
      }
      killed = performance.now();
      const isEmpty = () => judge.standing(lane.name, lane.scopes).length === 0 && weather.underway(lane.scopes).length === 0;
      const empty = async () => {
        const seen = until('nothing to stand', () => judge.overdue(lane.name, lane.scopes).length === 0 && isEmpty(), EMPTY_WITHIN, 200);
        await seen.catch((error: Error) => problems.push(`${lane.name}: ${error.message}`));
      };
      problems.push(...(await lane.settle(empty)));
    } catch (error) {
      problems.push(`${lane.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const started = performance.now();
  let killed = started;
  await Promise.all(lanes.map(drive));

  const standing = lanes.flatMap(({ name, scopes }) => judge.standing(name, scopes).map((right) => ({ name, ...right })));
  for (const { name, scope, since } of standing)
    problems.push(`${name}: a right on ${scope} stands in the end, since ${new Date(since).toISOString()}`);
  return {
    problems,
    tally: { ...sum(lanes.map(({ tally }) => tally)), ...given(), standing: standing.length },
    weather: weather.counts,
    worst: judge.worst,
    took: { killing: killed - started, settling: performance.now() - killed },
  };
}

async function lanesOf(
  town: Town,
  weather: Weather,
  random: () => number,
  { centrals, daemons, pairs }: Pick<CampaignOptions, 'centrals' | 'daemons' | 'pairs'>,
): Promise<SomeLane[]> {
  const shared = { town, weather, random };
  const place = (index: number) => town.balancers.slice(index * BALANCERS_PER_LANE, (index + 1) * BALANCERS_PER_LANE);
  const run = quickStart(town.folder);
  const lanes: SomeLane[] = [];
  for (let index = 0; index < centrals; index++) {
    const name = `central-${index + 1}`;
    // In every second one nobody is ever heard, and so every lease is lost.
    const more = { heartbeatGrace: index % 2 === 0 ? '30s' : '1h' };
    const central = await centralOf(town, { name, more, run });
    // Only who ends by itself keeps what it has compiled.
    if (index === 0) await central.start().then(() => central.stop());
    lanes.push(new CentralLane({ ...shared, name, central, balancers: place(index) }));
  }
  const daemonOf = (name: string, index: number, central?: EnrollableCentral) => {
    const who = town.engineers[index];
    if (!who) throw new Error('There are fewer people than daemons');
    return DaemonProcess.make({ town, who, name, central, run: { flags: ['--no-opt'], env: run.env } });
  };
  for (let index = 0; index < daemons; index++) {
    const name = `daemon-${index + 1}`;
    const daemon = await daemonOf(name, index);
    if (index === 0) {
      daemon.launch();
      (await daemon.ready()).close();
      await daemon.end('SIGTERM');
    }
    lanes.push(new DaemonLane({ ...shared, name, daemon, balancers: place(centrals + index) }));
  }
  for (let index = 0; index < pairs; index++) {
    const name = `pair-${index + 1}`;
    const central = await centralOf(town, { name, more: { heartbeatGrace: '30s' }, run });
    const daemon = await daemonOf(`${name}-daemon`, daemons + index, central);
    lanes.push(new PairLane({ ...shared, name, central, daemon, balancers: place(centrals + daemons + index) }));
  }
  return lanes;
}

const addedUp = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

function sum(tallies: readonly Tally[]): Tally {
  const total: Tally = { starts: 0, kills: 0, asked: 0, answered: 0, revokes: 0, events: 0 };
  for (const tally of tallies) for (const key of Object.keys(total) as (keyof Tally)[]) total[key] += tally[key];
  return total;
}

/** The counts of a run, one line each. */
export function reportLines({ tally, weather, worst, problems, took }: CampaignReport): string[] {
  const seconds = (ms: number) => `${(Math.max(0, ms) / SECOND).toFixed(1)} s`;
  return [
    `${tally.kills} kills in ${tally.starts} starts within ${seconds(took.killing)}, then ${seconds(took.settling)} until nothing stood; ${problems.length} problems`,
    `${tally.asked} grants asked for, ${tally.answered} answered, ${tally.given} given by the cloud, ${tally.unheard} of them without anybody hearing of it; ${tally.revokes} revoked by hand`,
    `${weather.calls} calls: ${weather.throttled} throttled, ${weather.unavailable} unavailable, ${weather.lost} answers lost, ${weather.delayed} writes delayed (${weather.unheard} after the connection broke)`,
    `${tally.standing} rights stand; the longest after its deadline ${seconds(worst.afterItsEnd)}, the longest that nobody had heard of ${seconds(worst.unheard)}`,
    `${tally.events} events of the records verified`,
  ];
}
