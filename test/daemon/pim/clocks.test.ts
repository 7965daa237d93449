import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { kinds, only, usable } from '../support/elevated.ts';
import { startStage } from '../support/stage.ts';

test('the daemon ends a grant at its instant, whatever the cloud does by itself', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  await stage.clock.advance(30 * MINUTE);
  const gone = only(client);
  assert.equal(gone.state, 'gone');
  assert.equal(gone.endReason, 'expired');
  assert.ok((gone.goneAt ?? 0) - gone.notAfter < SECOND, 'late by less than a second');
});

test('a wall clock that is set back lengthens nothing', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  await stage.clock.advance(10 * MINUTE);
  stage.clock.setWall(-60 * MINUTE);
  await stage.clock.advance(20 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.ok((await kinds(client)).includes('clock.jumped'));
});

test('a wall clock that is set forward ends early', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.clock.setWall(60 * MINUTE);
  await stage.clock.advance(2 * SECOND);
  assert.equal(only(client).state, 'gone');
});

test('a closed lid ends what fell due meanwhile as soon as it opens', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.clock.suspend(45 * MINUTE);
  await stage.clock.advance(SECOND);
  assert.equal(only(client).state, 'gone');
});

test('a wall clock set back while no daemon ran lengthens nothing', async (t) => {
  const stage = await startStage(t);
  await usable(stage);
  await stage.clock.advance(10 * MINUTE);
  stage.clock.setWall(-60 * MINUTE);
  await stage.restart();
  const client = await stage.client();
  await stage.clock.advance(21 * MINUTE);
  assert.equal(only(client).state, 'gone');
});

test('what fell due while no daemon ran is ended at the start', async (t) => {
  const stage = await startStage(t);
  await usable(stage);
  stage.clock.suspend(45 * MINUTE);
  await stage.restart();
  const client = await stage.client();
  await stage.clock.advance(SECOND);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).endReason, 'expired');
});
