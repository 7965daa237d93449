import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { NetworkManagementClient } from '@azure/arm-network';
import { RestError } from '@azure/core-rest-pipeline';
import { azureApprovals } from '../../../cloud/azure/approvals.ts';
import { startName } from '../../../cloud/azure/request-name.ts';
import type { Bound, Unbound } from '../../../cloud/provider.ts';
import { type Instant, MINUTE, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { GrantId, RoleId } from '../../../protocol/ids.ts';
import { PEOPLE } from '../../clouds/azure/estate.ts';
import { field } from '../../clouds/azure/timing.ts';
import { type Stage, signal, startStage, whilePassing } from './stage.ts';

const REQUESTS = /roleAssignmentScheduleRequests/;
const role = (id: string) => id as RoleId;
const ends = (stage: Stage): (Instant | undefined)[] =>
  stage.azure.world.assignments.standing().flatMap((one) => (one.origin === 'pim' ? [one.endsAt] : []));
const notYet = (unbound: Unbound): Extract<Unbound, { state: 'not yet' }> => {
  assert.equal(unbound.state, 'not yet');
  return unbound as Extract<Unbound, { state: 'not yet' }>;
};
const refused = (bound: Bound): Extract<Bound, { state: 'refused' }> => {
  assert.equal(bound.state, 'refused');
  return bound as Extract<Bound, { state: 'refused' }>;
};

test("a grant lets the person's own client write, and its end takes that away", async (t) => {
  const stage = await startStage(t);
  const granting = stage.granting();
  const balancer = await stage.balancer('Shop production');
  const pool = await stage.part(balancer.id, 'backend-pool');
  const client = new NetworkManagementClient(stage.azure.credential(PEOPLE.alice.oid), balancer.accountId, {
    endpoint: stage.azure.endpoint,
    tlsOptions: { ca: stage.azure.ca },
  });
  const write = async () => {
    const { loadBalancerBackendAddressPools: pools } = client;
    const before = await pools.get(balancer.resourceGroup, balancer.name, pool.name);
    await pools.createOrUpdate(balancer.resourceGroup, balancer.name, pool.name, before, { updateIntervalInMs: 10 }).pollUntilDone();
  };
  const forbidden = (error: unknown) => error instanceof RestError && error.code === 'AuthorizationFailed';
  await assert.rejects(write, forbidden);
  const order = stage.order(pool.id);
  assert.equal((await granting.bind(order, signal())).state, 'assigned');
  await write();
  assert.deepEqual(await granting.unbind(order, signal()), { state: 'accepted' });
  await assert.rejects(write, forbidden);
});

test('Azure itself ends a grant at exactly its instant', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  const order = stage.order(balancer.id, { notAfter: stage.clock.now() + 20 * MINUTE });
  await stage.clock.advance(4 * MINUTE);
  await stage.granting().bind(order, signal());
  assert.deepEqual(ends(stage), [order.notAfter]);
  await stage.clock.advance(16 * MINUTE - 1);
  assert.ok(stage.allows(order));
  await stage.clock.advance(1);
  assert.ok(!stage.allows(order));
  assert.equal(await stage.granting().standing(order, signal()), 'absent');
});

test('the same order twice is one grant, and a delay between them lengthens nothing', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id);
  const first = await stage.granting().bind(order, signal());
  await stage.clock.advance(2 * MINUTE);
  assert.deepEqual(await stage.granting().bind(order, signal()), first);
  assert.deepEqual(ends(stage), [order.notAfter]);
});

test('a grant can be found in the records of Azure by its id', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id, { ticket: 'CHG-12' });
  await stage.granting().bind(order, signal());
  const request = stage.azure.world.pim.request(startName(order.grantId));
  assert.match(request?.order.justification ?? '', new RegExp(`INC-7 drain web-2.*${order.grantId}`));
  assert.equal(request?.order.ticketNumber, 'CHG-12');
});

test('somebody who holds the role already is not elevated again, and keeps what they hold', async (t) => {
  const stage = await startStage(t);
  const { id } = await stage.balancer('Shop production');
  const held = stage.order(id);
  await stage.granting().bind(held, signal());
  const other = stage.order(id);
  assert.equal(refused(await stage.granting().bind(other, signal())).problem.code, 'already-elevated');
  assert.deepEqual(await stage.granting().unbind(other, signal()), { state: 'nothing there' });
  assert.ok(stage.allows(held), 'ending one grant never ends another');
});

test('a role that Azure cannot enforce here is refused without asking Azure', async (t) => {
  const stage = await startStage(t);
  const { id } = await stage.balancer('Shop production');
  stage.azure.world.calls.clear();
  for (const roleId of ['health-checks', 'operate', 'nothing', 'azure/4d97b98b-1d4f-4787-a291-c67834d212e7']) {
    assert.equal(refused(await stage.granting().bind(stage.order(id, { roleId: role(roleId) }), signal())).problem.code, 'unsupported');
  }
  assert.deepEqual(stage.azure.world.calls.all(), []);
});

