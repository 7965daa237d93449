import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SECOND } from '../../../../protocol/clock.ts';
import type { JsonObject } from '../json.ts';
import { objectOf, objectsOf, textOf } from '../json.ts';
import { stage } from '../stage.ts';
import { address, bodyFor, bodyOf, example, networkPath, same, sendable, settled } from './shapes.ts';
import { PERSON, tenant } from './tenant.ts';

/** What a client would send for the published gateway: with the key of its certificate, which no answer has. */
function withKey(published: JsonObject): JsonObject {
  const body = objectOf(sendable(published));
  const properties = objectOf(body['properties']);
  const sslCertificates = objectsOf(properties['sslCertificates']).map((one) => ({
    ...one,
    properties: { data: '****', password: '****' },
  }));
  return { ...body, properties: { ...properties, sslCertificates } };
}

test('the published application gateway is created, started, and asked for the health of its backends', async (t) => {
  const scene = await stage(t, { estate: tenant() });
  const gateway = example('ApplicationGatewayCreate');
  const created = await scene.call(
    PERSON,
    'PUT',
    networkPath(gateway.parameters, 'applicationGateways/{applicationGatewayName}'),
    bodyOf(gateway.parameters),
  );
  same(gateway.responses['201']?.body, created, 201);
  const certificates = JSON.stringify(objectOf(created.body['properties'])['sslCertificates']);
  assert.doesNotMatch(certificates, /"data"|"password"/, 'the key of a certificate is never given back');

  const start = example('ApplicationGatewayStart');
  const started = await scene.call(PERSON, 'POST', networkPath(start.parameters, 'applicationGateways/{applicationGatewayName}/start'));
  assert.equal(started.status, 202);
  assert.match(
    started.headers['location'] ?? '',
    /\/subscriptions\/[^/]+\/providers\/Microsoft\.Network\/locations\/[^/]+\/operationResults\/[0-9a-f-]{36}\?api-version=2024-07-01$/,
  );

  const health = example('ApplicationGatewayBackendHealthGet');
  const parameters = { ...health.parameters, resourceGroupName: 'rg1' };
  const asked = await scene.call(PERSON, 'POST', networkPath(parameters, 'applicationGateways/{applicationGatewayName}/backendhealth'));
  assert.equal(asked.status, 202);
  same(health.responses['200']?.body, await settled(scene, PERSON, asked), 200);
});

test('the published application gateway is read as it was written, its parts and their parts as resources', async (t) => {
  const { call, world } = await stage(t, { estate: tenant() });
  const get = example('ApplicationGatewayGet');
  const path = networkPath(get.parameters, 'applicationGateways/{applicationGatewayName}');
  assert.equal((await call(PERSON, 'PUT', path, withKey(bodyFor(get)))).status, 201);
  const read = await call(PERSON, 'GET', path);
  same(bodyFor(get), read, 200);

  world.timing.operation = SECOND;
  const { body } = await call(PERSON, 'PUT', path, read.body);
  assert.doesNotMatch(JSON.stringify(body), /"Succeeded"/, 'a state that is sent back is not taken for the state');
});

test('the published application gateways of a subscription are listed', async (t) => {
  const { call } = await stage(t, { estate: tenant() });
  const list = example('ApplicationGatewayListAll');
  const [published = {}] = objectsOf(bodyFor(list)['value']);
  // The example has bare addresses in its second pool, where its own schema (and ApplicationGatewayGet) has objects.
  const body = JSON.parse(JSON.stringify(withKey(published)).replaceAll(/"(10\.0\.0\.\d)"/g, '{"ipAddress":"$1"}')) as JsonObject;
  await call(PERSON, 'PUT', address(list.parameters, textOf(published['id']) ?? ''), body);
  const listed = await call(
    PERSON,
    'GET',
    address(list.parameters, '/subscriptions/{subscriptionId}/providers/Microsoft.Network/applicationGateways'),
  );
  same(bodyFor(list), listed, 200, ['.value[0].properties.backendAddressPools[1].properties.backendAddresses']);
  assert.equal(objectsOf(listed.body['value']).length, 1);
});
