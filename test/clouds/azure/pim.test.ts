import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { HOUR, MINUTE, SECOND } from '../../../protocol/clock.ts';
import { CENTRAL_APP, makeEstate, PEOPLE } from './estate.ts';
import { NETWORK_CONTRIBUTOR } from './role-definitions.ts';
import { refusal, type Stage, stage } from './stage.ts';
import { field } from './timing.ts';

const WRITE = 'Microsoft.Network/loadBalancers/write';
const { alice, ben, carla, dan } = PEOPLE;

/** Asks PIM as a person would: through the client library, at one balancer. */
function asking({ authorization, balancer }: Stage, oid: string, target: string = balancer.id) {
  const scope = target.slice(1);
  const roleDefinitionId = `/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/${NETWORK_CONTRIBUTOR}`;
  const send = (requestType: string, more: object = {}, name: string = randomUUID(), principalId: string = alice.oid) =>
    authorization(oid).roleAssignmentScheduleRequests.create(scope, name, {
      principalId,
      roleDefinitionId,
      requestType,
      justification: 'INC-1',
      ticketInfo: { ticketNumber: '1', ticketSystem: 'x' },
      ...more,
    });
  const lasting = (duration: string) => ({ scheduleInfo: { expiration: { type: 'AfterDuration', duration } } });
  return {
    send,
    activate: (duration = 'PT30M', more: object = {}, name?: string) => send('SelfActivate', { ...lasting(duration), ...more }, name),
    deactivate: () => send('SelfDeactivate'),
    assign: (duration = 'PT30M', more: object = {}, name?: string) => send('AdminAssign', { ...lasting(duration), ...more }, name),
    remove: () => send('AdminRemove'),
    rows: async () => {
      const rows = [];
      for await (const row of authorization(alice.oid).roleAssignmentScheduleInstances.listForScope(scope, { filter: 'asTarget()' })) {
        if (row.roleDefinitionId?.endsWith(NETWORK_CONTRIBUTOR))
          rows.push(`${row.assignmentType} ${row.status} ${row.endDateTime ? 'with an end' : 'without an end'}`);
      }
      return rows;
    },
  };
}

/** A balancer in the subscription where Alice may activate without approval. */
function staging({ world }: Stage): string {
  const found = world.estate.resources.find(
    ({ id, type }) => id.includes(world.estate.subscriptions[1]?.id ?? '-') && type.endsWith('loadBalancers'),
  );
  return found?.id ?? '';
}

test('an activation goes through every trap that was met on live tenants', async (t) => {
  const scene = await stage(t, { timing: { ...field, answerDelay: 0 } });
  const { clock, world } = scene;
  const at = staging(scene);
  const pim = asking(scene, alice.oid, at);
  // One token for the whole story, held as a program holds it: a fresh one would see every change at once.
  const held = world.sequence.next();
  const allowed = () => {
    world.settle();
    return world.access.allows({ oid: alice.oid, order: held }, WRITE, at.toLowerCase());
  };

  assert.equal((await pim.activate()).status, 'Provisioned');
  assert.equal(allowed(), false, 'provisioned is not usable');
  assert.deepEqual(await pim.rows(), [], 'the list is late');
  await clock.advance(44 * SECOND);
  assert.equal(await refusal(pim.deactivate()), '400 RoleAssignmentDoesNotExist');
  assert.equal(await refusal(pim.activate()), '400 RoleAssignmentExists');
  await clock.advance(48 * SECOND);
  assert.equal(await refusal(pim.deactivate()), '400 ActiveDurationTooShort');
  assert.deepEqual(await pim.rows(), ['Activated Provisioned with an end']);
  await clock.advance(30 * SECOND);
  assert.equal(allowed(), true);
  await clock.advance(5 * MINUTE);
  assert.equal((await pim.deactivate()).status, 'Revoked');
  assert.equal(allowed(), true, 'revoked is not gone');
  assert.deepEqual(await pim.rows(), ['Assigned Provisioned without an end'], 'a ghost row stays for minutes');
  assert.equal(await refusal(pim.activate()), '400 RoleAssignmentExists', 'Azure still holds the released one');
  await clock.advance(2 * MINUTE);
  assert.equal(allowed(), false);
  assert.equal((await pim.activate()).status, 'Provisioned');
});

