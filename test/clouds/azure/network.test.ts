import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackendAddressPool } from '@azure/arm-network';
import { SECOND } from '../../../protocol/clock.ts';
import { scopeOf } from './arm-id.ts';
import { makeEstate, NETWORK_ENGINEERS, PEOPLE } from './estate.ts';
import { type JsonObject, objectOf, objectsOf } from './json.ts';
import { NETWORK_CONTRIBUTOR, permission } from './role-definitions.ts';
import { partsOf, refusal, type Stage, stage } from './stage.ts';

const { alice, ben } = PEOPLE;
const ONE_BALANCER = 'ab5e0000-0000-4000-8000-000000000001';

/** Binds a role there and then, past every request. */
function bind({ world, clock }: Stage, oid: string, roleGuid: string, id: string): void {
  const name = crypto.randomUUID();
  world.assignments.add({
    name,
    principalId: oid,
    principalType: 'User',
    roleGuid,
    scope: scopeOf(id),
    origin: 'plain',
    createdAt: clock.now(),
    createdBy: '',
  });
}

const fast = { updateIntervalInMs: 5 };

test('a pool is written as its own resource, and the balancer shows it with a new etag', async (t) => {
  const scene = await stage(t);
  const { balancer, network } = scene;
  bind(scene, alice.oid, NETWORK_CONTRIBUTOR, balancer.id);
  const { subscription, group, name } = partsOf(balancer.id);
  const client = network(alice.oid, subscription);
  const before = await client.loadBalancers.get(group, name);
  const pool = await client.loadBalancerBackendAddressPools.get(group, name, 'web');
  const [first, ...others] = pool.loadBalancerBackendAddresses ?? [];
  const drained: BackendAddressPool = { ...pool, loadBalancerBackendAddresses: others };
  const written = await client.loadBalancerBackendAddressPools.createOrUpdate(group, name, 'web', drained, fast).pollUntilDone();
  assert.equal(written.loadBalancerBackendAddresses?.length, others.length);
  const after = await client.loadBalancers.get(group, name);
  assert.notEqual(after.etag, before.etag);
  assert.ok(!JSON.stringify(after.backendAddressPools).includes(first?.ipAddress ?? '-'));
  assert.deepEqual(
    after.loadBalancingRules?.map((rule) => rule.name),
    before.loadBalancingRules?.map((rule) => rule.name),
  );
});

test('a conditional write of something that changed is refused, unless the switch says that Azure does not look', async (t) => {
  const scene = await stage(t);
  const { balancer, network, world } = scene;
  bind(scene, alice.oid, NETWORK_CONTRIBUTOR, balancer.id);
  const { subscription, group, name } = partsOf(balancer.id);
  const { loadBalancers } = network(alice.oid, subscription);
  const read = await loadBalancers.get(group, name);
  const conditional = (etag: string) =>
    loadBalancers.createOrUpdate(group, name, read, { ...fast, requestOptions: { headers: { 'If-Match': etag } } }).pollUntilDone();
  await conditional(read.etag ?? '');
  assert.equal(await refusal(conditional(read.etag ?? '')), '412 PreconditionFailed');
  world.faults.ignoreIfMatch = true;
  await conditional(read.etag ?? '');
});

test('a whole balancer is not written without joining everything it touches', async (t) => {
  const scene = await stage(t);
  const { balancer, gateway, network } = scene;
  for (const { id } of [balancer, gateway]) bind(scene, ben.oid, NETWORK_CONTRIBUTOR, id);
  const lb = partsOf(balancer.id);
  const client = network(ben.oid, lb.subscription);
  const body = await client.loadBalancers.get(lb.group, lb.name);
  await assert.rejects(
    client.loadBalancers.createOrUpdate(lb.group, lb.name, body, fast).pollUntilDone(),
    (error: { statusCode: number; code: string; message: string }) => {
      assert.deepEqual([error.statusCode, error.code], [403, 'LinkedAuthorizationFailed']);
      assert.match(error.message, /joinLoadBalancer\/action/);
      return true;
    },
  );
  const pool = await client.loadBalancerBackendAddressPools.get(lb.group, lb.name, 'web');
  assert.equal(
    await refusal(client.loadBalancerBackendAddressPools.createOrUpdate(lb.group, lb.name, 'web', pool, fast).pollUntilDone()),
    '403 LinkedAuthorizationFailed',
  );
  const agw = partsOf(gateway.id);
  const gateways = network(ben.oid, agw.subscription).applicationGateways;
  const whole = await gateways.get(agw.group, agw.name);
  assert.equal(
    await refusal(gateways.createOrUpdate(agw.group, agw.name, whole, fast).pollUntilDone()),
    '403 ApplicationGatewayInsufficientPermissionOnSubnet',
  );
});

