import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { Drift } from '../../../central/sweeps/drift.ts';
import { Reconcile } from '../../../central/sweeps/reconcile.ts';
import type { Order } from '../../../cloud/provider.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import type { GrantId, RoleId } from '../../../protocol/ids.ts';
import { World } from '../grants/world.ts';
import { balancerId } from '../samples.ts';

const signal = new AbortController().signal;

async function open(t: TestContext) {
  const world = await World.open();
  t.after(() => world.close());
  const { cloud: granting, store, clock } = world;
  const parts = { granting, runner: world.runner, store, clock, trouble: (error: unknown) => void world.troubles.push(String(error)) };
  return { world, reconcile: new Reconcile(parts), drift: new Drift(parts) };
}

/** A right in the cloud that carries our mark, and that no store of ours knows. */
async function orphan(world: World): Promise<Order> {
  const order: Order = {
    grantId: randomUUID() as GrantId,
    principalId: 'oid-bob',
    roleId: 'backends' as RoleId,
    resource: balancerId('prod-edge'),
    notAfter: world.clock.now() + 60 * MINUTE,
    reason: '',
  };
  await world.cloud.bind(order);
  return order;
}

const told = async (world: World, kind: string) => (await world.store.events(0, 1_000)).filter((event) => event.kind === kind);

test('a right of ours that no grant accounts for is taken back, and both are in the record', async (t) => {
  const { world, reconcile } = await open(t);
  const granted = await world.grant();
  await world.clock.advance(10);
  const { grantId } = await orphan(world);
  await reconcile.run(signal);
  assert.equal(world.cloud.standingRights, 1, 'only what is granted still stands');
  await reconcile.run(signal);
  assert.deepEqual(
    (await told(world, 'orphan.found')).map((event) => event.grantId),
    [grantId],
  );
  assert.deepEqual(
    (await told(world, 'orphan.gone')).map((event) => event.grantId),
    [grantId],
  );
  assert.equal((await world.life(granted)).state, 'assigned');
});

test('it is asked for until it is gone, whatever the cloud and the store do, and told once', async (t) => {
  const { world, reconcile } = await open(t);
  await orphan(world);
  world.cloud.fail('unbind', 'lost before', 3);
  const write = world.store.write.bind(world.store);
  world.store.write = () => Promise.reject(new Error('disk full'));
  await reconcile.run(signal);
  assert.equal(world.cloud.count('unbind'), 1, 'the cloud is asked although nothing can be recorded');
  world.store.write = write;
  for (let minute = 0; minute < 3; minute++) {
    await world.clock.advance(MINUTE);
    await reconcile.again(signal);
  }
  assert.equal(world.cloud.standingRights, 0);
  await reconcile.run(signal);
  await reconcile.run(signal);
  for (const kind of ['orphan.found', 'revocation.delayed', 'orphan.gone']) assert.equal((await told(world, kind)).length, 1, kind);
});

test('what has just ended is not taken for lost because the list lags', async (t) => {
  const { world, reconcile } = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  const right = world.cloud.rights;
  const before = [...right];
  await world.observe(id);
  await world.runner.send(id, { type: 'end', reason: 'revoked' });
  await world.clock.advance(10);
  await world.observe(id);
  assert.equal((await world.life(id)).state, 'gone');
  for (const [key, value] of before) right.set(key, value);
  await reconcile.run(signal);
  assert.equal((await told(world, 'orphan.found')).length, 0);
  await world.clock.advance(3 * MINUTE);
  await reconcile.run(signal);
  assert.equal((await told(world, 'orphan.found')).length, 1, 'after that it stands, whatever was proven');
  assert.equal(world.cloud.standingRights, 0);
});

test('a grant whose right the cloud does not list is looked at, and ended when it is not there', async (t) => {
  const { world, reconcile } = await open(t);
  const [young, old] = [await world.grant({ principalId: 'p1' }), await world.grant({ principalId: 'p2' })];
  await world.clock.advance(2 * MINUTE);
  world.cloud.rights.clear();
  const fresh = await world.grant({ principalId: 'p3' });
  await world.clock.advance(10);
  for (const key of world.cloud.rights.keys()) if (key.includes('p3')) world.cloud.rights.delete(key);
  await reconcile.run(signal);
  await world.clock.advance(SECOND);
  assert.deepEqual([(await world.life(young)).state, (await world.life(old)).state], ['revoking', 'revoking']);
  assert.equal((await world.life(fresh)).state, 'assigned', 'lists lag after a binding, too');
});

test('a list that cannot be read ends nothing, and is told to the operator', async (t) => {
  const { world, reconcile } = await open(t);
  const id = await world.grant();
  await world.clock.advance(2 * MINUTE);
  world.cloud.down = true;
  await assert.rejects(reconcile.run(signal), /does not answer/);
  await world.clock.advance(SECOND);
  assert.equal((await world.life(id)).state, 'assigned');
});

test('what was read of a list that then fails is acted on', async (t) => {
  const { world, reconcile } = await open(t);
  const id = await world.grant();
  await orphan(world);
  await world.clock.advance(2 * MINUTE);
  const ours = world.cloud.ours.bind(world.cloud);
  world.cloud.ours = async function* () {
    for await (const order of ours()) if (order.principalId === 'oid-bob') yield order;
    throw new Error('The rest does not answer');
  };
  await assert.rejects(reconcile.run(signal), /The rest/);
  assert.equal(world.cloud.standingRights, 1);
  assert.equal((await world.life(id)).state, 'assigned');
});

test('an orphan whose right was granted since is left to that grant', async (t) => {
  const { world, reconcile } = await open(t);
  const { principalId } = await orphan(world);
  world.cloud.fail('unbind', 'lost before');
  await reconcile.run(signal);
  const id = await world.grant({ principalId });
  await world.clock.advance(10);
  await reconcile.again(signal);
  assert.ok(world.allows(await world.life(id)));
});

test('drift is told once, when it has been seen twice, and never removed', async (t) => {
  const { world, drift } = await open(t);
  const right = { id: 'a1', principalId: 'oid-bob', role: 'Network Contributor', resource: balancerId('prod-edge') };
  world.cloud.directRights = [right];
  await drift.run(signal);
  assert.equal((await told(world, 'drift.found')).length, 0);
  for (let sweep = 0; sweep < 3; sweep++) await drift.run(signal);
  assert.equal((await told(world, 'drift.found')).length, 1);
  world.cloud.directRights = [];
  await drift.run(signal);
  world.cloud.directRights = [right];
  for (let sweep = 0; sweep < 3; sweep++) await drift.run(signal);
  assert.equal((await told(world, 'drift.found')).length, 2, 'when it comes back it is told again');
  assert.equal(world.cloud.count('unbind'), 0);
});

test('what a grant of ours accounts for is no drift', async (t) => {
  const { world, drift } = await open(t);
  await world.grant({ principalId: 'OID-Alice' });
  world.cloud.directRights = [{ id: 'a1', principalId: 'oid-alice', role: 'backends', resource: balancerId('prod-edge') }];
  for (let sweep = 0; sweep < 3; sweep++) await drift.run(signal);
  assert.equal((await told(world, 'drift.found')).length, 0);
});
