import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { KnownStatus } from '@azure/arm-authorization';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { CENTRAL_APP, PEOPLE } from './estate.ts';
import type { Status } from './pim-moves.ts';
import { NETWORK_CONTRIBUTOR } from './role-definitions.ts';
import { refusal, stage } from './stage.ts';
import type { Timing } from './timing.ts';

const { alice, ben } = PEOPLE;

/** One request of a person where somebody must approve, or of an administrator elsewhere, and every word said of it. */
async function watching(t: Parameters<typeof stage>[0], timing: Partial<Timing> = {}) {
  const scene = await stage(t, { timing });
  const { call, clock, world } = scene;
  const payments = world.estate.subscriptions[2]?.id ?? '';
  const reviewed = world.estate.resources.find(({ id, type }) => id.includes(payments) && type.endsWith('loadBalancers'))?.id ?? '';
  const said: string[] = [];
  const say = (word: string | undefined) => {
    if (word !== undefined && word !== said.at(-1)) said.push(word);
  };
  const at = (type: string) => (type.startsWith('Self') ? reviewed : scene.balancer.id).slice(1);
  const requests = (oid: string) => scene.authorization(oid).roleAssignmentScheduleRequests;
  return {
    ...scene,
    said,
    cancel: (type: string, name: string) => requests(alice.oid).cancel(at(type), name),
    async send(requestType: string, starting?: Date) {
      const oid = requestType.startsWith('Self') ? alice.oid : CENTRAL_APP.oid;
      const sent = await requests(oid).create(at(requestType), randomUUID(), {
        principalId: alice.oid,
        roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${NETWORK_CONTRIBUTOR}`,
        requestType,
        justification: 'INC-1',
        ticketInfo: { ticketNumber: '1', ticketSystem: 'x' },
        scheduleInfo: { ...(starting && { startDateTime: starting }), expiration: { type: 'AfterDuration', duration: 'PT30M' } },
      });
      say(sent.status);
      return sent.name ?? '';
    },
    async watch(type: string, name: string, seconds: number) {
      const oid = type.startsWith('Self') ? alice.oid : CENTRAL_APP.oid;
      for (let second = 0; second < seconds; second++) {
        await clock.advance(SECOND);
        say((await requests(oid).get(at(type), name)).status);
      }
    },
    async review(reviewResult: 'Approve' | 'Deny') {
      const api = 'api-version=2021-01-01-preview';
      const list = await call(ben.oid, 'GET', `/providers/Microsoft.Authorization/roleAssignmentApprovals?${api}&$filter=asApprover()`);
      const [one] = list.body['value'] as { properties: { stages: { id: string }[] } }[];
      const stageId = one?.properties.stages[0]?.id;
      return stageId && call(ben.oid, 'PUT', `${stageId}?${api}`, { properties: { reviewResult, justification: 'fine' } });
    },
  };
}

const STARTED = ['PendingProvisioning', 'ProvisioningStarted', 'PendingExternalProvisioning', 'PendingScheduleCreation', 'ScheduleCreated'];

test('an assignment passes through every word on its way, and so does its end', async (t) => {
  const scene = await watching(t, { provisionLag: 21 * SECOND, revokeLag: 3 * SECOND });
  await scene.watch('AdminAssign', await scene.send('AdminAssign'), 21);
  assert.deepEqual(scene.said, ['Accepted', 'PendingEvaluation', ...STARTED, 'Provisioned']);
  scene.said.length = 0;
  await scene.watch('AdminRemove', await scene.send('AdminRemove'), 3);
  assert.deepEqual(scene.said, ['PendingRevocation', 'Revoked']);
});

test('an activation that somebody approves is brought before them first, and is provisioned afterwards', async (t) => {
  const scene = await watching(t, { approvalLag: 2 * SECOND, provisionLag: 18 * SECOND });
  const name = await scene.send('SelfActivate');
  assert.equal(await scene.review('Approve'), undefined, 'nobody sees it yet');
  await scene.watch('SelfActivate', name, 3);
  await scene.review('Approve');
  await scene.watch('SelfActivate', name, 18);
  assert.deepEqual(scene.said, ['PendingApprovalProvisioning', 'PendingApproval', 'AdminApproved', ...STARTED, 'Provisioned']);
});

test('what waits for somebody can be taken back under each of its words, and what is at work cannot', async (t) => {
  const scene = await watching(t, { provisionLag: MINUTE });
  const { faults } = scene.world;
  for (const word of ['PendingApprovalProvisioning', 'PendingApproval', 'PendingAdminDecision'] as const) {
    faults.waitIsCalled = word;
    const name = await scene.send('SelfActivate');
    await scene.cancel('SelfActivate', name);
    await scene.watch('SelfActivate', name, 1);
    assert.deepEqual(scene.said.splice(0), [word, 'Canceled']);
  }
  faults.waitIsCalled = undefined;
  const name = await scene.send('SelfActivate');
  await scene.review('Approve');
  assert.equal(await refusal(scene.cancel('SelfActivate', name)), '400 RoleAssignmentRequestNotPending');
});

test('a decision that an administrator has to make is made like any other', async (t) => {
  const scene = await watching(t);
  scene.world.faults.waitIsCalled = 'PendingAdminDecision';
  const name = await scene.send('SelfActivate');
  await scene.review('Approve');
  await scene.watch('SelfActivate', name, 1);
  assert.deepEqual(scene.said, ['PendingAdminDecision', 'Provisioned']);
});

test('every word that Azure documents can be said here', async () => {
  // As a record, a word that is missing here or that nobody documented does not compile.
  const all: Record<Status, true> & Record<`${KnownStatus}`, true> = {
    Accepted: true,
    PendingEvaluation: true,
    Granted: true,
    Denied: true,
    PendingProvisioning: true,
    Provisioned: true,
    PendingRevocation: true,
    Revoked: true,
    Canceled: true,
    Failed: true,
    PendingApprovalProvisioning: true,
    PendingApproval: true,
    FailedAsResourceIsLocked: true,
    PendingAdminDecision: true,
    AdminApproved: true,
    AdminDenied: true,
    TimedOut: true,
    ProvisioningStarted: true,
    Invalid: true,
    PendingScheduleCreation: true,
    ScheduleCreated: true,
    PendingExternalProvisioning: true,
  };
  assert.deepEqual(Object.keys(all).sort(), Object.values(KnownStatus).sort());
});
