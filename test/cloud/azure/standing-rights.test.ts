import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { azureGranting } from '../../../cloud/azure/granting.ts';
import type { DirectRight, Order } from '../../../cloud/provider.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { ResourceId } from '../../../protocol/ids.ts';
import { scopeOf } from '../../clouds/azure/arm-id.ts';
import { PEOPLE } from '../../clouds/azure/estate.ts';
import { NETWORK_CONTRIBUTOR, READER, USER_ACCESS_ADMINISTRATOR } from '../../clouds/azure/role-definitions.ts';
import { field } from '../../clouds/azure/timing.ts';
import { refTo, type Stage, signal, startStage, whilePassing } from './stage.ts';

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of list) found.push(each);
  return found;
}

const ours = (stage: Stage): Promise<Order[]> => all(stage.granting().ours(signal()));
const direct = (stage: Stage): Promise<DirectRight[]> => all(stage.granting().direct(signal()));

/** As an administrator does it in the portal. */
function assign(stage: Stage, scope: string, roleGuid: string): void {
  stage.azure.world.assignments.add({
    name: randomUUID(),
    principalId: PEOPLE.alice.oid,
    principalType: 'User',
    roleGuid,
    scope: scopeOf(scope),
    origin: 'plain',
    createdAt: stage.clock.now(),
    createdBy: PEOPLE.carla.oid,
  });
}

const armId = (id: ResourceId): string => id.slice('azure:'.length);

test('what central gave is found by its mark alone, with all that its end needs', async (t) => {
  const stage = await startStage(t, { timing: field });
  const order = stage.order((await stage.balancer('Shop production')).id, { ticket: 'CHG-12' });
  await whilePassing(stage, SECOND, stage.granting().bind(order, signal()));
  await stage.clock.advance(6 * MINUTE);
  const [found, ...others] = await ours(stage);
  assert.deepEqual([found, others], [order, []]);
  assert.deepEqual(await whilePassing(stage, SECOND, stage.granting().unbind(found as Order, signal())), { state: 'accepted' });
  assert.deepEqual(await ours(stage), [], 'the row without an end that is listed for minutes is not a right');
});

test('what another central of the tenant gave is its own', async (t) => {
  const stage = await startStage(t, { timing: field });
  const root = `/providers/Microsoft.Management/managementGroups/${stage.azure.world.estate.managementGroup}`;
  assign(stage, root, USER_ACCESS_ADMINISTRATOR);
  await stage.clock.advance(15 * MINUTE);
  const other = azureGranting(stage.tokens(PEOPLE.alice.oid), stage.settings, stage.clock);
  const balancers = await stage.balancers();
  const [mine, theirs] = [stage.order(balancers[0]?.id as ResourceId), stage.order(balancers[1]?.id as ResourceId)];
  await whilePassing(stage, SECOND, stage.granting().bind(mine, signal()));
  await whilePassing(stage, SECOND, other.bind(theirs, signal()));
  await stage.clock.advance(6 * MINUTE);
  assert.deepEqual([await ours(stage), await all(other.ours(signal()))], [[mine], [theirs]]);
});

test('what an engineer activated for themselves is neither ours nor drift', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  const [option] = await stage.selfService().eligible(refTo(balancer), signal());
  const order = stage.order(balancer.id, { roleId: option?.id ?? ('' as never) });
  assert.equal((await stage.selfService().activate(order, signal())).state, 'assigned');
  assert.deepEqual([await ours(stage), await direct(stage)], [[], []]);
});

test('an assignment that an administrator made on a balancer, or a part of one, is drift', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  const pool = await stage.part(balancer.id, 'backend-pool');
  await stage.granting().bind(stage.order(balancer.id, { principalId: PEOPLE.ben.oid }), signal());
  for (const resource of [balancer.id, pool.id]) assign(stage, armId(resource), NETWORK_CONTRIBUTOR);
  assign(stage, armId(balancer.id), READER);
  assign(stage, `/subscriptions/${balancer.accountId}`, NETWORK_CONTRIBUTOR);
  const found = await direct(stage);
  const said = found.map(({ principalId, role, resource }) => [principalId, role, resource]);
  assert.deepEqual(said.sort(), [balancer.id, pool.id].map((id) => [PEOPLE.alice.oid.toLowerCase(), 'Network Contributor', id]).sort());
  assert.equal(new Set(found.map(({ id }) => id)).size, 2);
});

test('a subscription that may not be read hides no other, and is told', async (t) => {
  const stage = await startStage(t);
  const orders = [];
  for (const name of ['Shop production', 'Payments production']) {
    const order = stage.order((await stage.balancer(name)).id);
    await stage.granting().bind(order, signal());
    orders.push(order);
  }
  const hidden = orders[0]?.resource.split('/')[2];
  const trouble = { kind: 'refuse', status: 403, code: 'AuthorizationFailed', message: 'No' } as const;
  stage.azure.world.faults.add({
    call: new RegExp(`GET /subscriptions/${hidden}/providers/.*roleAssignmentScheduleInstances`, 'i'),
    trouble,
  });
  const found: Order[] = [];
  await assert.rejects(
    async () => {
      for await (const order of stage.granting().ours(signal())) found.push(order);
    },
    (error) => error instanceof Fault && error.code === 'cloud-refused',
  );
  assert.deepEqual(
    found.map(({ grantId }) => grantId),
    [orders[1]?.grantId],
  );
});
