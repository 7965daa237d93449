import { HOUR, MINUTE, type Millis, SECOND } from '../../../protocol/clock.ts';
import type { RequestId } from '../../../protocol/ids.ts';
import { mayStand } from '../../../protocol/lifecycle.ts';
import { RULES } from './central.ts';
import { FAIR } from './cloud.ts';
import { Dice } from './dice.ts';
import { RESOURCES, ROLES } from './people.ts';
import { type Lived, liveUnderPim } from './pim-life.ts';
import type { Plant } from './plants.ts';
import { badWeather } from './weather.ts';
import { type Desk, World } from './world.ts';

/** Where the cloud itself is the policy there is less that can go wrong. */
const PIM_EVERY = 10;

/**
 * After faults have stopped everything has ended within this: whoever was stalled then asks for power a minute later, five more
 * may be waited when the cloud keeps a young right and its clock is not ours, and the rest is backoff and propagation.
 */
const ENDS_WITHIN: Millis = 8 * MINUTE;

/** One seed is one whole life: the same seed, the same life. */
export function live(seed: number, options: { plant?: Plant | undefined; told?: boolean } = {}): Lived {
  return seed % PIM_EVERY === 0 ? liveUnderPim(seed, options) : liveUnderCentral(seed, options);
}

function liveUnderCentral(seed: number, options: { plant?: Plant | undefined; told?: boolean } = {}): Lived {
  const plan = new Dice(seed);
  const world = new World({ seed, told: options.told ?? false, plant: options.plant }, plan);
  const { timeline, judge, counts } = world;
  const check = () => {
    if (judge.broken) throw judge.broken;
  };
  try {
    world.startCentral(world.centrals[0] as (typeof world.centrals)[number]);
    for (const desk of world.desks) world.startDaemon(desk);
    const trouble = plan.between(30, 100) * SECOND;
    for (let at = SECOND; at < trouble + ENDS_WITHIN + MINUTE; at += SECOND) timeline.after(at, () => world.tick());
    happenings(world, plan, trouble);
    timeline.pass(trouble, check);
    heal(world);
    const limit = timeline.now + ENDS_WITHIN;
    const allOver = () => [...judge.known.values()].every(({ life }) => !mayStand(life.state));
    // What is still on its way to the cloud may land within this.
    let calm = 0;
    while (timeline.now < limit && calm < RULES.longestRequestLife) {
      timeline.pass(timeline.now + SECOND, check);
      if (!allOver()) calm = 0;
      else if (calm === 0) {
        world.over = true;
        for (const computer of [...world.centrals, ...world.desks.map((desk) => desk.computer)]) computer.process?.kill();
        calm = SECOND;
      } else calm += SECOND;
    }
    judge.ended();
    check();
  } catch (error) {
    if (error !== judge.broken) judge.break('nothing breaks down', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  counts.grants = judge.known.size;
  counts['ends proven'] = [...judge.known.values()].filter(({ life }) => life.proof !== undefined).length;
  counts['calls to the cloud'] = world.cloud.calls;
  counts['calls that landed late'] = world.cloud.late;
  return { seed, broken: judge.broken, counts, story: world.story.lines };
}

/** Faults stop. Whoever holds something lets go of it, or vanishes. */
function heal(world: World): void {
  const { dice, cloud, durable, timeline } = world;
  world.story.tell(() => 'faults stop');
  world.crashesLeft = 0;
  cloud.weather = { ...FAIR };
  world.judge.calmSince = timeline.now;
  Object.assign(durable.health, { full: false, fails: 0, slow: 0 });
  for (const computer of world.centrals) {
    computer.wake();
    if (computer.process) computer.process.killAfter = Number.POSITIVE_INFINITY;
  }
  for (const desk of world.desks) {
    desk.computer.wake();
    if (desk.computer.process) desk.computer.process.killAfter = Number.POSITIVE_INFINITY;
    desk.disk.full = false;
    mend(desk);
  }
  // Whoever is left without a daemon is found by the lost lease.
  for (const desk of world.desks) if (dice.chance(0.3)) world.leave(desk);
  const letGo = () => {
    for (const desk of world.desks) for (const grant of desk.daemon?.grants ?? []) if (grant.mine) revoke(world, desk, grant.id);
    timeline.after(10 * SECOND, letGo);
  };
  timeline.after(dice.between(0, 20) * SECOND, letGo);
}

function mend({ link }: Desk): void {
  link.cutSince = undefined;
  link.loses = link.doubles = 0;
  link.longestDelay = 200;
}

function revoke(world: World, desk: Desk, id: Parameters<World['judge']['promised']>[0]): void {
  desk.daemon?.revoke(id, 'revoked', () => !desk.disk.full && world.judge.promised(id, desk.computer));
}

/** What goes wrong, and what people do, in this life. */
function happenings(world: World, plan: Dice, trouble: Millis): void {
  const { timeline, counts } = world;
  const tell = world.story.tell;
  const sometime = () => plan.next() * trouble;
  const times = (most: number, act: () => unknown) => {
    for (let left = plan.between(0, most); left > 0; left--) timeline.after(sometime(), act);
  };
  const spell = (longest: Millis, begin: () => void, end: () => void) => {
    begin();
    timeline.after(plan.between(SECOND, longest), end);
  };
  const someComputer = () => (plan.chance(0.5) ? plan.pick(world.centrals) : plan.pick(world.desks).computer);

  for (let asks = plan.between(1, 5); asks > 0; asks--)
    timeline.after(plan.next() * trouble * 0.8, () => {
      const desk = plan.pick(world.desks);
      const duration = plan.pick([plan.between(3, 25) * SECOND, plan.between(3, 60) * SECOND, 10 * MINUTE, 8 * HOUR]);
      const asked = { resource: plan.pick(RESOURCES), role: plan.pick(ROLES), duration };
      const id = plan.uuid() as RequestId;
      if (desk.computer.process?.running) desk.daemon?.request(id, asked);
    });
  times(3, () => {
    const desk = plan.pick(world.desks);
    const grant = plan.pick(desk.daemon?.grants ?? []);
    const id = plan.uuid() as RequestId;
    if (!grant || !desk.computer.process?.running) return;
    desk.daemon?.extend(id, grant, plan.between(10, 120) * SECOND);
    // What is extended may be over while the cloud is asked.
    if (plan.chance(0.3)) timeline.after(plan.between(1, 2_000), () => desk.computer.process?.running && revoke(world, desk, grant.id));
  });
  times(3, () => {
    const desk = plan.pick(world.desks);
    const grant = plan.pick(desk.daemon?.grants ?? []);
    if (grant?.mine && desk.computer.process?.running) revoke(world, desk, grant.id);
  });
  times(3, () =>
    spell(
      plan.pick([20, 40, 90]) * SECOND,
      () => {
        world.cloud.weather = badWeather(plan);
        world.judge.calmSince = Number.POSITIVE_INFINITY;
        tell(() => `the cloud does badly: ${JSON.stringify(world.cloud.weather)}`);
      },
      () => {
        world.cloud.weather = { ...FAIR };
        world.judge.calmSince = timeline.now;
        tell(() => 'the cloud does well');
      },
    ),
  );
  times(1, () => {
    const { health } = world.durable;
    const what = plan.pick(['full', 'fails', 'slow'] as const);
    const amount = plan.next() / 2;
    spell(
      30 * SECOND,
      () => {
        tell(() => `central's disk: ${what}`);
        Object.assign(health, what === 'full' ? { full: true } : { [what]: amount });
      },
      () => {
        tell(() => `central's disk does well`);
        Object.assign(health, { full: false, fails: 0, slow: 0 });
      },
    );
  });
  times(2, () => {
    const desk = plan.pick(world.desks);
    const cut = plan.chance(0.6);
    spell(
      50 * SECOND,
      () => {
        tell(() => `${desk.computer.name}: the network is ${cut ? 'cut' : 'bad'}`);
        if (cut) desk.link.cutSince ??= timeline.now;
        else {
          desk.link.loses = plan.next() / 2;
          desk.link.doubles = plan.next() / 2;
          desk.link.longestDelay = plan.between(200, 20_000);
        }
        counts.partitions += 1;
      },
      () => {
        tell(() => `${desk.computer.name}: the network works`);
        mend(desk);
      },
    );
  });
  times(2, () => {
    if (plan.chance(0.3)) return;
    const computer = someComputer();
    const by = plan.pick([HOUR, -HOUR, -HOUR, plan.between(-10_000, 10_000)]);
    tell(() => `${computer.name}: the wall clock is set by ${by / SECOND} s`);
    computer.setWall(by);
    counts['clocks set'] += 1;
    // Whoever sets a clock often starts things anew.
    if (plan.chance(0.4)) timeline.after(plan.between(0, 10) * SECOND, () => computer.process?.kill());
  });
  times(2, () => {
    if (plan.chance(0.4)) return;
    const computer = plan.chance(0.25) ? plan.pick(world.centrals) : plan.pick(world.desks).computer;
    const stalls = plan.chance(0.3);
    const length = plan.between(SECOND, 60 * SECOND);
    counts['sleeps and stalls'] += 1;
    tell(() => `${computer.name} ${stalls ? 'stalls' : 'sleeps'} for ${Math.round(length / SECOND)} s`);
    if (stalls) computer.process?.stall(length);
    else {
      computer.sleep();
      timeline.after(length, () => {
        computer.wake();
        tell(() => `${computer.name} wakes`);
      });
    }
  });
  times(1, () => {
    const desk = plan.pick(world.desks);
    if (plan.chance(0.4) && desk.computer.process?.running) void desk.daemon?.stop();
  });
  times(1, () => {
    if (!plan.chance(0.2)) return;
    const computer = someComputer();
    tell(() => `${computer.name}: the power fails`);
    computer.reboot();
  });
  times(2, () => plan.chance(0.4) && world.cloud.removeByHand());
  times(2, () => world.failOver(plan.pick(['dies', 'hangs', 'goes on'] as const)));
  if (plan.chance(0.2)) {
    times(1, () => {
      const desk = plan.pick(world.desks);
      spell(
        40 * SECOND,
        () => {
          tell(() => `${desk.computer.name}: the disk is full`);
          desk.disk.full = true;
        },
        () => {
          desk.disk.full = false;
        },
      );
    });
  }
}
