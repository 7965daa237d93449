import assert from 'node:assert/strict';
import { test } from 'node:test';
import { customRoles } from '../../cloud/azure/role-definitions.ts';
import type { CatalogueKind } from '../../roles/catalogue.ts';
import { catalogueDefinitions, catalogueRoles } from '../../roles/catalogue.ts';

/** Of Microsoft's published list of networking operations: those that concern balancers. */
const OPERATIONS = [
  'loadBalancers/read',
  'loadBalancers/write',
  'loadBalancers/delete',
  'loadBalancers/*/read',
  'loadBalancers/health/action',
  'loadBalancers/backendAddressPools/read',
  'loadBalancers/backendAddressPools/write',
  'loadBalancers/backendAddressPools/delete',
  'loadBalancers/backendAddressPools/join/action',
  'loadBalancers/backendAddressPools/health/action',
  'loadBalancers/backendAddressPools/updateAdminState/action',
  'loadBalancers/inboundNatRules/read',
  'loadBalancers/inboundNatRules/write',
  'loadBalancers/inboundNatRules/delete',
  'loadBalancers/inboundNatRules/join/action',
  'loadBalancers/loadBalancingRules/read',
  'loadBalancers/loadBalancingRules/health/action',
  'loadBalancers/probes/read',
  'loadBalancers/probes/join/action',
  'applicationGateways/read',
  'applicationGateways/write',
  'applicationGateways/delete',
  'applicationGateways/start/action',
  'applicationGateways/stop/action',
  'applicationGateways/restart/action',
  'applicationGateways/backendhealth/action',
  'applicationGateways/getBackendHealthOnDemand/action',
].map((operation) => `Microsoft.Network/${operation}`);

const BALANCERS: CatalogueKind[] = ['load-balancer', 'application-gateway'];
const PARTS: CatalogueKind[] = [
  'load-balancer/backend-pool',
  'load-balancer/nat-rule',
  'load-balancer/probe',
  'load-balancer/rule',
  'application-gateway/certificate',
  'application-gateway/listener',
  'application-gateway/backend-pool',
];
const onBalancers = BALANCERS.flatMap((kind) => catalogueRoles('azure', kind));

test('every action of a native role exists in Azure', () => {
  for (const { guid, actions } of catalogueDefinitions('azure')) {
    assert.match(guid, /^[0-9a-f-]{36}$/);
    for (const action of actions) assert.ok(OPERATIONS.includes(action), `${action} is not an operation of Azure`);
  }
});

test('no role may delete a balancer, and only "full" may write one', () => {
  for (const { roleId, actions } of catalogueDefinitions('azure')) {
    assert.ok(!actions.some((action) => /^Microsoft\.Network\/(loadBalancers|applicationGateways)\/(delete|\*)$/.test(action)), roleId);
    const writes = actions.some((action) => /^Microsoft\.Network\/(loadBalancers|applicationGateways)\/write$/.test(action));
    assert.equal(writes, roleId === 'full', roleId);
  }
});

test('a role is native with actions and a definition, or guarded with a reason', () => {
  for (const role of [...onBalancers, ...PARTS.flatMap((kind) => catalogueRoles('azure', kind))]) {
    assert.ok(role.allows.length > 0);
    assert.equal(role.enforcement === 'native', role.actions.length > 0, role.id);
    assert.equal(role.enforcement === 'native', role.definition !== undefined, role.id);
    assert.equal(role.enforcement === 'guarded', role.guardedBecause !== undefined, role.id);
  }
});

test('what Azure cannot split is guarded on both kinds of balancer', () => {
  const guarded = (kind: CatalogueKind) =>
    catalogueRoles('azure', kind).flatMap(({ id, enforcement }) => (enforcement === 'guarded' ? [id] : []));
  assert.deepEqual(guarded('load-balancer'), ['health-checks', 'routes']);
  assert.deepEqual(guarded('application-gateway'), ['backends', 'health-checks', 'certificates', 'routes']);
});

test('every role id that the clouds share is offered somewhere', () => {
  const ids = new Set<string>(onBalancers.map(({ id }) => id));
  assert.deepEqual([...ids].sort(), ['backends', 'certificates', 'full', 'health-checks', 'nat', 'observe', 'operate', 'routes']);
});

test('what a role shows on a resource is inside what is bound there', () => {
  const definitions = new Map(catalogueDefinitions('azure').map(({ guid, actions }) => [guid, actions]));
  for (const { definition, actions } of [...onBalancers, ...PARTS.flatMap((kind) => catalogueRoles('azure', kind))]) {
    if (definition === undefined) continue;
    for (const action of actions) assert.ok(definitions.get(definition)?.includes(action), action);
  }
});

test('a cloud without a catalogue offers nothing', () => {
  assert.deepEqual(catalogueRoles('aws', 'load-balancer'), []);
  assert.deepEqual(catalogueDefinitions('gcp'), []);
});

test('an operator gets each native role as Resource Manager takes it', () => {
  const scopes = ['/subscriptions/b0a8b2d4-6c1e-4f7a-9d20-000000000001'];
  const roles = customRoles(scopes);
  assert.equal(roles.length, catalogueDefinitions('azure').length);
  for (const { name, properties } of roles) {
    assert.match(name, /^[0-9a-f-]{36}$/);
    assert.equal(properties.type, 'CustomRole');
    assert.deepEqual(properties.assignableScopes, scopes);
    assert.ok(properties.permissions.every(({ notActions, dataActions }) => notActions.length === 0 && dataActions.length === 0));
  }
  assert.equal(new Set(roles.map(({ name }) => name)).size, roles.length);
});
