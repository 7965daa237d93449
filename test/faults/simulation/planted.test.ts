import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live } from './life.ts';
import { outside } from './outside.ts';
import type { Lived } from './pim-life.ts';
import { PLANTS, type Plant } from './plants.ts';

/** As many as the short form lives. */
const SEEDS = 20_000;

test('each planted bug is found, and the same life without it keeps every promise', { timeout: 290_000 }, async (t) => {
  assert.ok(PLANTS.length >= 10);
  for (const plant of PLANTS) {
    const found = await outside(() => firstBroken(plant));
    assert.ok(found?.broken, `not found: ${plant.name}`);
    t.diagnostic(`${plant.name}: seed ${found.seed}, ${found.broken.message}`);
    assert.equal((await outside(() => live(found.seed))).broken, undefined);
  }
});

test('one seed is one life: the same each time, told or not', async () => {
  const lives = await outside(() => [live(7), live(7), live(7, { told: true })]);
  assert.ok((lives[2]?.story.length ?? 0) > 10);
  assert.deepEqual(lives[0]?.counts, lives[1]?.counts);
  assert.deepEqual(lives[0]?.counts, lives[2]?.counts);
});

function firstBroken(plant: Plant): Lived | undefined {
  for (let seed = plant.from ?? 1; seed <= SEEDS; seed++) {
    const life = live(seed, { plant });
    if (life.broken && plant.breaks.includes(life.broken.rule)) return life;
  }
  return undefined;
}