test('an assignment ends by itself at its instant, and a lock keeps it standing', async (t) => {
  const scene = await stage(t);
  const { clock, world, balancer } = scene;
  const pim = asking(scene, CENTRAL_APP.oid);
  await pim.assign('PT15M');
  assert.equal(world.allows(alice.oid, WRITE, balancer.id), true);
  await clock.advance(15 * MINUTE - 1);
  assert.equal(world.allows(alice.oid, WRITE, balancer.id), true);
  await clock.advance(1);
  assert.equal(world.allows(alice.oid, WRITE, balancer.id), false);

  await pim.assign('PT15M');
  world.locks.add(balancer.id.split('/providers/')[0] ?? '', 'CanNotDelete');
  assert.equal((await pim.remove()).status, 'FailedAsResourceIsLocked');
  await clock.advance(HOUR);
  assert.equal(world.allows(alice.oid, WRITE, balancer.id), true, 'the end did not come');
  world.locks.remove(balancer.id.split('/providers/')[0] ?? '');
  assert.equal((await pim.remove()).status, 'Revoked');
  assert.equal(world.allows(alice.oid, WRITE, balancer.id), false);
});

test('a lock that comes after the end does not undo it', async (t) => {
  const scene = await stage(t);
  await asking(scene, CENTRAL_APP.oid).assign('PT5M');
  await scene.clock.advance(6 * MINUTE);
  scene.world.locks.add(scene.balancer.id);
  assert.equal(scene.world.allows(alice.oid, WRITE, scene.balancer.id), false);
});

test('an administrator assigns, moves the end, and removes; nobody else does', async (t) => {
  const scene = await stage(t);
  const { clock, world, balancer } = scene;
  const pim = asking(scene, CENTRAL_APP.oid);
  assert.equal(await refusal(asking(scene, ben.oid).assign()), '403 InsufficientPermissions');
  assert.equal(await refusal(pim.remove()), '400 RoleAssignmentDoesNotExist');
  await pim.assign('PT15M');
  assert.equal(await refusal(pim.assign('PT15M')), '400 RoleAssignmentExists');
  await clock.advance(10 * MINUTE);
  const end = new Date(clock.now() + 20 * MINUTE);
  const update = { scheduleInfo: { expiration: { type: 'AfterDateTime', endDateTime: end } } };
  assert.equal((await pim.send('AdminUpdate', update)).status, 'Provisioned');
  await clock.advance(19 * MINUTE);
  assert.equal(world.allows(alice.oid, WRITE, balancer.id), true, 'the end was moved');
  await clock.advance(MINUTE);
  assert.equal(world.allows(alice.oid, WRITE, balancer.id), false);
  assert.equal(await refusal(pim.send('AdminUpdate', update)), '400 InvalidRoleAssignmentRequestSchedule', 'an end in the past');
});

test('one name is one request, for ever', async (t) => {
  const scene = await stage(t);
  const pim = asking(scene, CENTRAL_APP.oid);
  const name = randomUUID();
  await pim.assign('PT15M', {}, name);
  assert.equal(await refusal(pim.assign('PT15M', {}, name)), '400 RoleAssignmentExists');
  await pim.remove();
  assert.equal(await refusal(pim.assign('PT15M', {}, name)), '400 RoleAssignmentScheduleRequestExists');
  assert.equal(
    (await scene.authorization(CENTRAL_APP.oid).roleAssignmentScheduleRequests.get(scene.balancer.id.slice(1), name)).status,
    'Provisioned',
  );
  assert.equal(scene.world.assignments.standing().filter(({ origin }) => origin === 'pim').length, 0);
});

test('each broken rule is named', async (t) => {
  const scene = await stage(t);
  const { world } = scene;
  const at = staging(scene);
  const pim = asking(scene, alice.oid, at);
  const failing = async (calling: Promise<unknown>): Promise<string> => {
    await assert.rejects(calling, { code: 'RoleAssignmentRequestPolicyValidationFailed' });
    return calling.then(String, (error: Error) => error.message);
  };
  assert.match(await failing(pim.activate('PT5H')), /\["ExpirationRule"\]/);
  assert.match(await failing(pim.activate('PT1H', { justification: '' })), /\["JustificationRule"\]/);
  const [subscription = ''] = /\/subscriptions\/[^/]+/.exec(at) ?? [];
  world.policies.set(NETWORK_CONTRIBUTOR, subscription, { enabled: ['Justification', 'Ticketing'] });
  assert.match(await failing(pim.activate('PT1H', { justification: '', ticketInfo: {} })), /\["JustificationRule","TicketingRule"\]/);
  assert.match(await failing(asking(scene, alice.oid).activate()), /\["EligibilityRule"\]/, 'not eligible in production');
  assert.equal(await refusal(pim.activate('soon')), '400 InvalidRoleAssignmentRequestSchedule');
  assert.equal(await refusal(pim.send('AdminAssign', {}, randomUUID(), randomUUID())), '400 SubjectNotFound');
  world.policies.set(NETWORK_CONTRIBUTOR, subscription, { enabled: [], context: 'c1' });
  await assert.rejects(pim.activate(), (error: { code: string; message: string }) => {
    assert.equal(error.code, 'RoleAssignmentRequestAcrsValidationFailed');
    const claims = decodeURIComponent(/&claims=(.+)$/.exec(error.message)?.[1] ?? '');
    assert.deepEqual(JSON.parse(claims), { access_token: { acrs: { essential: true, value: 'c1' } } });
    return true;
  });
});

