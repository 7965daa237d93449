import assert from 'node:assert/strict';
import { test } from 'node:test';
import { azureApprovals } from '../../../cloud/azure/approvals.ts';
import type { Bound, Order, Unbound } from '../../../cloud/provider.ts';
import { HOUR, MINUTE, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { PersonId, RoleId } from '../../../protocol/ids.ts';
import { makeEstate, PEOPLE } from '../../clouds/azure/estate.ts';
import { NETWORK_CONTRIBUTOR } from '../../clouds/azure/role-definitions.ts';
import { field } from '../../clouds/azure/timing.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { refTo, type Stage, signal, startStage, whilePassing } from './stage.ts';

const CONTRIBUTOR = `azure/${NETWORK_CONTRIBUTOR}` as RoleId;
const BACKENDS = '7f0a51d2-4f7e-4c5b-8d0b-0e5c2f6b9a02';
const WRITE = 'Microsoft.Network/loadBalancers/write';

const refused = (bound: Bound | Awaited<ReturnType<ReturnType<Stage['selfService']>['pending']>>) => {
  assert.equal(bound.state, 'refused');
  return (bound as Extract<Bound, { state: 'refused' }>).problem;
};
const notYet = (unbound: Unbound) => {
  assert.equal(unbound.state, 'not yet');
  return unbound as Extract<Unbound, { state: 'not yet' }>;
};

/** An order that the approver Ben must decide. */
async function needsApproval(stage: Stage): Promise<Order> {
  const { id } = await stage.balancer('Payments production');
  return stage.order(id, { roleId: CONTRIBUTOR, ticket: 'CHG-1' });
}

test('a role of the catalogue is offered in its words, with the limits of the policy', async (t) => {
  const stage = await startStage(t);
  const [option, ...others] = await stage.selfService().eligible(refTo(await stage.balancer('Shop production')), signal());
  assert.deepEqual(others, []);
  assert.equal(option?.id, 'backends');
  assert.equal(option?.title, 'Backends');
  assert.equal(option?.authority, 'pim');
  assert.equal(option?.longest, 2 * HOUR);
  assert.equal(option?.usual, 15 * MINUTE);
  assert.equal(option?.reasonRequired, true);
  assert.equal(option?.ticketRequired, false);
  assert.ok(option?.actions.includes('Microsoft.Network/loadBalancers/backendAddressPools/write'));
});

test("any other role of the tenant is offered under Azure's own name, with what it means here", async (t) => {
  const stage = await startStage(t);
  const [option] = await stage.selfService().eligible(refTo(await stage.balancer('Payments production')), signal());
  assert.equal(option?.id, CONTRIBUTOR);
  assert.equal(option?.title, 'Network Contributor');
  assert.deepEqual(option?.actions, ['Microsoft.Network/loadBalancers/*']);
  assert.equal(option?.longest, HOUR);
  assert.equal(option?.ticketRequired, true);
});

test('what is eligible elsewhere, or allows nothing here, is not offered', async (t) => {
  const stage = await startStage(t);
  assert.deepEqual(await stage.selfService().eligible(refTo(await stage.balancer('Platform')), signal()), []);
  const gateway = await stage.balancer('Shop production', 'application-gateway');
  assert.deepEqual(
    await stage.selfService().eligible(refTo(gateway), signal()),
    [],
    'there are no backends to drain natively on a gateway',
  );
  assert.deepEqual(await stage.selfService(PEOPLE.ben.oid).eligible(refTo(await stage.balancer('Shop production')), signal()), []);
});

test('eligibility above the subscription counts where Azure says that it applies', async (t) => {
  const estate = makeEstate({ balancers: 24 });
  const scope = `/providers/Microsoft.Management/managementGroups/${estate.managementGroup}`;
  const name = 'c0ffee00-0000-4000-8000-000000000001';
  estate.eligibilities.push({ name, principalId: PEOPLE.ben.oid, roleGuid: BACKENDS, scope, startsAt: 0 });
  const stage = await startStage(t, { estate });
  const balancer = await stage.balancer('Platform');
  const self = stage.selfService(PEOPLE.ben.oid);
  assert.deepEqual(
    (await self.eligible(refTo(balancer), signal())).map(({ id }) => id),
    ['backends'],
  );
  const order = stage.order(balancer.id, { principalId: PEOPLE.ben.oid });
  assert.equal((await self.activate(order, signal())).state, 'assigned');
  assert.ok(stage.allows(order));
});

test('the limits are those of the stricter policy', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  const { policies } = stage.azure.world;
  policies.set(BACKENDS, balancer.id.slice('azure:'.length), { longest: 30 * MINUTE, enabled: ['Ticketing'] });
  const rules = await stage.selfService().rules(balancer.id, 'backends' as RoleId, signal());
  assert.equal(rules.longest, 30 * MINUTE);
  assert.ok(rules.reasonRequired && rules.ticketRequired);
  assert.ok(rules.policyId.length > 0);
});

