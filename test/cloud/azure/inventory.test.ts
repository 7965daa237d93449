import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quotaOf } from '../../../cloud/azure/inventory.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { Account } from '../../../protocol/model.ts';
import { PEOPLE } from '../../clouds/azure/estate.ts';
import { type Stage, signal, startStage, whilePassing } from './stage.ts';

async function listed(stage: Stage, oid: string = PEOPLE.alice.oid) {
  const accounts = new Map<string, Account>();
  const ids: string[] = [];
  for await (const page of stage.provider(oid).inventory.list(signal())) {
    for (const account of page.accounts) accounts.set(account.id, account);
    ids.push(...page.balancers.map(({ id }) => id));
  }
  return { accounts: [...accounts.values()], ids };
}

test('every balancer of every subscription is found once, over several pages', async (t) => {
  const stage = await startStage(t, { balancers: 90, limits: { graphPageSize: 25 } });
  const { accounts, ids } = await listed(stage);
  assert.equal(ids.length, 90);
  assert.equal(new Set(ids).size, 90);
  assert.equal(
    accounts.reduce((sum, { balancers }) => sum + balancers, 0),
    90,
  );
  assert.ok(accounts.every(({ problem }) => problem === undefined));
  const queries = stage.azure.world.calls.matching('POST', /ResourceGraph/).map(({ status }) => status);
  assert.deepEqual(queries, [200, 200, 200, 200], 'by Resource Graph, not by the fallback');
});

test('the list shows a balancer as the balancer itself says', async (t) => {
  const stage = await startStage(t);
  for (const balancer of await stage.balancers()) {
    const read = await stage.provider().inventory.balancer(balancer.id, signal());
    assert.deepEqual(balancer, read);
  }
});

test('without Resource Graph each subscription is listed by itself, to the same end', async (t) => {
  const stage = await startStage(t);
  const usual = await listed(stage);
  stage.azure.world.faults.add({
    call: /Microsoft\.ResourceGraph/,
    trouble: { kind: 'refuse', status: 403, code: 'AuthorizationFailed', message: 'No.' },
  });
  const without = await listed(stage);
  assert.deepEqual(without.ids.sort(), usual.ids.sort());
  assert.deepEqual(without.accounts, usual.accounts);
});

test('in a tenant with more subscriptions than Azure queries at once, all of them are found', async (t) => {
  const stage = await startStage(t, { limits: { graphSubscriptionLimit: 2 } });
  const { subscriptions, resources } = stage.azure.world.estate;
  assert.ok(subscriptions.length > 2);
  const balancers = resources.filter(({ type }) => /\/(loadBalancers|applicationGateways)$/i.test(type)).length;
  const { accounts, ids } = await listed(stage);
  assert.equal(ids.length, balancers);
  assert.equal(accounts.length, subscriptions.length);
  assert.equal(stage.azure.world.calls.matching('GET', /loadBalancers/).length, 0, 'by Resource Graph alone');
});

test('when Resource Graph says that it left subscriptions out, each is listed by itself and none is missing', async (t) => {
  const stage = await startStage(t, { limits: { graphSubscriptionLimit: 2 } });
  const usual = await listed(stage);
  stage.azure.world.faults.cutsNamedSubscriptions = true;
  const [one] = stage.azure.world.estate.subscriptions;
  const without = await listed(stage);
  assert.deepEqual(without.ids.sort(), usual.ids.sort());
  assert.deepEqual(without.accounts, usual.accounts);
  const forbidden = { kind: 'refuse', status: 403, code: 'AuthorizationFailed', message: 'No.' } as const;
  stage.azure.world.faults.add({ call: new RegExp(`${one?.id}/.*loadBalancers`), trouble: forbidden });
  const { accounts } = await listed(stage);
  const told = accounts.find(({ problem }) => problem !== undefined);
  assert.equal(told?.id, one?.id, 'what cannot be listed either says so');
});

test('a subscription that cannot be listed says why, and the others are whole', async (t) => {
  const stage = await startStage(t);
  const [broken] = stage.azure.world.estate.subscriptions;
  const forbidden = { kind: 'refuse', status: 403, code: 'AuthorizationFailed', message: 'No.' } as const;
  stage.azure.world.faults.add({ call: /Microsoft\.ResourceGraph/, trouble: forbidden });
  stage.azure.world.faults.add({ call: new RegExp(`${broken?.id}/.*loadBalancers`), trouble: forbidden });
  const { accounts } = await listed(stage);
  const [bad, ...good] = accounts.sort((a, b) => Number(!a.problem) - Number(!b.problem));
  assert.equal(bad?.id, broken?.id);
  assert.match(bad?.problem ?? '', /No right/);
  assert.equal(bad?.balancers, 0);
  assert.ok(good.every(({ problem, balancers }) => problem === undefined && balancers > 0));
});

test('a throttled query is asked again and nothing is lost', async (t) => {
  const stage = await startStage(t);
  stage.azure.world.faults.add({ call: /Microsoft\.ResourceGraph/, times: 2, trouble: { kind: 'throttle', retryAfter: '0' } });
  assert.equal((await listed(stage)).ids.length, 24);
});

test('when the quota is used up, the next page waits until there is more', async (t) => {
  const stage = await startStage(t, { balancers: 30, limits: { graphPageSize: 10 }, timing: { queryQuota: 2, queryWindow: 5_000 } });
  const { ids } = await whilePassing(stage, 1_000, listed(stage));
  assert.equal(ids.length, 30);
  assert.ok(stage.azure.world.calls.matching('POST', /ResourceGraph/).every(({ status }) => status === 200));
});