test('an activation that needs approval gives nothing until an approver decides', async (t) => {
  const scene = await stage(t);
  const { clock, world, call } = scene;
  const payments = world.estate.subscriptions[2]?.id ?? '';
  const at = world.estate.resources.find(({ id, type }) => id.includes(payments) && type.endsWith('loadBalancers'))?.id ?? '';
  const pim = asking(scene, alice.oid, at);
  const approvals = (oid: string) =>
    call(oid, 'GET', '/providers/Microsoft.Authorization/roleAssignmentApprovals?api-version=2021-01-01-preview&$filter=asApprover()');
  const decide = async (oid: string, reviewResult: string) => {
    const { value } = (await approvals(ben.oid)).body as { value: { properties: { stages: { id: string }[] } }[] };
    const id = value[0]?.properties.stages[0]?.id ?? '';
    return call(oid, 'PUT', `${id}?api-version=2021-01-01-preview`, { properties: { reviewResult, justification: 'fine' } });
  };

  const asked = await pim.activate('PT30M');
  assert.equal(asked.status, 'PendingApproval');
  assert.equal(world.allows(alice.oid, WRITE, at), false);
  assert.equal(await refusal(pim.activate('PT30M')), '400 PendingRoleAssignmentRequest');
  assert.deepEqual((await approvals(carla.oid)).body['value'], []);
  assert.equal((await decide(alice.oid, 'Approve')).status, 403, 'nobody approves their own');
  await clock.advance(10 * MINUTE);
  assert.equal((await decide(ben.oid, 'Approve')).status, 200);
  assert.equal(world.allows(alice.oid, WRITE, at), true);
  await clock.advance(29 * MINUTE);
  assert.equal(world.allows(alice.oid, WRITE, at), true, 'the time runs from the approval');
  await clock.advance(MINUTE);
  assert.equal(world.allows(alice.oid, WRITE, at), false);

  // A client of its own each time: its token would have run out at the end.
  const state = async (name = '') => (await scene.authorization(alice.oid).roleAssignmentScheduleRequests.get(at.slice(1), name)).status;
  const second = await pim.activate('PT30M');
  await decide(ben.oid, 'Deny');
  assert.equal(await state(second.name), 'Denied');
  const third = await pim.activate('PT30M');
  await scene.authorization(alice.oid).roleAssignmentScheduleRequests.cancel(at.slice(1), third.name ?? '');
  assert.equal(await state(third.name), 'Canceled');
  const fourth = await pim.activate('PT30M');
  await clock.advance(24 * HOUR);
  assert.equal(await state(fourth.name), 'TimedOut');
  assert.equal(world.allows(alice.oid, WRITE, at), false);
});

test('a full subscription takes no activation, no assignment and no approval; what ends makes room', async (t) => {
  const estate = makeEstate({ balancers: 24 });
  const within = estate.assignments.filter(({ scope }) => scope.includes(estate.subscriptions[1]?.id ?? '-')).length;
  const scene = await stage(t, { estate, limits: { assignmentLimit: within + 1 } });
  const at = staging(scene);
  const self = asking(scene, alice.oid, at);
  const central = asking(scene, CENTRAL_APP.oid, at);
  const startDateTime = new Date(scene.clock.now() + HOUR);
  const later = await self.send('SelfActivate', {
    scheduleInfo: { startDateTime, expiration: { type: 'AfterDuration', duration: 'PT10M' } },
  });
  assert.equal(later.status, 'Granted', 'what is still to come takes no room');
  await scene.authorization(alice.oid).roleAssignmentScheduleRequests.cancel(at.slice(1), later.name ?? '');
  await central.send('AdminAssign', { scheduleInfo: { expiration: { type: 'AfterDuration', duration: 'PT10M' } } }, randomUUID(), dan.oid);
  assert.equal(await refusal(self.activate()), '400 RoleAssignmentLimitExceeded', 'what is active takes room');
  assert.equal(await refusal(central.assign()), '400 RoleAssignmentLimitExceeded');
  await scene.clock.advance(10 * MINUTE);
  assert.equal((await self.activate()).status, 'Provisioned');
});