test('an order whose time is over is refused', async (t) => {
  const stage = await startStage(t);
  const { id } = await stage.balancer('Shop production');
  const bound = await stage.granting().bind(stage.order(id, { notAfter: stage.clock.now() }), signal());
  assert.equal(refused(bound).problem.code, 'too-late');
});

test('a definite no of Azure is a refusal with its reason', async (t) => {
  const stage = await startStage(t);
  const { id } = await stage.balancer('Shop production');
  const unknown = stage.order(id, { principalId: randomUUID() });
  const answered = await whilePassing(stage, SECOND, stage.granting().bind(unknown, signal()));
  assert.equal(refused(answered).problem.code, 'not-found');
  stage.azure.world.policies.set('7f0a51d2-4f7e-4c5b-8d0b-0e5c2f6b9a02', id.slice('azure:'.length), { adminLongest: 5 * MINUTE });
  assert.match(refused(await stage.granting().bind(stage.order(id), signal())).problem.message, /at most 5 min/);
  const unreadable = { kind: 'refuse', status: 403, code: 'AuthorizationFailed', message: 'No read access' } as const;
  stage.azure.world.faults.add({ call: /^GET .*roleManagementPolicyAssignments/, trouble: unreadable });
  assert.match(
    refused(await stage.granting().bind(stage.order(id), signal())).problem.message,
    /less time/,
    'what cannot be read is not named',
  );
});

for (const [name, trouble] of [
  ['a server error', { kind: 'refuse', status: 503, code: 'ServiceUnavailable', message: 'Later.' }],
  ['a connection that breaks before', { kind: 'drop-before' }],
  ['a connection that breaks after', { kind: 'drop-after' }],
] as const) {
  test(`${name} leaves the outcome unknown, and one order is sent once`, async (t) => {
    const stage = await startStage(t);
    const order = stage.order((await stage.balancer('Shop production')).id);
    stage.azure.world.faults.add({ call: /^PUT .*roleAssignmentScheduleRequests/, times: 1, trouble });
    await assert.rejects(stage.granting().bind(order, signal()), (error) => error instanceof Fault && error.retryable);
    const sent = stage.azure.world.calls.matching('PUT', REQUESTS).length;
    assert.equal(sent, 1);
    // Whatever became of it: revoked and verified until it is known.
    const applied = stage.allows(order);
    assert.equal(applied, trouble.kind === 'drop-after');
    assert.deepEqual(await stage.granting().unbind(order, signal()), { state: applied ? 'accepted' : 'nothing there' });
    assert.ok(!stage.allows(order));
  });
}

test('a full subscription refuses grants and activations, with who can help', async (t) => {
  const stage = await startStage(t, { limits: { assignmentLimit: 0 } });
  const { id } = await stage.balancer('Shop production');
  for (const start of [stage.granting().bind, stage.selfService().activate]) {
    const { problem } = refused(await start(stage.order(id), signal()));
    assert.equal(problem.code, 'unsupported');
    assert.match(problem.message, /no room for another role assignment/);
    assert.match(problem.wayOut ?? '', /administrator/);
  }
});

test('an approved activation that finds the subscription full by then is refused, and leaves nothing', async (t) => {
  const stage = await startStage(t, { limits: { assignmentLimit: 0 } });
  const { id } = await stage.balancer('Payments production');
  const order = stage.order(id, { roleId: role('azure/4d97b98b-1d4f-4787-a291-c67834d212e7'), ticket: 'CHG-1' });
  const self = stage.selfService();
  assert.equal((await self.activate(order, signal())).state, 'pending approval', 'a question takes no room');
  const ben = azureApprovals(stage.azure.credential(PEOPLE.ben.oid), stage.settings, stage.clock);
  const [waiting] = await ben.list('', signal());
  assert.ok(waiting && (await ben.approve(waiting, 'Yes.', signal())).ok);
  const answer = await self.pending(order, signal());
  assert.ok(answer.state === 'refused' && answer.problem.wayOut, answer.state);
  assert.deepEqual(await self.deactivate(order, signal()), { state: 'nothing there' });
});

test('a grant that was applied although its answer was lost is known again by its name', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id);
  stage.azure.world.faults.add({ call: /^PUT .*roleAssignmentScheduleRequests/, times: 1, trouble: { kind: 'drop-after' } });
  await assert.rejects(stage.granting().bind(order, signal()), Fault);
  assert.equal((await stage.granting().bind(order, signal())).state, 'assigned');
  assert.deepEqual(ends(stage), [order.notAfter]);
});