test('nobody is offered more time than the eligibility itself has', async (t) => {
  const estate = makeEstate({ balancers: 24 });
  const clock = new ManualClock();
  const endsAt = clock.now() + 10 * MINUTE;
  const name = 'c0ffee00-0000-4000-8000-000000000002';
  const platform = estate.subscriptions.find((one) => one.name === 'Platform');
  estate.eligibilities.push({
    name,
    principalId: PEOPLE.alice.oid,
    roleGuid: BACKENDS,
    scope: `/subscriptions/${platform?.id}`,
    startsAt: 0,
    endsAt,
  });
  const stage = await startStage(t, { estate });
  const balancer = await stage.balancer('Platform');
  const [option] = await stage.selfService().eligible(refTo(balancer), signal());
  assert.equal(option?.longest, 10 * MINUTE);
  assert.equal(option?.usual, 10 * MINUTE);
  await stage.clock.advance(10 * MINUTE);
  assert.deepEqual(await stage.selfService().eligible(refTo(balancer), signal()), []);
});

test('the rules name who must approve', async (t) => {
  const stage = await startStage(t);
  const { id } = await stage.balancer('Payments production');
  const rules = await stage.selfService().rules(id, CONTRIBUTOR, signal());
  assert.equal(rules.approvers?.needed, 1);
  assert.deepEqual(
    rules.approvers?.people.map((person) => person.id),
    [PEOPLE.ben.oid],
  );
  await assert.rejects(
    stage.selfService(PEOPLE.ben.oid).rules(id, CONTRIBUTOR, signal()),
    (error) => error instanceof Fault && /Not eligible/.test(error.message),
  );
});

test('an activation works on this balancer and on no other, and ends at its instant', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop staging');
  const other = (await stage.balancers()).find((one) => one.accountId === balancer.accountId && one.id !== balancer.id);
  assert.ok(other);
  const order = stage.order(balancer.id, { roleId: CONTRIBUTOR });
  assert.equal((await stage.selfService().activate(order, signal())).state, 'assigned');
  assert.ok(stage.allows(order, WRITE));
  assert.ok(!stage.allows({ ...order, resource: other.id }, WRITE));
  await stage.clock.advance(order.notAfter - stage.clock.now());
  assert.ok(!stage.allows(order, WRITE));
});

test('an activation on one pool ends with that pool', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  const pool = await stage.part(balancer.id, 'backend-pool');
  const order = stage.order(pool.id);
  assert.equal((await stage.selfService().activate(order, signal())).state, 'assigned');
  assert.ok(stage.allows(order));
  assert.ok(!stage.allows({ ...order, resource: balancer.id }));
  assert.deepEqual(await stage.selfService().deactivate(order, signal()), { state: 'accepted' });
  assert.ok(!stage.allows(order));
});

test('however often and late it is sent, an activation never ends after its instant', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id, { notAfter: stage.clock.now() + 15 * MINUTE });
  stage.azure.world.faults.add({
    call: /^PUT .*roleAssignmentScheduleRequests/,
    times: 2,
    trouble: { kind: 'throttle', retryAfter: '29' },
  });
  await whilePassing(stage, SECOND, stage.selfService().activate(order, signal()));
  await stage.selfService().activate(order, signal());
  const [assignment, ...others] = stage.azure.world.assignments.standing().filter(({ origin }) => origin === 'pim');
  assert.deepEqual(others, []);
  assert.ok(assignment?.endsAt !== undefined && assignment.endsAt <= order.notAfter && assignment.endsAt > order.notAfter - 2 * SECOND);
});

