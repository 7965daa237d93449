import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import { BALANCER, BEN, POOL, ROLE } from '../support/cloud.ts';
import { ask, honest, only, usable } from '../support/elevated.ts';
import { startStage } from '../support/stage.ts';

test('a refusal of the cloud says why and leaves no grant standing', async (t) => {
  const stage = await startStage(t);
  stage.pim.activations = [
    { state: 'refused', problem: { code: 'RoleAssignmentExists', message: 'You hold it already', wayOut: 'Use it.' } },
  ];
  const client = await stage.client();
  const answer = await client.call('request', ask());
  assert.ok(answer.ok);
  await stage.clock.advance(SECOND);
  assert.equal(only(client).state, 'failed');
  const request = client.state.requests[answer.value.requestId];
  assert.equal(request?.state, 'failed');
  assert.equal(request?.problem?.message, 'You hold it already');
});

test('an approver of the cloud decides; the clock runs from then on', async (t) => {
  const stage = await startStage(t);
  honest(stage);
  const approvers = { needed: 1, people: [BEN] };
  stage.pim.rulesNow = { ...stage.pim.rulesNow, approvers };
  stage.pim.activations = [{ state: 'pending approval', approvers }];
  stage.pim.onActivate = () => {};
  stage.pim.pendings = [{ state: 'pending approval', approvers }];
  const client = await stage.client();
  const preview = await client.call('preview', { resourceId: BALANCER, roleId: ROLE.id, authority: 'pim', duration: 30 * MINUTE });
  assert.ok(preview.ok);
  assert.equal(preview.value.headline, 'Needs approval by Ben Okafor');
  const answer = await client.call('request', ask());
  assert.ok(answer.ok);
  await stage.clock.advance(20 * MINUTE);
  assert.equal(client.state.requests[answer.value.requestId]?.state, 'pending approval');
  assert.deepEqual(client.state.grants, {}, 'no power, no grant');
  stage.cloud.power = true;
  stage.pim.pendings = [{ state: 'assigned' }];
  await stage.clock.advance(MINUTE);
  assert.equal(only(client).state, 'usable');
  const left = only(client).notAfter - stage.clock.now();
  assert.ok(left > 29 * MINUTE && left <= 30 * MINUTE, `the whole time is left: ${left}`);
  await stage.clock.advance(30 * MINUTE);
  assert.equal(only(client).state, 'gone');
});

test('a pending request can be taken back, and one that was approved meanwhile is ended', async (t) => {
  const stage = await startStage(t);
  const approvers = { needed: 1, people: [BEN] };
  stage.pim.rulesNow = { ...stage.pim.rulesNow, approvers };
  stage.pim.activations = [{ state: 'pending approval', approvers }];
  stage.pim.pendings = [{ state: 'pending approval', approvers }];
  const client = await stage.client();
  const first = await client.call('request', ask());
  assert.ok(first.ok);
  await stage.clock.advance(SECOND);
  assert.ok((await client.call('request.cancel', { requestId: first.value.requestId })).ok);
  await stage.clock.advance(SECOND);
  assert.equal(client.state.requests[first.value.requestId]?.state, 'cancelled');

  stage.pim.cancels = [new Fault('cloud-refused', 'Already decided')];
  const second = await client.call('request', ask());
  assert.ok(second.ok);
  await stage.clock.advance(SECOND);
  stage.pim.pendings = [{ state: 'assigned' }];
  await client.call('request.cancel', { requestId: second.value.requestId });
  await stage.clock.advance(10 * SECOND);
  assert.equal(only(client).state, 'revoking');
  await stage.clock.advance(10 * MINUTE + SECOND);
  assert.equal(only(client).state, 'gone');
});

test('the same idempotency key twice is one request', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  const params = ask();
  const answers = await Promise.all([client.call('request', params), client.call('request', params)]);
  const again = await client.call('request', params);
  for (const answer of [...answers, again]) assert.deepEqual(answer, { ok: true, value: { requestId: params.idempotencyKey } });
  await stage.clock.advance(SECOND);
  assert.equal(stage.pim.orders.length, 1);
});

test('a second elevation of the same right is refused while the first stands', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  const answer = await client.call('request', ask());
  assert.ok(!answer.ok);
  assert.equal(answer.refusal.code, 'already-elevated');
});

test('a resource that is locked is refused before anything is sent', async (t) => {
  const stage = await startStage(t);
  stage.cloud.lockedBy = ['do-not-delete'];
  const client = await stage.client();
  const answer = await client.call('request', ask());
  assert.ok(!answer.ok);
  assert.equal(answer.refusal.code, 'locked');
  assert.match(answer.refusal.message, /do-not-delete/);
  assert.deepEqual(stage.pim.log, []);
});

test('a part is elevated by its own id', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  assert.ok((await client.call('request', { ...ask(), resourceId: POOL })).ok);
  await stage.clock.advance(SECOND);
  assert.equal(stage.pim.orders[0]?.resource, POOL);
  assert.equal(only(client).resource.kind, 'Backend pool');
  assert.equal(only(client).resource.balancerName, 'prod-edge');
});
