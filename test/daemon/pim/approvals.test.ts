import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WaitingRequest } from '../../../cloud/provider.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import { no } from '../../../protocol/refusal.ts';
import { ALICE, BALANCER, BEN, RESOURCE, ROLE, requestId } from '../support/cloud.ts';
import { startStage } from '../support/stage.ts';

const ID = requestId(7);
const WAITING: WaitingRequest = {
  id: ID,
  resource: { ...RESOURCE, name: 'as the id says' },
  role: { id: ROLE.id, title: ROLE.title, enforcement: 'native' },
  allows: ROLE.allows,
  actions: ROLE.actions,
  requester: BEN,
  duration: 15 * MINUTE,
  reason: 'INC-7: drain',
  askedAt: 1_000,
};

test('what waits for this person is shown while somebody looks, with what exactly is asked', async (t) => {
  const stage = await startStage(t);
  const looks = () => stage.pim.looks;
  assert.equal(looks() <= 1, true, 'nobody looks: signing in asks once');
  const before = looks();
  await stage.clock.advance(5 * MINUTE - SECOND);
  assert.equal(looks(), before);

  const client = await stage.client();
  await stage.clock.advance(SECOND);
  assert.equal(looks(), before + 1);
  stage.pim.asked = [WAITING];
  await stage.clock.advance(30 * SECOND);
  const shown = client.state.requests[ID];
  assert.equal(shown?.mayDecide, true);
  assert.equal(shown?.mine, false);
  assert.equal(shown?.state, 'pending approval');
  assert.equal(shown?.resource.name, 'prod-edge', 'as the tree calls it');
  assert.equal(shown?.requester.name, BEN.name);
  assert.equal(shown?.reason, 'INC-7: drain');

  stage.pim.asked = [];
  assert.ok(await client.call('inventory.refresh', {}));
  await stage.clock.advance(100);
  assert.equal(client.state.requests[ID], undefined, 'decided by somebody else, or taken back');
});

test('an approval goes to the cloud as this person, is recorded, and does not come back while the list lags', async (t) => {
  const stage = await startStage(t);
  stage.pim.asked = [WAITING];
  const client = await stage.client();
  await stage.clock.advance(SECOND);
  const empty = await client.call('request.approve', { requestId: ID, reason: '' });
  assert.equal(!empty.ok && empty.refusal.field, 'reason');
  const answer = await client.call('request.approve', { requestId: ID, reason: 'I trust him' });
  assert.ok(answer.ok, JSON.stringify(answer));
  await stage.clock.advance(35 * SECOND);
  const decided = client.state.requests[ID];
  assert.equal(decided?.state, 'approved');
  assert.equal(decided?.mayDecide, false);
  assert.deepEqual(decided?.approvals[0]?.person, ALICE);
  const { events } = await client.call('audit.query', { filter: { kind: 'request.approved' }, offset: 0, limit: 10 });
  assert.equal(events[0]?.person?.name, ALICE.name);
  assert.equal(events[0]?.reason, 'I trust him');
  assert.equal((await client.call('request.deny', { requestId: ID, reason: 'No' })).ok, false, 'decided once');
});

test("the cloud's no is a refusal, an outage too, and the request goes on waiting", async (t) => {
  const stage = await startStage(t);
  stage.pim.asked = [WAITING];
  const client = await stage.client();
  await stage.clock.advance(SECOND);
  stage.pim.decided = [
    no('not-eligible', 'No right to do this in Azure.'),
    new Fault('cloud-unreachable', 'Azure cannot be reached.'),
    { ok: true, value: undefined },
  ];
  const first = await client.call('request.deny', { requestId: ID, reason: 'No' });
  assert.equal(!first.ok && first.refusal.code, 'not-eligible');
  const second = await client.call('request.deny', { requestId: ID, reason: 'No' });
  assert.equal(!second.ok && second.refusal.code, 'unreachable');
  assert.equal(client.state.requests[ID]?.mayDecide, true);
  assert.ok((await client.call('request.deny', { requestId: ID, reason: 'No' })).ok);
  assert.equal(client.state.requests[ID]?.state, 'denied');
});

test('an outage is asked about less and less often, and hides nothing that was known', async (t) => {
  const stage = await startStage(t);
  stage.pim.asked = [WAITING];
  const client = await stage.client();
  await stage.clock.advance(SECOND);
  stage.pim.asked = new Fault('cloud-throttled', 'Azure is asked too often.');
  const before = stage.pim.looks;
  await stage.clock.advance(30 * MINUTE);
  const looks = stage.pim.looks - before;
  assert.ok(looks >= 5 && looks <= 12, String(looks));
  assert.equal(client.state.requests[ID]?.mayDecide, true);
});

test('what waited for one person is not shown to the next, and nobody is asked as nobody', async (t) => {
  const stage = await startStage(t);
  stage.pim.asked = [WAITING];
  const client = await stage.client();
  await stage.clock.advance(SECOND);
  assert.ok(client.state.requests[ID]);
  assert.ok((await client.call('sign-out', { to: 'azure' })).ok);
  assert.equal(client.state.requests[ID], undefined);
  const before = stage.pim.looks;
  await stage.clock.advance(2 * MINUTE);
  assert.equal(stage.pim.looks, before);
  const ask = { resourceId: BALANCER, roleId: ROLE.id, authority: 'pim' as const, duration: MINUTE };
  assert.equal((await client.call('preview', ask)).ok, false);
});