test('what a policy refuses is refused with what must change', async (t) => {
  const stage = await startStage(t);
  const staging = await stage.balancer('Shop staging');
  const platform = await stage.balancer('Platform');
  const self = stage.selfService();
  const long = stage.order(staging.id, { roleId: CONTRIBUTOR, notAfter: stage.clock.now() + 9 * HOUR });
  assert.match(refused(await self.activate(long, signal())).message, /at most 240 min/);
  const elsewhere = stage.order(platform.id);
  assert.equal(refused(await self.activate(elsewhere, signal())).code, 'not-eligible');
  const { ticket: _, ...without } = await needsApproval(stage);
  assert.match(refused(await self.activate(without, signal())).message, /ticket/);
});

test('an approval by another person starts it, and the approver is named meanwhile', async (t) => {
  const stage = await startStage(t);
  const self = stage.selfService();
  const order = await needsApproval(stage);
  const bound = await self.activate(order, signal());
  assert.ok(bound.state === 'pending approval');
  assert.deepEqual(
    bound.approvers.people.map(({ id }) => id),
    [PEOPLE.ben.oid],
  );
  assert.equal(stage.allows(order, WRITE), false);
  assert.equal((await self.pending(order, signal())).state, 'pending approval');
  assert.equal((await self.activate(order, signal())).state, 'pending approval', 'asked again, it is the same request');
  const ben = azureApprovals(stage.azure.credential(PEOPLE.ben.oid), stage.settings, stage.clock);
  const alice = azureApprovals(stage.azure.credential(PEOPLE.alice.oid), stage.settings, stage.clock);
  assert.deepEqual(await alice.list('', signal()), [], 'nobody approves their own request');
  const [waiting, ...others] = await ben.list('', signal());
  assert.ok(waiting);
  assert.deepEqual(others, []);
  assert.equal(waiting.scope, order.resource.slice('azure:'.length));
  assert.equal(waiting.asked?.requester.name, 'Alice Novak');
  assert.equal(waiting.asked?.roleName, 'Network Contributor');
  assert.equal(waiting.asked?.duration, 15 * MINUTE);
  assert.equal(waiting.asked?.ticket, 'CHG-1');
  assert.match(waiting.asked?.reason ?? '', new RegExp(order.grantId));
  assert.equal((await alice.approve(waiting, 'me', signal())).ok, false);
  assert.deepEqual(await ben.approve(waiting, 'I trust her.', signal()), { ok: true, value: undefined });
  assert.equal((await self.pending(order, signal())).state, 'assigned');
  assert.ok(stage.allows(order, WRITE));
  assert.deepEqual(await ben.list('', signal()), []);
});

test("a decision is sent in nobody else's name than that of who decided it", async (t) => {
  const stage = await startStage(t);
  const order = await needsApproval(stage);
  await stage.selfService().activate(order, signal());
  const approving = stage.approving(PEOPLE.ben.oid);
  const [waiting] = await approving.waiting(signal());
  assert.ok(waiting);
  await assert.rejects(
    approving.approve(waiting.id, 'Yes', PEOPLE.dan.oid as PersonId, signal()),
    (error) => error instanceof Fault && error.code === 'sign-in-failed' && /signed in to Azure as Ben/.test(error.message),
  );
  assert.equal((await stage.selfService().pending(order, signal())).state, 'pending approval');
  assert.ok((await approving.approve(waiting.id, 'Yes', PEOPLE.ben.oid as PersonId, signal())).ok);
});

test('a denial, a lapse and a cancellation are told apart', async (t) => {
  const stage = await startStage(t, { timing: { approvalWindow: HOUR } });
  const self = stage.selfService();
  const ben = azureApprovals(stage.azure.credential(PEOPLE.ben.oid), stage.settings, stage.clock);
  const denied = await needsApproval(stage);
  await self.activate(denied, signal());
  const [waiting] = await ben.list(denied.resource.slice('azure:'.length), signal());
  assert.ok(waiting);
  assert.equal((await ben.deny(waiting, 'Not today.', signal())).ok, true);
  assert.equal((await self.pending(denied, signal())).state, 'denied');
  const cancelled = await needsApproval(stage);
  await self.activate(cancelled, signal());
  await self.cancel(cancelled, signal());
  assert.equal((await self.pending(cancelled, signal())).state, 'denied');
  const lapsed = await needsApproval(stage);
  await self.activate({ ...lapsed, notAfter: stage.clock.now() + 30 * MINUTE }, signal());
  await stage.clock.advance(HOUR);
  assert.equal((await self.pending(lapsed, signal())).state, 'lapsed');
});

