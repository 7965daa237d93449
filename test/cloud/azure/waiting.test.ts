import assert from 'node:assert/strict';
import { test } from 'node:test';
import { azureApprovals } from '../../../cloud/azure/approvals.ts';
import type { Order } from '../../../cloud/provider.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import type { RoleId } from '../../../protocol/ids.ts';
import { PEOPLE } from '../../clouds/azure/estate.ts';
import { NETWORK_CONTRIBUTOR } from '../../clouds/azure/role-definitions.ts';
import { type Stage, signal, startStage, whilePassing } from './stage.ts';

const WAITING = ['PendingApproval', 'PendingApprovalProvisioning', 'PendingAdminDecision'] as const;
const WRITE = 'Microsoft.Network/loadBalancers/write';

/** An order that the approver Ben must decide. */
async function needsApproval(stage: Stage): Promise<Order> {
  const { id } = await stage.balancer('Payments production');
  return stage.order(id, { roleId: `azure/${NETWORK_CONTRIBUTOR}` as RoleId, ticket: 'CHG-1', notAfter: stage.clock.now() + 30 * MINUTE });
}

const waitingFor = (stage: Stage) => azureApprovals(stage.azure.credential(PEOPLE.ben.oid), stage.settings, stage.clock);

for (const word of WAITING) {
  test(`an activation called ${word} waits for its approvers, is known as that, and can be taken back`, async (t) => {
    const stage = await startStage(t);
    stage.azure.world.faults.waitIsCalled = word;
    const order = await needsApproval(stage);
    const self = stage.selfService();
    for (const bound of [await self.activate(order, signal()), await self.pending(order, signal())]) {
      assert.ok(bound.state === 'pending approval', bound.state);
      assert.deepEqual(
        bound.approvers.people.map(({ name }) => name),
        ['Ben Okafor'],
      );
    }
    const [mine] = await self.mine(signal());
    assert.deepEqual([mine?.grantId, mine?.state], [order.grantId, 'pending approval']);
    assert.ok(!stage.allows(order, WRITE));
    assert.deepEqual(await self.deactivate(order, signal()), { state: 'accepted' });
    assert.equal((await self.pending(order, signal())).state, 'denied');
    assert.deepEqual(await self.deactivate(order, signal()), { state: 'nothing there' });
    await stage.clock.advance(MINUTE);
    assert.ok(!stage.allows(order, WRITE));
  });

  test(`a grant called ${word} is no success, and its end keeps it from landing`, async (t) => {
    const stage = await startStage(t, { timing: { provisionLag: 20 * SECOND } });
    stage.azure.world.faults.moveIsCalled = word;
    const order = stage.order((await stage.balancer('Shop production')).id);
    const granting = stage.granting();
    assert.equal((await granting.bind(order, signal())).state, 'pending approval');
    assert.ok(!stage.allows(order));
    assert.deepEqual(await granting.unbind(order, signal()), { state: 'accepted' });
    await stage.clock.advance(MINUTE);
    assert.ok(!stage.allows(order), 'it was taken back before it landed');
    assert.deepEqual(await granting.unbind(order, signal()), { state: 'nothing there' });
  });
}

test('an activation that is not before its approvers yet reaches them, and works once they said yes', async (t) => {
  const stage = await startStage(t, { timing: { approvalLag: 30 * SECOND, provisionLag: 20 * SECOND } });
  const order = await needsApproval(stage);
  const self = stage.selfService();
  assert.equal((await self.activate(order, signal())).state, 'pending approval');
  const ben = waitingFor(stage);
  assert.deepEqual(await ben.list('', signal()), []);
  await stage.clock.advance(30 * SECOND);
  assert.equal((await self.pending(order, signal())).state, 'pending approval');
  const [waiting] = await ben.list('', signal());
  assert.ok(waiting);
  assert.ok((await ben.approve(waiting, 'Yes.', signal())).ok);
  assert.ok(!stage.allows(order, WRITE), 'approved by somebody is not provisioned');
  assert.equal((await whilePassing(stage, SECOND, self.pending(order, signal()))).state, 'assigned');
  assert.ok(stage.allows(order, WRITE));
});

test('what an administrator has to decide is decided by who may', async (t) => {
  const stage = await startStage(t);
  stage.azure.world.faults.waitIsCalled = 'PendingAdminDecision';
  const order = await needsApproval(stage);
  const self = stage.selfService();
  await self.activate(order, signal());
  const ben = waitingFor(stage);
  const [waiting] = await ben.list('', signal());
  assert.ok(waiting && (await ben.approve(waiting, 'Yes.', signal())).ok);
  assert.equal((await self.pending(order, signal())).state, 'assigned');
});
