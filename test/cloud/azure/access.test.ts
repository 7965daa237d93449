import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../protocol/fault.ts';
import { PEOPLE } from '../../clouds/azure/estate.ts';
import { NETWORK_CONTRIBUTOR } from '../../clouds/azure/role-definitions.ts';
import { signal, startStage } from './stage.ts';

const WRITE = 'Microsoft.Network/loadBalancers/backendAddressPools/write';

test('the identity is named as Azure knows it', async (t) => {
  const stage = await startStage(t);
  const person = await stage.provider().access.whoAmI(signal());
  assert.deepEqual(person, { id: PEOPLE.alice.oid, name: 'Alice Novak', email: PEOPLE.alice.upn });
});

test('the check says what Azure enforces: on the balancer, on a pool of it, with and without a right', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  const pool = await stage.part(balancer.id, 'backend-pool');
  const check = (id: typeof pool.id, ...actions: string[]) => stage.provider().access.check(id, actions, signal());
  assert.equal(await check(balancer.id, 'Microsoft.Network/loadBalancers/read'), 'allowed');
  assert.equal(await check(pool.id, WRITE), 'denied');
  await stage.granting().bind(stage.order(pool.id), signal());
  assert.equal(await check(pool.id, WRITE), 'allowed');
  assert.equal(await check(balancer.id, WRITE), 'denied');
  assert.equal(await check(pool.id, WRITE, 'Microsoft.Network/loadBalancers/write'), 'denied');
});

test('who has no rights at all is denied', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  assert.equal(await stage.provider(PEOPLE.dan.oid).access.check(balancer.id, [WRITE], signal()), 'denied');
  stage.azure.world.faults.add({
    call: /permissions/,
    trouble: { kind: 'refuse', status: 403, code: 'AuthorizationFailed', message: 'No.' },
  });
  assert.equal(await stage.provider(PEOPLE.dan.oid).access.check(balancer.id, [WRITE], signal()), 'denied');
});

test('a check asks with a token of its own, so that Azure does not answer from memory', async (t) => {
  const stage = await startStage(t, { timing: { usableLag: 120_000, goneLag: 120_000, freshTokenRereads: true } });
  const balancer = await stage.balancer('Shop production');
  const { access } = stage.provider();
  assert.equal(await access.check(balancer.id, [WRITE], signal()), 'denied');
  const order = stage.order(balancer.id);
  await stage.granting().bind(order, signal());
  assert.equal(await access.check(balancer.id, [WRITE], signal()), 'allowed');
  await stage.granting().unbind(order, signal());
  assert.equal(await access.check(balancer.id, [WRITE], signal()), 'denied');
});

test('where a new token does not help, the answer comes late and is then right', async (t) => {
  const stage = await startStage(t, { timing: { usableLag: 60_000, goneLag: 120_000, freshTokenRereads: false } });
  const balancer = await stage.balancer('Shop production');
  const { access } = stage.provider();
  const order = stage.order(balancer.id);
  await stage.granting().bind(order, signal());
  assert.equal(await access.check(balancer.id, [WRITE], signal()), 'denied');
  await stage.clock.advance(60_000);
  assert.equal(await access.check(balancer.id, [WRITE], signal()), 'allowed');
  await stage.granting().unbind(order, signal());
  assert.equal(await access.check(balancer.id, [WRITE], signal()), 'allowed');
  await stage.clock.advance(120_000);
  assert.equal(await access.check(balancer.id, [WRITE], signal()), 'denied');
});

test('a role of the tenant with a wildcard is checked by what it means on a balancer', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  const wide = ['Microsoft.Network/loadBalancers/*'];
  assert.equal(await stage.provider().access.check(balancer.id, wide, signal()), 'denied');
  stage.azure.world.assignments.add({
    name: 'a',
    principalId: PEOPLE.alice.oid,
    principalType: 'User',
    roleGuid: NETWORK_CONTRIBUTOR,
    scope: balancer.id.slice('azure:'.length),
    origin: 'plain',
    createdAt: 0,
    createdBy: '',
  });
  assert.equal(await stage.provider().access.check(balancer.id, wide, signal()), 'allowed');
});

test('no answer proves nothing', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  const { access } = stage.provider();
  stage.azure.world.faults.add({
    call: /permissions/,
    trouble: { kind: 'refuse', status: 404, code: 'ResourceNotFound', message: 'Gone.' },
  });
  await assert.rejects(access.check(balancer.id, [WRITE], signal()), Fault);
  stage.azure.world.faults.clear();
  await assert.rejects(access.check(balancer.id, [], signal()), Fault);
  await assert.rejects(
    access.check(balancer.id, [WRITE], AbortSignal.abort()),
    (error) => error instanceof Fault && error.code === 'timed-out',
  );
});

test('a claims challenge of the read path is met by the same person', async (t) => {
  const stage = await startStage(t);
  stage.azure.world.faults.add({ call: /loadBalancers/, trouble: { kind: 'challenge', context: 'c1' } });
  const [balancer] = (await stage.balancers()).filter(({ kind }) => kind === 'load-balancer');
  assert.ok(balancer);
  assert.ok(await stage.provider().inventory.balancer(balancer.id, signal()));
});

test('locks at the balancer and above it are named; others are not', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  const other = await stage.balancer('Shop staging');
  const { access } = stage.provider();
  assert.deepEqual(await access.locks(balancer.id, signal()), []);
  const arm = balancer.id.slice('azure:'.length);
  const { locks } = stage.azure.world;
  locks.add(arm, 'CanNotDelete', 'keep');
  locks.add(`/subscriptions/${balancer.accountId}/resourceGroups/${balancer.resourceGroup}`, 'ReadOnly', 'freeze');
  locks.add(`/subscriptions/${other.accountId}`, 'CanNotDelete', 'elsewhere');
  const found = await access.locks(balancer.id, signal());
  assert.deepEqual(found.sort(), [
    `CanNotDelete lock "keep" on ${balancer.name}`,
    `ReadOnly lock "freeze" on resource group ${balancer.resourceGroup.toLowerCase()}`,
  ]);
  assert.deepEqual(await access.locks((await stage.part(balancer.id, 'backend-pool')).id, signal()), found);
  assert.match((await access.locks(other.id, signal())).join(), /lock "elsewhere" on subscription/);
});

test('locks that may not be read are not "none"', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  await assert.rejects(
    stage.provider(PEOPLE.dan.oid).access.locks(balancer.id, signal()),
    (error) => error instanceof Fault && error.code === 'cloud-refused',
  );
});

test('about somebody else it says nothing, and says who is signed in', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  const { access } = stage.provider(PEOPLE.dan.oid);
  assert.equal(await access.check(balancer.id, [WRITE], signal(), PEOPLE.dan.oid), 'denied');
  await assert.rejects(
    access.check(balancer.id, [WRITE], signal(), PEOPLE.alice.oid),
    (error) => error instanceof Fault && error.code === 'sign-in-failed' && error.message.includes(PEOPLE.dan.name),
  );
  const order = stage.order(balancer.id);
  for (const act of ['pending', 'cancel', 'deactivate'] as const)
    await assert.rejects(
      async () => stage.selfService(PEOPLE.dan.oid)[act](order, signal()),
      (error) => error instanceof Fault && error.code === 'sign-in-failed',
      act,
    );
  const never = await stage.selfService(PEOPLE.dan.oid).activate(order, signal());
  assert.equal(never.state, 'refused', 'nothing was sent');
});
