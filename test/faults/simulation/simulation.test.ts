import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live } from './life.ts';
import { outside } from './outside.ts';
import { rows, simulate, told } from './run.ts';

const SEEDS = 20_000;

test(`${SEEDS} lives of the real engine among faults keep every promise`, { timeout: 290_000 }, async (t) => {
  const { counts, broken } = await simulate({ from: 1, seeds: SEEDS }, 2);
  const [first] = broken;
  for (const row of rows(counts).split('\n')) t.diagnostic(row);
  if (first) t.diagnostic((await outside(() => live(first.seed, { told: true }))).story.join('\n'));
  assert.equal(first && told(first), undefined);
  assert.equal(counts.lives, SEEDS);
});
