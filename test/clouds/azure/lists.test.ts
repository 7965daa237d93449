import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SECOND } from '../../../protocol/clock.ts';
import { catalogueDefinitions } from '../../../roles/catalogue.ts';
import { CENTRAL_APP, NETWORK_ENGINEERS, NETWORK_JOIN, PEOPLE } from './estate.ts';
import { NETWORK_CONTRIBUTOR, READER, USER_ACCESS_ADMINISTRATOR } from './role-definitions.ts';
import { refusal, stage } from './stage.ts';

const { alice, ben, dan } = PEOPLE;

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

test('role assignments are filtered by principal, by whom they reach, and by scope', async (t) => {
  const { authorization, balancer } = await stage(t);
  const { roleAssignments } = authorization(ben.oid);
  const scope = balancer.id.slice(1);
  const roles = async (at: string, filter: string) =>
    (await all(roleAssignments.listForScope(at, { filter }))).map(({ roleDefinitionId = '' }) => roleDefinitionId.slice(-36)).sort();
  assert.deepEqual(await roles(scope, `principalId eq '${alice.oid}'`), [READER], 'her own');
  assert.deepEqual(await roles(scope, `assignedTo('${alice.oid}')`), [READER, NETWORK_JOIN].sort(), 'through her group too');
  assert.deepEqual(await roles(scope, `principalId eq '${NETWORK_ENGINEERS}'`), [NETWORK_JOIN]);
  assert.deepEqual(await roles(scope, `atScope() and principalId eq '${CENTRAL_APP.oid}'`), [READER, USER_ACCESS_ADMINISTRATOR].sort());
  await authorization(CENTRAL_APP.oid).roleAssignments.create(scope, 'c0ffee00-0000-4000-8000-000000000010', {
    principalId: alice.oid,
    roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${NETWORK_CONTRIBUTOR}`,
  });
  const [subscription = ''] = /subscriptions\/[^/]+/.exec(scope) ?? [];
  assert.deepEqual(
    await roles(subscription, `principalId eq '${alice.oid}'`),
    [NETWORK_CONTRIBUTOR, READER].sort(),
    'below the scope as well',
  );
  assert.deepEqual(await roles(subscription, `atScope() and principalId eq '${alice.oid}'`), [READER], 'and not with atScope()');
  assert.equal(await refusal(all(authorization(dan.oid).roleAssignments.listForScope(scope))), '403 AuthorizationFailed');
  assert.equal(await refusal(all(roleAssignments.listForScope(scope, { filter: "colour eq 'red'" }))), '400 InvalidFilter');
});

test('an assignment of PIM is in the lists late', async (t) => {
  const { authorization, balancer, clock } = await stage(t, { timing: { listLag: 62 * SECOND } });
  const scope = balancer.id.slice(1);
  const client = authorization(CENTRAL_APP.oid);
  await client.roleAssignmentScheduleRequests.create(scope, 'c0ffee00-0000-4000-8000-000000000011', {
    principalId: alice.oid,
    roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${NETWORK_CONTRIBUTOR}`,
    requestType: 'AdminAssign',
    justification: 'x',
    scheduleInfo: { expiration: { type: 'AfterDuration', duration: 'PT15M' } },
  });
  const mine = { filter: `principalId eq '${alice.oid}'` };
  const listed = async () => [
    (await all(client.roleAssignments.listForScope(scope, mine))).length,
    (await all(client.roleAssignmentScheduleInstances.listForScope(scope, mine))).length,
  ];
  const before = await listed();
  await clock.advance(62 * SECOND);
  assert.deepEqual(
    await listed(),
    before.map((count) => count + 1),
  );
});

test('the tenant has the roles of the catalogue, each with its own id and actions', async (t) => {
  const { authorization, balancer } = await stage(t);
  const { roleDefinitions } = authorization(alice.oid);
  const listed = await all(roleDefinitions.list(balancer.id.slice(1), { filter: "type eq 'CustomRole'" }));
  for (const { guid, name, actions } of catalogueDefinitions('azure')) {
    const found = listed.find((role) => role.name === guid);
    assert.deepEqual([found?.roleName, found?.permissions?.[0]?.actions], [name, actions]);
  }
  const one = await roleDefinitions.getById(`subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/${NETWORK_CONTRIBUTOR}`);
  assert.equal(one.roleName, 'Network Contributor');
  assert.equal(
    await refusal(roleDefinitions.get('', 'c0ffee00-0000-4000-8000-00000000dead')),
    '403 AuthorizationFailed',
    'nobody reads at the root',
  );
});

test('requests are listed to who made them, to their target, and to readers', async (t) => {
  const { authorization, world } = await stage(t);
  const at = world.estate.resources.find(({ id }) => id.includes(world.estate.subscriptions[1]?.id ?? '-'))?.id.slice(1) ?? '';
  const { roleAssignmentScheduleRequests: own } = authorization(alice.oid);
  const asked = await own.create(at, 'c0ffee00-0000-4000-8000-000000000012', {
    principalId: alice.oid,
    roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${NETWORK_CONTRIBUTOR}`,
    requestType: 'SelfActivate',
    justification: 'INC-1',
    scheduleInfo: { expiration: { type: 'AfterDuration', duration: 'PT30M' } },
  });
  const names = async (oid: string, filter?: string) =>
    (await all(authorization(oid).roleAssignmentScheduleRequests.listForScope(at, filter ? { filter } : {}))).map(({ name }) => name);
  assert.deepEqual(await names(alice.oid, 'asTarget()'), [asked.name]);
  assert.deepEqual(await names(alice.oid, 'asRequestor()'), [asked.name]);
  assert.deepEqual(await names(ben.oid), [asked.name]);
  assert.deepEqual(await names(ben.oid, 'asTarget()'), []);
  assert.equal(await refusal(names(dan.oid)), '403 AuthorizationFailed');
  assert.equal(await refusal(authorization(dan.oid).roleAssignmentScheduleRequests.get(at, asked.name ?? '')), '403 AuthorizationFailed');
  assert.equal(await refusal(own.cancel(at, asked.name ?? '')), '400 RoleAssignmentRequestNotPending');
});
