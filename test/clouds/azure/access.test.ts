import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MINUTE } from '../../../protocol/clock.ts';
import { actionMatches } from './access.ts';
import { scopeOf } from './arm-id.ts';
import { CENTRAL_APP, PEOPLE } from './estate.ts';
import { Hierarchy } from './hierarchy.ts';
import { objectsOf } from './json.ts';
import { NETWORK_CONTRIBUTOR, READER } from './role-definitions.ts';
import { partsOf, refusal, stage } from './stage.ts';

const { alice, dan } = PEOPLE;

test('a person without the right gets the words that Azure uses', async (t) => {
  const { network, balancer } = await stage(t);
  const { subscription, group, name } = partsOf(balancer.id);
  const body = await network(alice.oid, subscription).loadBalancers.get(group, name);
  await assert.rejects(network(alice.oid, subscription).loadBalancers.createOrUpdate(group, name, body).pollUntilDone(), {
    statusCode: 403,
    code: 'AuthorizationFailed',
    message: `The client '${alice.upn}' with object id '${alice.oid}' does not have authorization to perform action 'Microsoft.Network/loadBalancers/write' over scope '${balancer.id}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  });
});

test('who has nothing sees nothing', async (t) => {
  const { network, subscriptions, graph, call, balancer } = await stage(t);
  const { subscription, group, name } = partsOf(balancer.id);
  assert.equal(await refusal(network(dan.oid, subscription).loadBalancers.get(group, name)), '403 AuthorizationFailed');
  assert.equal(
    await refusal(network(dan.oid, subscription).loadBalancers.get(group, 'not-there')),
    '403 AuthorizationFailed',
    'not even that it is absent',
  );
  const seen = [];
  for await (const one of subscriptions(dan.oid).subscriptions.list()) seen.push(one);
  assert.deepEqual(seen, []);
  assert.equal(await refusal(graph(dan.oid).resources({ query: 'resources' })), '400 NoValidSubscriptionsInQueryRequest');
  assert.deepEqual(
    (await call(dan.oid, 'GET', `${balancer.id}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01`)).body['value'],
    [],
  );
});

test('ids are compared without regard to case, and double slashes do no harm', async (t) => {
  const { network, call, balancer } = await stage(t);
  const { subscription, group, name } = partsOf(balancer.id);
  const answer = await network(alice.oid, subscription.toUpperCase()).loadBalancers.get(group.toUpperCase(), name.toUpperCase());
  assert.equal(answer.id, balancer.id);
  assert.equal(
    (await call(alice.oid, 'GET', `//${balancer.id.slice(1).replace('providers/', 'providers//')}?api-version=2024-05-01`)).status,
    200,
  );
  assert.equal((await call(alice.oid, 'GET', balancer.id)).body['error'] !== undefined, true, 'an api-version is required');
});

test('a right on one balancer reaches its parts and no other balancer', async (t) => {
  const { world, balancer, authorization, gateway } = await stage(t);
  const name = 'c0ffee00-0000-4000-8000-000000000001';
  await authorization(CENTRAL_APP.oid).roleAssignments.create(balancer.id.slice(1), name, {
    principalId: alice.oid,
    roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${NETWORK_CONTRIBUTOR}`,
  });
  const write = 'Microsoft.Network/loadBalancers/backendAddressPools/write';
  assert.equal(world.allows(alice.oid, write, `${balancer.id}/backendAddressPools/web`), true);
  assert.equal(world.allows(alice.oid, 'Microsoft.Network/applicationGateways/write', gateway.id), false);
  assert.equal(world.allows(alice.oid, write, balancer.id.slice(0, -1)), false, 'a name that begins alike is another balancer');
  await authorization(CENTRAL_APP.oid).roleAssignments.delete(balancer.id.slice(1), name);
  assert.equal(world.allows(alice.oid, write, `${balancer.id}/backendAddressPools/web`), false);
});

test('plain assignments: the same tuple twice, an unknown principal, a full subscription', async (t) => {
  const { authorization, balancer } = await stage(t, { limits: { assignmentLimit: 1 } });
  const scope = balancer.id.slice(1);
  const body = (principalId: string) => ({ principalId, roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${READER}` });
  const { roleAssignments } = authorization(CENTRAL_APP.oid);
  assert.equal(
    await refusal(roleAssignments.create(scope, 'c0ffee00-0000-4000-8000-000000000002', body('c0ffee00-0000-4000-8000-00000000dead'))),
    '400 PrincipalNotFound',
  );
  await roleAssignments.create(scope, 'c0ffee00-0000-4000-8000-000000000003', body(dan.oid));
  assert.equal(
    await refusal(roleAssignments.create(scope, 'c0ffee00-0000-4000-8000-000000000004', body(dan.oid))),
    '409 RoleAssignmentExists',
  );
  assert.equal(
    await refusal(roleAssignments.create(scope, 'c0ffee00-0000-4000-8000-000000000005', body(alice.oid))),
    '400 RoleAssignmentLimitExceeded',
  );
  assert.equal(
    await refusal(authorization(alice.oid).roleAssignments.delete(scope, 'c0ffee00-0000-4000-8000-000000000003')),
    '403 AuthorizationFailed',
  );
});

test('what the permissions list says and what enforcement does are one thing, at every moment of the delay', async (t) => {
  const { clock, world, call, balancer } = await stage(t, {
    timing: { usableLag: 2 * MINUTE, goneLag: 3 * MINUTE, freshTokenRereads: false },
  });
  const both = async (): Promise<[boolean, boolean]> => {
    const { body } = await call(alice.oid, 'GET', `${balancer.id}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01`);
    const listed = objectsOf(body['value']).some(({ actions }) => Array.isArray(actions) && actions.includes('Microsoft.Network/*'));
    const put = await call(alice.oid, 'PATCH', `${balancer.id}?api-version=2024-05-01`, { tags: {} });
    return [listed, put.status === 200];
  };
  const name = 'c0ffee00-0000-4000-8000-000000000006';
  world.assignments.add({
    name,
    principalId: alice.oid,
    principalType: 'User',
    roleGuid: NETWORK_CONTRIBUTOR,
    scope: scopeOf(balancer.id),
    origin: 'plain',
    createdAt: clock.now(),
    createdBy: '',
  });
  assert.deepEqual(await both(), [false, false]);
  await clock.advance(2 * MINUTE);
  assert.deepEqual(await both(), [true, true]);
  world.assignments.remove(name);
  assert.deepEqual(await both(), [true, true]);
  await clock.advance(3 * MINUTE);
  assert.deepEqual(await both(), [false, false]);
});

test('a fresh token sees a change at once where the switch says so, a held one does not', async (t) => {
  const { world, clock, balancer } = await stage(t, { timing: { usableLag: 5 * MINUTE, goneLag: 5 * MINUTE, freshTokenRereads: true } });
  const action = 'Microsoft.Network/loadBalancers/write';
  const heldOrder = world.sequence.next();
  const held = () => world.access.allows({ oid: alice.oid, order: heldOrder }, action, scopeOf(balancer.id));
  const name = 'c0ffee00-0000-4000-8000-000000000007';
  world.assignments.add({
    name,
    principalId: alice.oid,
    principalType: 'User',
    roleGuid: NETWORK_CONTRIBUTOR,
    scope: scopeOf(balancer.id),
    origin: 'plain',
    createdAt: clock.now(),
    createdBy: '',
  });
  assert.deepEqual([held(), world.allows(alice.oid, action, balancer.id)], [false, true]);
  await clock.advance(5 * MINUTE);
  world.assignments.remove(name);
  assert.deepEqual(
    [held(), world.allows(alice.oid, action, balancer.id)],
    [true, false],
    'the trap: a fresh token is refused while a held one still works',
  );
});

test('action patterns: case does not matter, a star is any number of characters, dots are dots', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('Microsoft.Network', 'loadBalancers', 'probes', 'read', 'a.b'), { minLength: 1, maxLength: 5 }),
      fc.nat(),
      (words, cut) => {
        const action = words.join('/');
        const at = cut % (action.length + 1);
        assert.ok(actionMatches(action.toUpperCase(), action));
        assert.ok(actionMatches(`${action.slice(0, at)}*`, action));
        assert.ok(actionMatches(`*${action.slice(at)}`, action));
        assert.ok(actionMatches(`${action.slice(0, at)}*${action.slice(at)}`, action));
        assert.ok(!actionMatches(`${action}x`, action));
        assert.ok(!actionMatches(action.replace('.', 'X'), action) || !action.includes('.'));
      },
    ),
  );
});

test('a scope lies inside another by whole segments only', () => {
  const hierarchy = new Hierarchy('group', ['sub']);
  const segment = fc.stringMatching(/^[a-z]{1,3}$/);
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.array(segment, { minLength: 1, maxLength: 4 }), (one, two) => {
      const [scope, ancestor] = [`/${one.join('/')}`, `/${two.join('/')}`];
      assert.equal(
        hierarchy.within(scope, ancestor),
        two.every((part, index) => one[index] === part),
      );
    }),
  );
  assert.ok(hierarchy.within('/subscriptions/sub/resourcegroups/r', '/providers/microsoft.management/managementgroups/group'));
  assert.ok(!hierarchy.within('/subscriptions/other', '/providers/microsoft.management/managementgroups/group'));
});
