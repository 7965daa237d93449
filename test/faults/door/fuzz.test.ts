import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzDoor } from './fuzz.ts';
import { judgeFuzz } from './fuzz-judge.ts';
import { startAlice } from './real-daemon.ts';

const SHORT = 100_000;

test('100,000 bad frames: the daemon stays, its memory too, and the client beside them is served', { timeout: 170_000 }, async (t) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`seed ${seed}: SEED=${seed} repeats it`);
  const { daemon } = await startAlice(t);
  const figures = await fuzzDoor(daemon, { frames: SHORT, seed });
  t.diagnostic(JSON.stringify(figures));
  assert.ok(figures.frames >= SHORT);
  await judgeFuzz(daemon, figures);
});