test('a grant that lands late is not overlooked', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id);
  stage.azure.world.faults.add({
    call: /^PUT .*roleAssignmentScheduleRequests/,
    times: 1,
    trouble: { kind: 'apply-late', after: 30 * SECOND },
  });
  await assert.rejects(stage.granting().bind(order, signal()), Fault);
  assert.deepEqual(await stage.granting().unbind(order, signal()), { state: 'nothing there' });
  await stage.clock.advance(31 * SECOND);
  assert.ok(stage.allows(order));
  assert.equal(await stage.granting().standing(order, signal()), 'standing');
  assert.deepEqual(await stage.granting().unbind(order, signal()), { state: 'accepted' });
  assert.ok(!stage.allows(order));
});

test('a throttled order waits as Azure asks, and its end stays where it was', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id);
  const throttle = (retryAfter: string, times: number) =>
    stage.azure.world.faults.add({ call: /^PUT .*roleAssignmentScheduleRequests/, times, trouble: { kind: 'throttle', retryAfter } });
  throttle('0', 1);
  throttle('7', 1);
  const from = stage.clock.now();
  assert.equal((await whilePassing(stage, SECOND, stage.granting().bind(order, signal()))).state, 'assigned');
  assert.ok(stage.clock.now() - from >= 7 * SECOND);
  assert.deepEqual(ends(stage), [order.notAfter]);
});

test('an order that is throttled for good is refused, for nothing was done', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id);
  stage.azure.world.faults.add({ call: /^PUT .*roleAssignmentScheduleRequests/, trouble: { kind: 'throttle', retryAfter: '0' } });
  assert.equal(refused(await stage.granting().bind(order, signal())).problem.code, 'rate-limited');
});

test('as slow and as false as measured: the release comes when Azure allows it, and never claims more', async (t) => {
  const stage = await startStage(t, { timing: field });
  const granting = stage.granting();
  const order = stage.order((await stage.balancer('Shop production')).id);
  const bound = await whilePassing(stage, SECOND, granting.bind(order, signal()));
  assert.equal(bound.state, 'assigned');
  const startedAt = stage.clock.now();
  const unbind = () => whilePassing(stage, SECOND, granting.unbind(order, signal()));
  // "Does not exist", and it is active.
  const early = notYet(await unbind());
  assert.match(early.why, /not finished starting/);
  assert.ok(early.again <= stage.clock.now() + 15 * SECOND);
  await stage.clock.advance(2 * MINUTE);
  assert.ok(stage.allows(order));
  const short = notYet(await unbind());
  assert.match(short.why, /first minutes/);
  assert.ok(Math.abs(short.again - (startedAt + 5 * MINUTE)) < 20 * SECOND);
  assert.ok(bound.state === 'assigned' && bound.releasableAt === short.again);
  await stage.clock.advance(short.again - stage.clock.now());
  assert.deepEqual(await unbind(), { state: 'accepted' });
  assert.equal(await granting.standing(order, signal()), 'absent', 'the row without an end is a ghost');
  await stage.clock.advance(field.goneLag);
  assert.ok(!stage.allows(order));
});

test('a grant that ends by itself while it starts is not waited for', async (t) => {
  const stage = await startStage(t, { timing: { materialise: 10 * MINUTE } });
  const order = stage.order((await stage.balancer('Shop production')).id, { notAfter: stage.clock.now() + 2 * MINUTE });
  await stage.granting().bind(order, signal());
  notYet(await stage.granting().unbind(order, signal()));
  await stage.clock.advance(2 * MINUTE);
  assert.deepEqual(await stage.granting().unbind(order, signal()), { state: 'nothing there' });
});

test('a lock makes the release an alarm, and the release works again without it', async (t) => {
  const stage = await startStage(t);
  const { id } = await stage.balancer('Shop production');
  const order = stage.order(id);
  await stage.granting().bind(order, signal());
  const { locks } = stage.azure.world;
  locks.add(id.slice('azure:'.length), 'CanNotDelete', 'keep');
  for (let attempt = 0; attempt < 3; attempt++) {
    const stuck = await stage.granting().unbind(order, signal());
    assert.equal(stuck.state, 'stuck');
    assert.ok(stuck.state === 'stuck' && stuck.problem.code === 'locked');
    assert.match(stuck.problem.message, /: CanNotDelete lock "keep" on /);
  }
  await stage.clock.advance(20 * MINUTE);
  assert.ok(stage.allows(order), 'the simulation is as hard as Azure');
  assert.equal(await stage.granting().standing(order, signal()), 'standing');
  locks.remove(id.slice('azure:'.length), 'keep');
  assert.deepEqual(await stage.granting().unbind(order, signal()), { state: 'accepted' });
  assert.ok(!stage.allows(order));
});