test('who holds a right on the balancer alone can start an operation and not see how it ends', async (t) => {
  const estate = makeEstate({ balancers: 24 });
  estate.roleDefinitions.push({
    guid: ONE_BALANCER,
    roleName: 'Balancer only',
    description: '',
    kind: 'CustomRole',
    permissions: [permission(['Microsoft.Network/*'])],
    assignableScopes: ['/'],
  });
  estate.assignments = estate.assignments.filter(({ principalId }) => principalId !== ben.oid);
  const scene = await stage(t, { estate });
  const { balancer, call } = scene;
  bind(scene, ben.oid, ONE_BALANCER, balancer.id);
  const rule = String(objectsOf(balancer.properties['loadBalancingRules'])[0]?.['name']);
  const started = await call(ben.oid, 'POST', `${balancer.id}/loadBalancingRules/${rule}/health?api-version=2024-07-01`);
  assert.equal(started.status, 202);
  const asked = await call(ben.oid, 'GET', started.headers['azure-asyncoperation'] ?? '');
  assert.equal(asked.status, 403);
  assert.match(JSON.stringify(asked.body), /Microsoft\.Network\/locations\/operations\/read/);
  assert.equal((await call(alice.oid, 'GET', started.headers['azure-asyncoperation'] ?? '')).body['status'], 'Succeeded');
});

test('an operation takes its time on the clock, and another write meanwhile is turned away', async (t) => {
  const scene = await stage(t, { timing: { operation: 30 * SECOND, retryAfter: 0 } });
  const { balancer, call, clock } = scene;
  bind(scene, alice.oid, NETWORK_CONTRIBUTOR, balancer.id);
  const path = `${balancer.id}?api-version=2024-07-01`;
  const read = (await call(alice.oid, 'GET', path)).body;
  const started = await call(alice.oid, 'PUT', path, read);
  const status = async () => (await call(alice.oid, 'GET', started.headers['azure-asyncoperation'] ?? '')).body['status'];
  assert.equal(objectOf(started.body['properties'])['provisioningState'], 'Updating');
  assert.equal(await status(), 'InProgress');
  assert.equal((await call(alice.oid, 'PUT', path, read)).status, 429);
  await clock.advance(30 * SECOND);
  assert.equal(await status(), 'Succeeded');
  assert.equal(objectOf((await call(alice.oid, 'GET', path)).body['properties'])['provisioningState'], 'Succeeded');
});

test('health is told to who may ask, and a Reader may not', async (t) => {
  const scene = await stage(t);
  const { gateway, balancer, network, world } = scene;
  const { subscription, group, name } = partsOf(gateway.id);
  const { applicationGateways } = network(alice.oid, subscription);
  assert.equal(await refusal(applicationGateways.backendHealth(group, name, fast).pollUntilDone()), '403 AuthorizationFailed');
  bind(scene, alice.oid, NETWORK_CONTRIBUTOR, gateway.id);
  bind(scene, alice.oid, NETWORK_CONTRIBUTOR, balancer.id);
  const [pool] = objectsOf(gateway.properties['backendAddressPools']);
  const [ill, well] = objectsOf(objectOf(pool?.['properties'])['backendAddresses']).map((one) => String(one['ipAddress']));
  world.health.set(ill ?? '', false);
  world.health.set(well ?? '', true);
  const answer = await applicationGateways.backendHealth(group, name, fast).pollUntilDone();
  const servers = answer.backendAddressPools?.[0]?.backendHttpSettingsCollection?.[0]?.servers ?? [];
  assert.deepEqual(
    servers.slice(0, 2).map((server) => server.health),
    ['Unhealthy', 'Healthy'],
  );
  const lb = partsOf(balancer.id);
  const rule = String(objectsOf(balancer.properties['loadBalancingRules'])[0]?.['name']);
  const rules = await network(alice.oid, lb.subscription)
    .loadBalancerLoadBalancingRules.health(lb.group, lb.name, rule, fast)
    .pollUntilDone();
  assert.ok((rules.up ?? 0) + (rules.down ?? 0) > 0);
});

