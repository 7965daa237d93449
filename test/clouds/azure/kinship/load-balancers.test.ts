import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../json.ts';
import { objectOf, objectsOf, textOf } from '../json.ts';
import { stage } from '../stage.ts';
import { address, bodyFor, bodyOf, example, networkPath, same, sendable, settled } from './shapes.ts';
import { PERSON, tenant } from './tenant.ts';

test('the published load balancer is created, and its pool and NAT rule are written as their own resources', async (t) => {
  const scene = await stage(t, { estate: tenant() });
  const lb = example('LoadBalancerCreate');
  const created = await scene.call(PERSON, 'PUT', networkPath(lb.parameters, 'loadBalancers/{loadBalancerName}'), bodyOf(lb.parameters));
  same(lb.responses['201']?.body, created, 201);
  assert.match(
    created.headers['azure-asyncoperation'] ?? '',
    /\/subscriptions\/[^/]+\/providers\/Microsoft\.Network\/locations\/eastus\/operations\//,
  );

  const pool = example('LBBackendAddressPoolWithBackendAddressesPut');
  const inGroup = JSON.parse(
    JSON.stringify(bodyOf(lb.parameters)).replaceAll('resourceGroups/rg1', 'resourceGroups/testrg').replaceAll('be-lb', 'backend'),
  ) as JsonObject;
  await scene.call(
    PERSON,
    'PUT',
    networkPath({ ...lb.parameters, resourceGroupName: 'testrg' }, 'loadBalancers/{loadBalancerName}'),
    inGroup,
  );
  const written = await scene.call(
    PERSON,
    'PUT',
    networkPath(pool.parameters, 'loadBalancers/{loadBalancerName}/backendAddressPools/{backendAddressPoolName}'),
    bodyOf(pool.parameters),
  );
  same(pool.responses['200']?.body, written, 200);

  const nat = example('InboundNatRuleCreate');
  const lb1 = JSON.parse(
    JSON.stringify(inGroup).replaceAll('loadBalancers/lb/', 'loadBalancers/lb1/').replaceAll('fe-lb', 'ip1'),
  ) as JsonObject;
  await scene.call(
    PERSON,
    'PUT',
    networkPath({ ...lb.parameters, resourceGroupName: 'testrg', loadBalancerName: 'lb1' }, 'loadBalancers/{loadBalancerName}'),
    lb1,
  );
  const rule = await scene.call(
    PERSON,
    'PUT',
    networkPath(nat.parameters, 'loadBalancers/{loadBalancerName}/inboundNatRules/{inboundNatRuleName}'),
    bodyOf(nat.parameters),
  );
  // A network interface binds itself to a rule from its own side, which no body of this request can do.
  same(nat.responses['201']?.body, rule, 201, ['.properties.backendIPConfiguration']);

  const health = example('LoadBalancerHealth');
  const parameters = { ...health.parameters, groupName: 'testrg', loadBalancerName: 'lb' };
  const started = await scene.call(
    PERSON,
    'POST',
    networkPath(parameters, 'loadBalancers/{loadBalancerName}/loadBalancingRules/{loadBalancingRuleName}/health'),
  );
  assert.equal(started.status, 202);
  // The pool has addresses as members, the published one a network interface.
  same(health.responses['200']?.body, await settled(scene, PERSON, started), 200, [
    '.loadBalancerBackendAddresses[0].networkInterfaceIPConfigurationId',
  ]);
});

test('the published load balancer is read as it was written', async (t) => {
  const { call } = await stage(t, { estate: tenant() });
  const get = example('LoadBalancerGet');
  const path = networkPath(get.parameters, 'loadBalancers/{loadBalancerName}');
  assert.equal((await call(PERSON, 'PUT', path, sendable(bodyFor(get)))).status, 201);
  same(bodyFor(get), await call(PERSON, 'GET', path), 200);
});

test('the published load balancers of a subscription are listed', async (t) => {
  const { call } = await stage(t, { estate: tenant() });
  const list = example('LoadBalancerListAll');
  for (const one of objectsOf(bodyFor(list)['value']))
    await call(PERSON, 'PUT', address(list.parameters, textOf(one['id']) ?? ''), sendable(one));
  const listed = await call(
    PERSON,
    'GET',
    address(list.parameters, '/subscriptions/{subscriptionId}/providers/Microsoft.Network/loadBalancers'),
  );
  same(bodyFor(list), listed, 200);
  const names = (body: JsonObject) => objectsOf(body['value']).map(({ id }) => id);
  assert.deepEqual(names(listed.body), names(bodyFor(list)));
});

test('the published pool is read with its members and rules, and deleted once no rule needs it', async (t) => {
  const { call, world } = await stage(t, { estate: tenant() });
  const get = example('LoadBalancerBackendAddressPoolGet');
  const path = networkPath(get.parameters, 'loadBalancers/{loadBalancerName}');
  const poolPath = networkPath(get.parameters, 'loadBalancers/{loadBalancerName}/backendAddressPools/{backendAddressPoolName}');
  const balancer = JSON.parse(
    JSON.stringify(sendable(bodyFor(example('LoadBalancerGet'))))
      .replaceAll('resourceGroups/rg1', 'resourceGroups/testrg')
      .replaceAll('be-lb', 'backend'),
  ) as JsonObject;
  await call(PERSON, 'PUT', path, balancer);
  // A network interface joins a pool from its own side, which is no request of this service.
  const stored = world.resources.get(path.replace(/\?.*/, ''));
  assert.ok(stored);
  const { backendIPConfigurations } = objectOf(bodyFor(get)['properties']);
  const backendAddressPools = [{ name: 'backend', properties: { backendIPConfigurations } }];
  world.resources.put({ ...stored.resource, properties: { ...stored.resource.properties, backendAddressPools } });
  same(bodyFor(get), await call(PERSON, 'GET', poolPath), 200);

  const unused = { ...balancer, properties: { ...objectOf(balancer['properties']), loadBalancingRules: [] } };
  assert.equal((await call(PERSON, 'DELETE', poolPath)).status, 400, 'a rule needs it');
  await call(PERSON, 'PUT', path, unused);
  const gone = example('LoadBalancerBackendAddressPoolDelete');
  const answered = await call(PERSON, 'DELETE', poolPath);
  const published = textOf(gone.responses['202']?.headers?.['location']) ?? '';
  const plain = (link: string) => link.replace(/^https:\/\/[^/]+/, '').replace(/[0-9a-f-]{36}|locations\/\w+|[0-9-]+$/g, '*');
  assert.equal(answered.status, 202);
  assert.equal(plain(answered.headers['location'] ?? ''), plain(published));
  assert.equal((await call(PERSON, 'DELETE', poolPath)).status, 204);
});
