import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { SECOND } from '../../../protocol/clock.ts';
import { CENTRAL_APP, PEOPLE } from './estate.ts';
import { NETWORK_CONTRIBUTOR } from './role-definitions.ts';
import { partsOf, refusal, type Stage, stage } from './stage.ts';

const { alice } = PEOPLE;
const WRITE = 'Microsoft.Network/loadBalancers/write';
const REQUESTS = /^PUT .*roleAssignmentScheduleRequests/i;

const assign = ({ call, balancer }: Stage) =>
  call(
    CENTRAL_APP.oid,
    'PUT',
    `${balancer.id}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests/${randomUUID()}?api-version=2020-10-01`,
    {
      properties: {
        principalId: alice.oid,
        roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${NETWORK_CONTRIBUTOR}`,
        requestType: 'AdminAssign',
        justification: 'x',
        scheduleInfo: { expiration: { type: 'AfterDuration', duration: 'PT15M' } },
      },
    },
  );

test('a throttled call is tried again by the client library, with any form of Retry-After', async (t) => {
  const { world, network, balancer } = await stage(t);
  const { subscription, group, name } = partsOf(balancer.id);
  for (const retryAfter of ['0', 'Thu, 01 Jan 1970 00:00:00 GMT']) {
    world.calls.clear();
    world.faults.add({ call: /loadBalancers/i, times: 1, trouble: { kind: 'throttle', retryAfter } });
    await network(alice.oid, subscription).loadBalancers.get(group, name);
    assert.deepEqual(
      world.calls.all().map(({ status }) => status),
      [429, 200],
      retryAfter,
    );
  }
});

test('a fault hits the calls it names, as often as it says, and its person only', async (t) => {
  const { world, call, balancer } = await stage(t);
  const get = (oid: string) => call(oid, 'GET', `${balancer.id}?api-version=2024-07-01`).then(({ status }) => status);
  world.faults.add({
    call: /^GET .*loadBalancers/i,
    times: 2,
    oid: alice.oid,
    trouble: { kind: 'refuse', status: 503, code: 'ServerTimeout', message: 'later' },
  });
  assert.deepEqual([await get(PEOPLE.ben.oid), await get(alice.oid), await get(alice.oid), await get(alice.oid)], [200, 503, 503, 200]);
  const undo = world.faults.add({ call: /./, trouble: { kind: 'drop-before' } });
  await assert.rejects(get(alice.oid), /socket hang up|ECONNRESET/);
  undo();
  assert.equal(await get(alice.oid), 200);
});

test('a connection that breaks tells nothing: applied before, applied later, or never', async (t) => {
  const scene = await stage(t);
  const { world, balancer, clock } = scene;
  const allowed = () => world.allows(alice.oid, WRITE, balancer.id);
  world.faults.add({ call: REQUESTS, times: 1, trouble: { kind: 'drop-before' } });
  await assert.rejects(assign(scene));
  assert.equal(allowed(), false);
  world.faults.add({ call: REQUESTS, times: 1, trouble: { kind: 'apply-late', after: 20 * SECOND } });
  await assert.rejects(assign(scene));
  assert.equal(allowed(), false);
  await clock.advance(20 * SECOND);
  assert.equal(allowed(), true, 'it landed after everybody had looked');
  world.assignments.remove(world.assignments.standing().find(({ origin }) => origin === 'pim')?.name ?? '');
  for (const { assignment } of world.pim.schedules.all()) world.pim.schedules.assignmentDeleted(assignment);
  world.faults.add({ call: REQUESTS, times: 1, trouble: { kind: 'drop-after' } });
  await assert.rejects(assign(scene));
  assert.equal(allowed(), true);
});

test('a claims challenge is answered by the client library with a token that satisfies it', async (t) => {
  const { world, network, balancer } = await stage(t);
  const { subscription, group, name } = partsOf(balancer.id);
  world.faults.add({ call: /loadBalancers/i, trouble: { kind: 'challenge', context: 'c7' } });
  await network(alice.oid, subscription).loadBalancers.get(group, name);
  assert.deepEqual(
    world.calls.all().map(({ status }) => status),
    [401, 200],
  );
});

test('every call is written down with who made it', async (t) => {
  const { world, call, network, balancer } = await stage(t);
  const { subscription, group, name } = partsOf(balancer.id);
  await network(alice.oid, subscription).loadBalancers.get(group, name);
  assert.equal(
    await refusal(call(alice.oid, 'GET', '/nowhere?api-version=1').then(({ status }) => Promise.reject({ statusCode: status, code: 'x' }))),
    '404 x',
  );
  assert.deepEqual(
    world.calls.matching('GET', /loadBalancers/i).map(({ oid, status }) => [oid, status]),
    [[alice.oid, 200]],
  );
});