test('an identity that may not even look any more is an alarm, not a lost answer', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id);
  await stage.granting().bind(order, signal());
  const refuse = { kind: 'refuse', status: 403, code: 'AuthorizationFailed', message: 'No access' } as const;
  const mend = stage.azure.world.faults.add({ call: /^GET .*roleAssignmentScheduleRequests/, trouble: refuse });
  const stuck = await stage.granting().unbind(order, signal());
  assert.ok(stuck.state === 'stuck' && stuck.problem.code === 'not-eligible', stuck.state);
  mend();
  assert.deepEqual(await stage.granting().unbind(order, signal()), { state: 'accepted' });
});

test('a release sent twice at once is one release', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id);
  await stage.granting().bind(order, signal());
  assert.deepEqual(await stage.granting().unbind(order, signal()), { state: 'accepted' });
  assert.deepEqual(await stage.granting().unbind(order, signal()), { state: 'accepted' });
  await stage.clock.advance(MINUTE);
  assert.equal((await stage.granting().unbind(order, signal())).state === 'accepted', false);
});

test('a release that is throttled says when to ask again', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id);
  await stage.granting().bind(order, signal());
  stage.azure.world.faults.add({ call: /^PUT .*roleAssignmentScheduleRequests/, trouble: { kind: 'throttle', retryAfter: '20' } });
  const again = notYet(await whilePassing(stage, SECOND, stage.granting().unbind(order, signal())));
  assert.ok(Math.abs(again.again - (stage.clock.now() + 20 * SECOND)) <= 2 * SECOND);
});

test('a release that may not be asked for is an alarm', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id);
  await stage.granting().bind(order, signal());
  stage.azure.world.faults.add({
    call: /^PUT .*roleAssignmentScheduleRequests/,
    trouble: { kind: 'refuse', status: 403, code: 'AuthorizationFailed', message: 'No.' },
  });
  assert.equal((await stage.granting().unbind(order, signal())).state, 'stuck');
});

test('a grant that follows on has no gap, its own end and its own name', async (t) => {
  const stage = await startStage(t);
  const { id } = await stage.balancer('Shop production');
  const from = stage.order(id);
  await stage.granting().bind(from, signal());
  await stage.clock.advance(10 * MINUTE);
  const to = { ...from, grantId: randomUUID() as GrantId, notAfter: stage.clock.now() + 15 * MINUTE };
  assert.equal((await stage.granting().prolong(from, to, signal())).state, 'assigned');
  assert.deepEqual(ends(stage), [to.notAfter]);
  await stage.clock.advance(10 * MINUTE);
  assert.ok(stage.allows(to));
  assert.deepEqual(await stage.granting().unbind(to, signal()), { state: 'accepted' });
  assert.ok(!stage.allows(to));
});

test('a prolonged grant is released as soon as Azure allows it, not five minutes after it was prolonged', async (t) => {
  const stage = await startStage(t, { timing: { minActive: 5 * MINUTE } });
  const from = stage.order((await stage.balancer('Shop production')).id);
  await stage.granting().bind(from, signal());
  await stage.clock.advance(4 * MINUTE);
  const to = { ...from, grantId: randomUUID() as GrantId, notAfter: stage.clock.now() + 30 * MINUTE };
  await stage.granting().prolong(from, to, signal());
  const again = notYet(await stage.granting().unbind(to, signal()));
  assert.ok(again.again <= stage.clock.now() + 30 * SECOND);
  await stage.clock.advance(MINUTE);
  assert.deepEqual(await stage.granting().unbind(to, signal()), { state: 'accepted' });
});

test('what has ended cannot be prolonged', async (t) => {
  const stage = await startStage(t);
  const from = stage.order((await stage.balancer('Shop production')).id);
  await stage.granting().bind(from, signal());
  await stage.clock.advance(15 * MINUTE);
  const to = { ...from, grantId: randomUUID() as GrantId, notAfter: stage.clock.now() + 15 * MINUTE };
  assert.equal((await stage.granting().prolong(from, to, signal())).state, 'refused');
  assert.ok(!stage.allows(to));
});

test('the list of roles of a resource says which Azure can enforce', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  const pool = await stage.part(balancer.id, 'backend-pool');
  const member = await stage.part(balancer.id, 'member');
  const ids = (id: typeof pool.id) =>
    stage
      .granting()
      .roles(id)
      .map((one) => `${one.id} ${one.enforcement}`);
  assert.deepEqual(ids(balancer.id), [
    'observe native',
    'backends native',
    'nat native',
    'health-checks guarded',
    'routes guarded',
    'full native',
  ]);
  assert.deepEqual(ids(pool.id), ['backends native']);
  assert.deepEqual(ids(member.id), []);
});

test('the bound for propagation is what the operator set, else what Azure documents', async (t) => {
  const stage = await startStage(t);
  assert.equal(stage.granting().propagation, 10 * MINUTE);
});