test('who may see nothing sees an empty list, not an error', async (t) => {
  const stage = await startStage(t);
  const { accounts, ids } = await listed(stage, PEOPLE.dan.oid);
  assert.deepEqual(ids, []);
  assert.deepEqual(accounts, []);
});

test('a list that is given up ends with a fault', async (t) => {
  const stage = await startStage(t);
  const gone = AbortSignal.abort();
  await assert.rejects(
    async () => {
      for await (const _ of stage.provider().inventory.list(gone));
    },
    (error) => error instanceof Fault && error.code === 'timed-out',
  );
});

test('what is not there, or may not be read, is undefined', async (t) => {
  const stage = await startStage(t);
  const [balancer] = await stage.balancers();
  assert.ok(balancer);
  const missing = `${balancer.id}-gone` as typeof balancer.id;
  assert.equal(await stage.provider().inventory.balancer(missing, signal()), undefined);
  assert.equal(await stage.provider(PEOPLE.dan.oid).inventory.balancer(balancer.id, signal()), undefined);
  await assert.rejects(
    stage.provider().inventory.parts(missing, signal()),
    (error) => error instanceof Fault && /does not find/.test(error.message),
  );
});

test('a server that does not answer is a fault, not an absence', async (t) => {
  const stage = await startStage(t);
  const [balancer] = await stage.balancers();
  assert.ok(balancer);
  stage.azure.world.faults.add({
    call: /loadBalancers|applicationGateways/,
    trouble: { kind: 'refuse', status: 400, code: 'Odd', message: 'Odd.' },
  });
  await assert.rejects(stage.provider().inventory.balancer(balancer.id, signal()), Fault);
});

test('every part hangs under the balancer or under a part of it, with an id of its own', async (t) => {
  const stage = await startStage(t);
  for (const balancer of await stage.balancers()) {
    const parts = await stage.provider().inventory.parts(balancer.id, signal());
    const ids = new Set(parts.map(({ id }) => id));
    assert.equal(ids.size, parts.length);
    for (const part of parts) {
      assert.equal(part.balancerId, balancer.id);
      assert.ok(part.parentId === balancer.id || ids.has(part.parentId), part.id);
      assert.ok(part.id.startsWith(`${balancer.id}/`));
    }
    const count = (kind: string) => parts.filter((part) => part.kind === kind).length;
    assert.equal(count('backend-pool'), balancer.counts.pools);
    assert.equal(count('frontend'), balancer.counts.frontends);
  }
});

test('health is shown to who may ask, and is empty for who may not', async (t) => {
  const stage = await startStage(t);
  const granting = stage.granting();
  for (const kind of ['load-balancer', 'application-gateway'] as const) {
    const balancer = await stage.balancer('Shop production', kind);
    assert.equal((await stage.provider().inventory.health(balancer.id, signal())).size, 0, kind);
    const order = stage.order(balancer.id, { roleId: 'observe' as typeof order.roleId });
    await granting.bind(order, signal());
    const health = await stage.provider().inventory.health(balancer.id, signal());
    const parts = await stage.provider().inventory.parts(balancer.id, signal());
    const members = parts.filter((part) => part.kind === 'member');
    assert.ok(members.length > 0);
    for (const member of members) assert.ok(health.has(member.id), `${kind} ${member.id}`);
    for (const [id] of health)
      assert.ok(
        parts.some((part) => part.id === id),
        `${kind} ${id}`,
      );
  }
});

test('a member that is down makes its pool degraded', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  await stage.granting().bind(stage.order(balancer.id, { roleId: 'observe' as never }), signal());
  const parts = await stage.provider().inventory.parts(balancer.id, signal());
  const pool = parts.find(({ kind }) => kind === 'backend-pool');
  const [first, ...others] = parts.filter(({ parentId }) => parentId === pool?.id);
  assert.ok(pool && first && others.length > 0);
  const address = /\d+\.\d+\.\d+\.\d+/.exec(first.detail)?.[0] ?? first.name;
  for (const other of others) stage.azure.world.health.set(/\d+\.\d+\.\d+\.\d+/.exec(other.detail)?.[0] ?? other.name, true);
  stage.azure.world.health.set(address, false);
  const health = await stage.provider().inventory.health(balancer.id, signal());
  assert.equal(health.get(first.id)?.state, 'unhealthy');
  assert.deepEqual(health.get(pool.id), { state: 'degraded', up: others.length, total: others.length + 1 });
});

test('the quota headers of Resource Graph are read', () => {
  const from = (headers: Record<string, string>) => quotaOf((name) => headers[name]);
  assert.deepEqual(from({ 'x-ms-user-quota-remaining': '0', 'x-ms-user-quota-resets-after': '00:00:05' }), {
    remaining: 0,
    resetsAfter: 5_000,
  });
  assert.deepEqual(from({ 'x-ms-user-quota-remaining': '14', 'x-ms-user-quota-resets-after': '01:02:03' }), {
    remaining: 14,
    resetsAfter: 3_723_000,
  });
  assert.deepEqual(from({}), {});
  assert.deepEqual(from({ 'x-ms-user-quota-remaining': 'x', 'x-ms-user-quota-resets-after': 'y' }), {});
});
