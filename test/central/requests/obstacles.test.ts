import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overlap } from '../../../central/requests/obstacles.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import { anOrder, approved, World } from '../grants/world.ts';

test('what is ended in memory is not extended, though the store takes nothing and has it as it was', async (t) => {
  const world = await World.open();
  t.after(() => world.close());
  const id = await world.grant();
  await world.clock.advance(10);
  await world.observe(id);
  const { clock, store, runner } = world;
  const extension = { ...approved(anOrder(clock.now() + 20 * MINUTE), clock.now()), follows: id, duration: 20 * MINUTE };
  const obstacle = () => overlap(store, extension, 'azure', clock.now(), (grantId) => runner.find(grantId));
  assert.equal(await obstacle(), undefined);
  store.write = () => Promise.reject(new Error('The disk is full'));
  await runner.send(id, { type: 'end', reason: 'revoked' });
  assert.deepEqual([(await world.life(id)).state, runner.find(id)?.state], ['usable', 'revoking']);
  assert.equal((await obstacle())?.refusal.code, 'cannot-extend');
});

test('what another central has brought further since is extended, though this one knows it as it was', async (t) => {
  const world = await World.open(':memory:', true);
  t.after(() => world.close());
  const id = await world.grant();
  await world.clock.advance(10);
  await world.observe(id);
  const { clock, store } = world;
  const extension = { ...approved(anOrder(clock.now() + 20 * MINUTE), clock.now()), follows: id, duration: 20 * MINUTE };
  const life = await world.life(id);
  const known = (state: 'activating' | 'unknown' | 'revoking') =>
    overlap(store, extension, 'azure', clock.now(), () => ({ ...life, state }));
  for (const state of ['activating', 'unknown'] as const) assert.equal(await known(state), undefined, state);
  assert.equal((await known('revoking'))?.refusal.code, 'cannot-extend');
});
