import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { LONGEST_REQUEST_LIFE, World } from './world.ts';

const AT_ONCE = 64;

async function open(t: TestContext): Promise<World> {
  const world = await World.open();
  t.after(() => world.close());
  return world;
}

/** The cloud hangs on as many bindings as may be under way at once. */
async function crowded(world: World): Promise<void> {
  world.cloud.fail('bind', 'hangs', AT_ONCE);
  for (let each = 0; each < AT_ONCE; each++) await world.grant({ principalId: `hangs-${each}` });
  await world.clock.advance(5);
}

const callsOf = (world: World, id: GrantId) => world.cloud.calls.filter(({ grantId }) => grantId === id);

test('power is not asked for after its end was: what waited for its turn is never sent', async (t) => {
  const world = await open(t);
  await crowded(world);
  const id = await world.grant();
  await world.clock.advance(5);
  await world.runner.send(id, { type: 'end', reason: 'revoked' });
  const life = await world.life(id);
  assert.deepEqual([life.state, life.problem?.message], ['failed', 'It was ended before the cloud was asked']);
  assert.equal((await world.store.request(life.requestId))?.state, 'failed');
  await world.clock.advance(20 * MINUTE);
  assert.deepEqual(callsOf(world, id), []);
  assert.deepEqual(await world.kinds(id), ['grant.intended', 'grant.failed', 'request.failed']);
});

test('what falls due before its turn is never sent', async (t) => {
  const world = await open(t);
  await crowded(world);
  const id = await world.grant({ notAfter: world.clock.now() + 30 * SECOND });
  await world.clock.advance(2 * MINUTE);
  assert.deepEqual([(await world.life(id)).state, callsOf(world, id)], ['failed', []]);
});

test('what waited is sent when its turn comes, and may land late from then on', async (t) => {
  const world = await open(t);
  await crowded(world);
  const id = await world.grant({ notAfter: world.clock.now() + 60 * MINUTE });
  world.cloud.fail('bind', { lateBy: LONGEST_REQUEST_LIFE - SECOND });
  await world.clock.advance(MINUTE);
  const [sent] = callsOf(world, id);
  assert.ok(sent && sent.at >= world.clock.now() - SECOND, 'sent after those before it were given up');
  await world.clock.advance(sent.at + LONGEST_REQUEST_LIFE - 2 * SECOND - world.clock.now());
  assert.equal((await world.life(id)).state, 'revoking', 'counted from its sending, not from its intent');
  await world.clock.advance(5 * MINUTE);
  assert.deepEqual([(await world.life(id)).state, world.allows(await world.life(id))], ['gone', false]);
});

test('bindings that hang delay no end', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(5);
  await crowded(world);
  await world.runner.send(id, { type: 'end', reason: 'revoked' });
  await world.clock.advance(5);
  assert.ok(!world.allows(await world.life(id)));
});

test('looks that hang delay no end', async (t) => {
  const world = await open(t);
  const ids: GrantId[] = [];
  for (let each = 0; each <= AT_ONCE; each++) ids.push(await world.grant({ principalId: `p${each}` }));
  await world.clock.advance(5);
  world.cloud.fail('standing', 'hangs', AT_ONCE);
  await world.restart(SECOND);
  const id = ids.at(-1) as GrantId;
  await world.runner.send(id, { type: 'end', reason: 'revoked' });
  await world.clock.advance(5);
  assert.ok(!world.allows(await world.life(id)));
});

test('that the cloud is asked is durable before it is; when the store fails nothing is sent', async (t) => {
  const world = await open(t);
  let known: string | undefined;
  const bind = world.cloud.bind.bind(world.cloud);
  world.cloud.bind = async (order) => {
    known = (await world.store.grant(order.grantId))?.bind.outcome;
    return bind(order);
  };
  await world.grant({ principalId: 'p1' });
  await world.clock.advance(5);
  assert.equal(known, 'unknown');

  await crowded(world);
  const id = await world.grant({ principalId: 'p2' });
  const write = world.store.write.bind(world.store);
  world.store.write = () => Promise.reject(new Error('disk full'));
  await world.clock.advance(2 * MINUTE);
  world.store.write = write;
  await world.runner.sweep();
  assert.deepEqual([(await world.life(id)).state, callsOf(world, id)], ['failed', []]);
});

test('stopped before its turn: at the next start it is known to have failed', async (t) => {
  const world = await open(t);
  await crowded(world);
  const id = await world.grant();
  await world.restart(SECOND);
  await world.clock.advance(5);
  const life = await world.life(id);
  assert.deepEqual([life.state, life.problem?.code, callsOf(world, id)], ['failed', 'restarted', []]);
});

test('between loading and resuming an end is taken, and what is intended then is not of an earlier life', async (t) => {
  const world = await open(t);
  const old = await world.grant({ principalId: 'p1' });
  await world.clock.advance(5);
  let ended: string | undefined;
  let fresh: GrantId | undefined;
  await world.restart(SECOND, async () => {
    ended = (await world.runner.send(old, { type: 'end', reason: 'revoked' }))?.state;
    fresh = await world.grant({ principalId: 'p2' });
  });
  await world.clock.advance(5);
  assert.equal(ended, 'revoking');
  assert.ok(!world.allows(await world.life(old)));
  assert.equal((await world.life(fresh as GrantId)).state, 'assigned');
  await world.clock.advance(3 * MINUTE);
  assert.deepEqual([(await world.life(old)).state, (await world.life(old)).endReason], ['gone', 'revoked']);
});
