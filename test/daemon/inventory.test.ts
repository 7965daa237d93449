import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { readSeen, type Seen, writeSeen } from '../../daemon/inventory/disk.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import type { ResourceId } from '../../protocol/ids.ts';
import { settle } from '../support/manual-clock.ts';
import { scratch } from '../support/scratch.ts';
import { BALANCER, BEN, balancer, POOL } from './support/cloud.ts';
import { startStage } from './support/stage.ts';

const id = (name: string) => `azure:/subscriptions/s1/resourcegroups/net/providers/microsoft.network/loadbalancers/${name}` as ResourceId;

test('what was seen last is there at once, before the cloud has answered', async (t) => {
  const seen: Seen = {
    schema: 1,
    personId: 'a11ce',
    fetchedAt: 1,
    accounts: [{ provider: 'azure', id: 's1', name: 'Production', balancers: 1 }],
    balancers: [balancer(id('old'), 'old')],
  };
  const stage = await startStage(t, { parts: { seen: { read: () => seen, write: () => {} } } });
  stage.cloud.down = true;
  const client = await stage.client();
  const { accounts } = await client.call('inventory.accounts', {});
  assert.equal(accounts[0]?.balancers, 1);
});

test("another person's list is never shown", async (t) => {
  const seen: Seen = { schema: 1, personId: BEN.id, fetchedAt: 1, accounts: [], balancers: [balancer(id('secret'), 'secret')] };
  const stage = await startStage(t, { parts: { seen: { read: () => seen, write: () => {} } } });
  const client = await stage.client();
  await stage.clock.advance(100);
  const { balancers } = await client.call('inventory.find', { text: '', limit: 10 });
  assert.deepEqual(
    balancers.map(({ name }) => name),
    ['prod-edge'],
  );
});

test('balancers come in order of name, page by page, and none twice', async (t) => {
  const stage = await startStage(t);
  stage.cloud.balancers = Array.from({ length: 450 }, (_, at) =>
    balancer(id(`lb-${(at * 7919) % 450}`), `LB-${String((at * 7919) % 450).padStart(4, '0')}`),
  );
  const client = await stage.client();
  await client.call('inventory.refresh', {});
  await stage.clock.advance(10);
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.call('inventory.balancers', {
      provider: 'azure',
      accountId: 's1',
      ...(cursor === undefined ? {} : { cursor }),
    });
    assert.ok(page.balancers.length <= 200);
    names.push(...page.balancers.map(({ name }) => name));
    cursor = page.next;
  } while (cursor !== undefined);
  assert.equal(new Set(names).size, 450);
  assert.deepEqual(names, [...names].sort());
});

test('finds by name, group, tag and id', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  await stage.clock.advance(10);
  for (const text of ['EDGE', 'net', 'env=prod', 'loadbalancers/prod']) {
    const found = await client.call('inventory.find', { text, limit: 10 });
    assert.equal(found.balancers.length, 1, text);
  }
  assert.equal((await client.call('inventory.find', { text: 'nothing like it', limit: 10 })).balancers.length, 0);
});

test('an account that cannot be read keeps its last known list and says why', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  await stage.clock.advance(10);
  stage.cloud.accounts = [{ provider: 'azure', id: 's1', name: 'Production', balancers: 0, problem: 'You may not read it' }];
  stage.cloud.balancers = [];
  await client.call('inventory.refresh', {});
  await stage.clock.advance(10);
  const { accounts } = await client.call('inventory.accounts', {});
  assert.equal(accounts[0]?.problem, 'You may not read it');
  assert.equal(accounts[0]?.balancers, 1);
  stage.cloud.accounts = [{ provider: 'azure', id: 's1', name: 'Production', balancers: 0 }];
  await client.call('inventory.refresh', {});
  await stage.clock.advance(10);
  assert.equal((await client.call('inventory.accounts', {})).accounts[0]?.balancers, 0, 'what is gone is gone');
});

test('a cloud that is down is a problem of the list, and the last list stays', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  await stage.clock.advance(10);
  stage.cloud.down = true;
  await client.call('inventory.refresh', {});
  await stage.clock.advance(10);
  assert.match(client.state.inventory.problem ?? '', /does not answer/);
  assert.equal(client.state.inventory.refreshing, false);
  assert.equal((await client.call('inventory.find', { text: '', limit: 10 })).balancers.length, 1);
});

test('parts come with their health, and without it when that takes long', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  await stage.clock.advance(10);
  stage.cloud.healthOf = new Map([[POOL, { state: 'degraded', up: 1, total: 2 }]]);
  const quick = await client.call('inventory.parts', { resourceId: BALANCER });
  assert.ok(quick.ok);
  assert.equal(quick.value.parts[0]?.health?.up, 1);

  await stage.clock.advance(MINUTE);
  let answer: (found: typeof stage.cloud.healthOf) => void = () => {};
  stage.cloud.inventory.health = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  const slow = client.call('inventory.parts', { resourceId: BALANCER });
  await stage.clock.advance(3 * SECOND);
  const parts = await slow;
  assert.ok(parts.ok);
  assert.equal(parts.value.parts[0]?.health, undefined);
  const before = client.state.inventory.revision;
  answer(stage.cloud.healthOf);
  await settle();
  assert.ok(client.state.inventory.revision > before, 'the tree is told to ask again');
});

test('names a balancer and a part that the cache does not know yet', async (t) => {
  const stage = await startStage(t);
  stage.cloud.balancers = [];
  const client = await stage.client();
  await client.call('inventory.refresh', {});
  await stage.clock.advance(10);
  stage.cloud.balancers = [balancer(BALANCER, 'prod-edge')];
  const part = await client.call('inventory.resolve', { resourceId: POOL });
  assert.deepEqual(part, {
    ok: true,
    value: { id: POOL, name: 'web', kind: 'Backend pool', balancerId: BALANCER, balancerName: 'prod-edge' },
  });
  const none = await client.call('inventory.resolve', { resourceId: id('none') });
  assert.ok(!none.ok);
  assert.equal(none.refusal.code, 'not-found');
});

test('signing out stops, signing in again lists again', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  await stage.clock.advance(10);
  await client.call('sign-out', { to: 'azure' });
  assert.equal(client.state.signIns.find(({ to }) => to === 'azure')?.state, 'signed out');
  const listed = stage.cloud.log.filter((call) => call === 'list').length;
  const answer = await client.call('sign-in', { to: 'azure' });
  assert.deepEqual(answer, { ok: true, value: { scopes: ['https://management.azure.com/.default'] } });
  await stage.clock.advance(10);
  assert.equal(client.state.signIns.find(({ to }) => to === 'azure')?.state, 'signed in');
  assert.ok(stage.cloud.log.filter((call) => call === 'list').length > listed);
});

test('the cache on disk is private, whole, and worthless when damaged', (t) => {
  const file = path.join(scratch(t), 'inventory.json');
  const seen: Seen = { schema: 1, personId: 'a', fetchedAt: 1, accounts: [], balancers: [balancer(BALANCER, 'prod-edge')] };
  assert.equal(readSeen(file), undefined);
  writeSeen(file, seen);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readSeen(file), seen);
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 50));
  assert.equal(readSeen(file), undefined);
  writeSeen(path.join(file, 'not-a-folder', 'x.json'), seen);
});
