import type { Weather } from './cloud.ts';
import type { Dice } from './dice.ts';

/** Some of everything that a cloud can do to those who call it. */
export function badWeather(plan: Dice): Weather {
  const some = (most: number) => (plan.chance(0.4) ? plan.next() * most : 0);
  return {
    throttles: some(0.6),
    lostBefore: some(0.5),
    lostAfter: some(0.5),
    late: some(0.6),
    twice: some(0.5),
    hangs: some(0.3),
    refuses: some(0.4),
    nothingThere: some(0.5),
    outage: plan.chance(0.15),
    locked: plan.chance(0.1),
    usualDelay: plan.pick([40, 400, 2_000]),
    longestDelay: plan.pick([400, 4_000, 15_000]),
  };
}
