import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live } from './life.ts';
import type { Lived } from './pim-life.ts';
import { PLANTS, type Plant } from './plants.ts';
import { rows, simulate, told } from './run.ts';

const SEEDS = 20_000;
/** Not from a promise job: there the simulated ones could not be settled. */
const outside = <T>(act: () => T): Promise<T> => {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  setImmediate(() => {
    try {
      resolve(act());
    } catch (error) {
      reject(error);
    }
  });
  return promise;
};

test(`${SEEDS} lives of the real engine among faults keep every promise`, { timeout: 290_000 }, async (t) => {
  const { counts, first } = await simulate({ from: 1, seeds: SEEDS }, 2);
  for (const row of rows(counts).split('\n')) t.diagnostic(row);
  if (first) t.diagnostic((await outside(() => live(first.seed, { told: true }))).story.join('\n'));
  assert.equal(first && told(first), undefined);
});

test('one seed is one life: it is the same each time, told or not', async () => {
  const lives = await outside(() => [live(7), live(7), live(7, { told: true })]);
  assert.ok((lives[2]?.story.length ?? 0) > 10);
  assert.deepEqual(lives[0]?.counts, lives[1]?.counts);
  assert.deepEqual(lives[0]?.counts, lives[2]?.counts);
});

test('each planted bug is found within as many lives, and without it they keep every promise', { timeout: 200_000 }, async (t) => {
  assert.ok(PLANTS.length >= 10);
  for (const plant of PLANTS) {
    const found = await outside(() => firstBroken(plant));
    assert.ok(found?.broken, `not found: ${plant.name}`);
    t.diagnostic(`${plant.name}: seed ${found.seed}, ${found.broken.message}`);
    assert.equal((await outside(() => live(found.seed))).broken, undefined);
  }
});

function firstBroken(plant: Plant): Lived | undefined {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const life = live(seed, { plant });
    if (life.broken) return life;
  }
  return undefined;
}