test('a start in the future is granted, and begins by itself', async (t) => {
  const scene = await stage(t);
  const at = staging(scene);
  const startDateTime = new Date(scene.clock.now() + 3 * MINUTE);
  const asked = await asking(scene, alice.oid, at).send('SelfActivate', {
    scheduleInfo: { startDateTime, expiration: { type: 'AfterDuration', duration: 'PT10M' } },
  });
  assert.equal(asked.status, 'Granted');
  assert.equal(scene.world.allows(alice.oid, WRITE, at), false);
  await scene.clock.advance(3 * MINUTE);
  assert.equal(scene.world.allows(alice.oid, WRITE, at), true);
  await scene.clock.advance(10 * MINUTE);
  assert.equal(scene.world.allows(alice.oid, WRITE, at), false);
});

test('which policy governs a narrower scope is a switch, because nobody knows', async (t) => {
  const scene = await stage(t);
  scene.world.faults.narrowedPolicy = 'child';
  const at = staging(scene);
  await asking(scene, alice.oid, at).activate('PT5H');
  assert.equal(scene.world.allows(alice.oid, WRITE, at), true, 'eight hours are the default at a scope without rules of its own');
});

test('an eligibility through a group is listed for its members and for nobody else', async (t) => {
  const scene = await stage(t);
  const scopes = async (oid: string) => {
    const found = [];
    for await (const row of scene.authorization(oid).roleEligibilityScheduleInstances.listForScope('', { filter: 'asTarget()' }))
      found.push(row.memberType);
    return found.sort();
  };
  assert.deepEqual(await scopes(alice.oid), ['Direct', 'Direct', 'Group']);
  assert.deepEqual(await scopes(dan.oid), []);
});

test('a request on the move says so, takes no other beside it, and has its power only at its end', async (t) => {
  const scene = await stage(t, { timing: { provisionLag: 70 * SECOND, revokeLag: 20 * SECOND } });
  const { clock, world } = scene;
  const at = staging(scene);
  const pim = asking(scene, alice.oid, at);
  const allowed = () => world.allows(alice.oid, WRITE, at);
  const status = async (name = '') =>
    (await scene.authorization(alice.oid).roleAssignmentScheduleRequests.get(at.slice(1), name)).status ?? '';

  const started = await pim.activate();
  const words = [started.status];
  for (let passed = 0; passed < 7; passed++) {
    assert.equal(allowed(), false);
    assert.equal(await refusal(pim.activate()), '400 PendingRoleAssignmentRequest');
    assert.equal(await refusal(pim.deactivate()), '400 RoleAssignmentDoesNotExist');
    await clock.advance(10 * SECOND);
    words.push(await status(started.name));
  }
  assert.deepEqual(words, [
    'Accepted',
    'PendingEvaluation',
    'PendingProvisioning',
    'ProvisioningStarted',
    'PendingExternalProvisioning',
    'PendingScheduleCreation',
    'ScheduleCreated',
    'Provisioned',
  ]);
  assert.equal(allowed(), true);

  const ended = await pim.deactivate();
  assert.equal(ended.status, 'PendingRevocation');
  assert.equal(await refusal(pim.deactivate()), '400 PendingRoleAssignmentRequest');
  await clock.advance(20 * SECOND - 1);
  assert.equal(allowed(), true, 'pending is not revoked');
  await clock.advance(1);
  assert.equal(await status(ended.name), 'Revoked');
  assert.equal(allowed(), false);
});

test('what ends by itself while its end is on the move ends at its own instant', async (t) => {
  const scene = await stage(t, { timing: { revokeLag: MINUTE } });
  const at = staging(scene);
  const pim = asking(scene, alice.oid, at);
  await pim.activate('PT10M');
  await scene.clock.advance(10 * MINUTE - 30 * SECOND);
  await pim.deactivate();
  await scene.clock.advance(2 * MINUTE);
  assert.equal(scene.world.allows(alice.oid, WRITE, at), false);
  const [schedule] = scene.world.pim.schedules.all();
  assert.deepEqual([schedule?.state, schedule?.endedAt], ['ended', schedule?.endsAt]);
});