test('revoking what still waits takes the question back', async (t) => {
  const stage = await startStage(t);
  const order = await needsApproval(stage);
  await stage.selfService().activate(order, signal());
  assert.deepEqual(await stage.selfService().deactivate(order, signal()), { state: 'accepted' });
  const ben = azureApprovals(stage.azure.credential(PEOPLE.ben.oid), stage.settings, stage.clock);
  assert.deepEqual(await ben.list('', signal()), []);
});

test('a question that never arrived is not waited for', async (t) => {
  const stage = await startStage(t);
  assert.equal(refused(await stage.selfService().pending(await needsApproval(stage), signal())).code, 'not-found');
});

test('an authentication context is satisfied by the same person, and the request is sent again', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  stage.azure.world.policies.set(BACKENDS, `/subscriptions/${balancer.accountId}`, { context: 'c1' });
  const order = stage.order(balancer.id);
  assert.equal((await stage.selfService().activate(order, signal())).state, 'assigned');
  const puts = stage.azure.world.calls.matching('PUT', /roleAssignmentScheduleRequests/).map(({ status }) => status);
  assert.deepEqual(puts, [400, 201]);
});

test('when released a moment ago, it waits a little until Azure has closed the previous one, and says so when that takes longer', async (t) => {
  const stage = await startStage(t, { timing: { stillHeld: 65 * SECOND, ghost: 4 * MINUTE } });
  const { id } = await stage.balancer('Shop production');
  const self = stage.selfService();
  const first = stage.order(id);
  await self.activate(first, signal());
  assert.deepEqual(await self.deactivate(first, signal()), { state: 'accepted' });
  const asked = stage.clock.now();
  const second = stage.order(id, { notAfter: asked + 20 * MINUTE });
  const problem = refused(await whilePassing(stage, SECOND, self.activate(second, signal())));
  assert.match(problem.wayOut ?? '', /still closing: try again in two minutes/);
  assert.ok(stage.clock.now() <= asked + 45 * SECOND, 'a definite no within the minute that whoever asks waits');
  await stage.clock.advance(asked + 50 * SECOND - stage.clock.now());
  const bound = await whilePassing(stage, SECOND, self.activate(second, signal()));
  assert.equal(bound.state, 'assigned');
  assert.ok(stage.allows(second));
});

test('while an elevation of somebody else’s making is active, it is said at once', async (t) => {
  const stage = await startStage(t);
  const { id } = await stage.balancer('Shop production');
  await stage.selfService().activate(stage.order(id), signal());
  assert.equal(refused(await stage.selfService().activate(stage.order(id), signal())).code, 'already-elevated');
});

test('waiting for the previous one can be given up, and nothing was done', async (t) => {
  const stage = await startStage(t, { timing: { stillHeld: 2 * MINUTE } });
  const { id } = await stage.balancer('Shop production');
  const self = stage.selfService();
  const first = stage.order(id);
  await self.activate(first, signal());
  await self.deactivate(first, signal());
  const giveUp = new AbortController();
  const second = stage.order(id);
  const bound = self.activate(second, giveUp.signal);
  while (stage.clock.armed === 0) await stage.clock.advance(0);
  giveUp.abort();
  assert.equal(refused(await bound).code, 'already-elevated');
  assert.ok(!stage.allows(second));
});