test('a gateway is stopped and started by those two actions alone', async (t) => {
  const scene = await stage(t);
  const { gateway, network } = scene;
  const { subscription, group, name } = partsOf(gateway.id);
  const { applicationGateways } = network(alice.oid, subscription);
  assert.equal(await refusal(applicationGateways.stop(group, name, fast).pollUntilDone()), '403 AuthorizationFailed');
  const operate = scene.world.roles
    .all()
    .find(({ permissions }) => permissions[0]?.actions.includes('Microsoft.Network/applicationGateways/stop/action'));
  bind(scene, alice.oid, operate?.guid ?? '', gateway.id);
  await applicationGateways.stop(group, name, fast).pollUntilDone();
  assert.equal((await applicationGateways.get(group, name)).operationalState, 'Stopped');
  await applicationGateways.start(group, name, fast).pollUntilDone();
  assert.equal((await applicationGateways.get(group, name)).operationalState, 'Running');
});

test('a gateway that is read, edited and written back keeps the certificates whose keys are never shown', async (t) => {
  const scene = await stage(t);
  const { gateway, network } = scene;
  bind(scene, alice.oid, NETWORK_CONTRIBUTOR, gateway.id);
  const { subscription, group, name } = partsOf(gateway.id);
  const { applicationGateways } = network(alice.oid, subscription);
  const read = await applicationGateways.get(group, name);
  for (const probe of read.probes ?? []) probe.interval = 5;
  await applicationGateways.createOrUpdate(group, name, read, fast).pollUntilDone();
  const after = await applicationGateways.get(group, name);
  assert.equal(after.probes?.[0]?.interval, 5);
  assert.equal(after.sslCertificates?.[0]?.publicCertData, read.sslCertificates?.[0]?.publicCertData);
  assert.equal(after.operationalState, 'Running');
  const broken = { ...read, sslCertificates: [{ name: 'new' }] };
  assert.match(
    await refusal(applicationGateways.createOrUpdate(group, name, broken, fast).pollUntilDone()),
    /^400 (ApplicationGatewaySslCertificateDataMustBeSpecified|InvalidResourceReference)$/,
  );
});