test('as slow and as false as measured, a release is claimed only when it happened', async (t) => {
  const stage = await startStage(t, { timing: field });
  const self = stage.selfService();
  const order = stage.order((await stage.balancer('Shop production')).id);
  assert.equal((await whilePassing(stage, SECOND, self.activate(order, signal()))).state, 'assigned');
  const deactivate = () => whilePassing(stage, SECOND, self.deactivate(order, signal()));
  notYet(await deactivate());
  await stage.clock.advance(2 * MINUTE);
  const short = notYet(await deactivate());
  assert.ok(stage.allows(order));
  await stage.clock.advance(short.again - stage.clock.now());
  assert.deepEqual(await deactivate(), { state: 'accepted' });
  await stage.clock.advance(field.goneLag);
  assert.ok(!stage.allows(order));
});

test('a lock keeps the elevation, and it is said', async (t) => {
  const stage = await startStage(t);
  const { id } = await stage.balancer('Shop production');
  const order = stage.order(id);
  await stage.selfService().activate(order, signal());
  stage.azure.world.locks.add(id.slice('azure:'.length), 'CanNotDelete', 'keep');
  const stuck = await stage.selfService().deactivate(order, signal());
  assert.ok(stuck.state === 'stuck' && stuck.problem.code === 'locked');
  assert.match(stuck.problem.message, /: CanNotDelete lock "keep" on /);
  assert.ok(stage.allows(order));
  const unreadable = { kind: 'refuse', status: 403, code: 'AuthorizationFailed', message: 'No read access' } as const;
  stage.azure.world.faults.add({ call: /^GET .*\/locks/, trouble: unreadable });
  const unnamed = await stage.selfService().deactivate(order, signal());
  assert.ok(unnamed.state === 'stuck' && unnamed.problem.code === 'locked', 'a lock that cannot be read is one all the same');
});

test('an unknown outcome is a fault, and the order is known again by its name', async (t) => {
  const stage = await startStage(t);
  const order = stage.order((await stage.balancer('Shop production')).id);
  stage.azure.world.faults.add({ call: /^PUT .*roleAssignmentScheduleRequests/, times: 1, trouble: { kind: 'drop-after' } });
  await assert.rejects(
    stage.selfService().activate(order, signal()),
    (error) => error instanceof Fault && error.code === 'cloud-unreachable',
  );
  assert.equal((await stage.selfService().activate(order, signal())).state, 'assigned');
});

test('a role of another cloud or of nobody is a fault of the caller', async (t) => {
  const stage = await startStage(t);
  const { id } = await stage.balancer('Shop production');
  await assert.rejects(async () => stage.selfService().activate(stage.order(id, { roleId: 'nothing' as RoleId }), signal()), Fault);
  await assert.rejects(async () => stage.selfService().activate(stage.order('aws:x' as Order['resource']), signal()), Fault);
});

test('what the person has through Portcullis is told by Azure alone: active, waiting, and nothing that ended', async (t) => {
  const stage = await startStage(t);
  const self = stage.selfService();
  const shop = await stage.balancer('Shop production');
  assert.deepEqual(await self.mine(signal()), []);
  const order = stage.order(shop.id, { reason: 'INC-7: drain web-2' });
  assert.equal((await self.activate(order, signal())).state, 'assigned');
  const waiting = await needsApproval(stage);
  assert.equal((await self.activate(waiting, signal())).state, 'pending approval');
  const found = await self.mine(signal());
  const [active, waits] = [found.find(({ state }) => state === 'assigned'), found.find(({ state }) => state === 'pending approval')];
  assert.equal(found.length, 2);
  assert.equal(active?.grantId, order.grantId);
  assert.equal(active?.reason, 'INC-7: drain web-2', 'without our mark');
  assert.deepEqual(active?.role, { id: 'backends', title: 'Backends', enforcement: 'native' });
  assert.equal(active?.resource.id, shop.id);
  assert.ok(Math.abs((active?.notAfter ?? 0) - order.notAfter) <= SECOND, 'the end is the one that Azure has');
  assert.equal(waits?.grantId, waiting.grantId);
  assert.equal(waits?.ticket, 'CHG-1');
  assert.deepEqual(await stage.selfService(PEOPLE.ben.oid).mine(signal()), [], "nobody else's");
  await stage.clock.advance(6 * MINUTE);
  assert.equal((await self.mine(signal())).length, 2);
  assert.deepEqual(await self.deactivate(order, signal()), { state: 'accepted' });
  assert.deepEqual(
    (await self.mine(signal())).map(({ grantId }) => grantId),
    [waiting.grantId],
  );
});