test('what is read and written back unchanged changes nothing, for every balancer of the estate', async (t) => {
  const scene = await stage(t);
  const { call, world } = scene;
  const plain = ({ body }: { body: JsonObject }) => JSON.parse(JSON.stringify(body).replace(/W\/\\"[^"]*\\"/g, 'etag')) as unknown;
  for (const { id } of world.estate.resources) {
    bind(scene, alice.oid, NETWORK_CONTRIBUTOR, id);
    const path = `${id}?api-version=2024-07-01`;
    const before = await call(alice.oid, 'GET', path);
    assert.equal((await call(alice.oid, 'PUT', path, before.body)).status, 200, id);
    assert.deepEqual(plain(await call(alice.oid, 'GET', path)), plain(before), id);
  }
});

test('a reference to a part that is not there is refused, and so is removing a part in use', async (t) => {
  const scene = await stage(t);
  const { balancer, network } = scene;
  bind(scene, alice.oid, NETWORK_CONTRIBUTOR, balancer.id);
  const { subscription, group, name } = partsOf(balancer.id);
  const client = network(alice.oid, subscription);
  const read = await client.loadBalancers.get(group, name, { detailLevel: 'Reduced' });
  assert.ok(
    !('loadBalancingRules' in (read.probes?.[0] ?? {})) || read.probes?.[0]?.loadBalancingRules === undefined,
    'Reduced leaves back-references out',
  );
  assert.equal(
    await refusal(client.loadBalancers.createOrUpdate(group, name, { ...read, probes: [] }, fast).pollUntilDone()),
    '400 InvalidResourceReference',
  );
  assert.equal(
    await refusal(client.loadBalancerBackendAddressPools.delete(group, name, 'web', fast).pollUntilDone()),
    '400 InvalidResourceReference',
  );
});

test('a NAT rule is added, read and deleted as its own resource', async (t) => {
  const scene = await stage(t);
  const { balancer, network } = scene;
  bind(scene, alice.oid, NETWORK_CONTRIBUTOR, balancer.id);
  const { subscription, group, name } = partsOf(balancer.id);
  const { inboundNatRules, loadBalancers } = network(alice.oid, subscription);
  const frontend = (await loadBalancers.get(group, name)).frontendIPConfigurations?.[0]?.id ?? '';
  await inboundNatRules
    .createOrUpdate(
      group,
      name,
      'jump',
      { frontendIPConfiguration: { id: frontend }, frontendPort: 50_100, backendPort: 22, protocol: 'Tcp' },
      fast,
    )
    .pollUntilDone();
  assert.equal((await inboundNatRules.get(group, name, 'jump')).frontendPort, 50_100);
  await inboundNatRules.delete(group, name, 'jump', fast).pollUntilDone();
  assert.equal(await refusal(inboundNatRules.get(group, name, 'jump')), '404 ResourceNotFound');
});

test('locks are listed, and hold what they say', async (t) => {
  const scene = await stage(t);
  const { balancer, world, network, call } = scene;
  bind(scene, alice.oid, NETWORK_CONTRIBUTOR, balancer.id);
  const { subscription, group, name } = partsOf(balancer.id);
  const { loadBalancers } = network(alice.oid, subscription);
  world.locks.add(`/subscriptions/${subscription}`, 'CanNotDelete', 'keep', 'Ask the platform team');
  const listed = await call(alice.oid, 'GET', `${balancer.id}/providers/Microsoft.Authorization/locks?api-version=2020-05-01`);
  assert.deepEqual(
    objectsOf(listed.body['value']).map((lock) => [lock['name'], objectOf(lock['properties'])['level']]),
    [['keep', 'CanNotDelete']],
  );
  assert.equal(await refusal(loadBalancers.delete(group, name, fast).pollUntilDone()), '409 ScopeLocked');
  const read = await loadBalancers.get(group, name);
  await loadBalancers.createOrUpdate(group, name, read, fast).pollUntilDone();
  world.locks.add(balancer.id, 'ReadOnly');
  assert.equal(await refusal(loadBalancers.createOrUpdate(group, name, read, fast).pollUntilDone()), '409 ScopeLocked');
});

test('lists come in pages with absolute links on their own host', async (t) => {
  const { network, world } = await stage(t, { limits: { pageSize: 2 }, estate: makeEstate({ balancers: 40 }) });
  let seen = 0;
  for (const { id } of world.estate.subscriptions) for await (const _ of network(ben.oid, id).loadBalancers.listAll()) seen += 1;
  assert.equal(seen, world.estate.resources.filter(({ type }) => type.endsWith('loadBalancers')).length);
});

test('the estate is the same at every run, believable, and of any size', () => {
  const one = makeEstate({ balancers: 24 });
  assert.deepEqual(one.resources, makeEstate({ balancers: 24 }).resources);
  assert.notDeepEqual(one.resources, makeEstate({ balancers: 24, seed: 2 }).resources);
  const text = JSON.stringify(one.resources);
  for (const word of [
    'publicIPAddress',
    'privateIPAddress',
    'backendIPConfigurations',
    'outboundRules',
    'keyVaultSecretId',
    'pathRules',
    'firewallPolicy',
    '"env":"prod"',
    '"env":"staging"',
  ]) {
    assert.ok(text.includes(word), word);
  }
  const many = makeEstate({ balancers: 5_000 });
  assert.equal(new Set(many.resources.map(({ id }) => id.toLowerCase())).size, 5_000, 'no two share an id');
  assert.ok(many.subscriptions.length > 50);
  assert.ok(one.principals.some(({ oid }) => oid === NETWORK_ENGINEERS));
});
