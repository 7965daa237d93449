import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownStatus } from '@azure/arm-authorization';
import { azureApprovals } from '../../../cloud/azure/approvals.ts';
import { type Meaning, meaningOf } from '../../../cloud/azure/request-status.ts';
import type { Bound, Order, Unbound } from '../../../cloud/provider.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { RoleId } from '../../../protocol/ids.ts';
import { PEOPLE } from '../../clouds/azure/estate.ts';
import type { Status } from '../../clouds/azure/pim-moves.ts';
import { NETWORK_CONTRIBUTOR } from '../../clouds/azure/role-definitions.ts';
import type { Timing } from '../../clouds/azure/timing.ts';
import { type Stage, signal, startStage, whilePassing } from './stage.ts';

/** Every word that Azure documents, and what it may be taken for. */
const WORDS: Readonly<Record<Exclude<Meaning['is'], 'unknown'>, readonly string[]>> = {
  active: ['Provisioned', 'Granted'],
  moving: [
    'Accepted',
    'PendingEvaluation',
    'PendingProvisioning',
    'ProvisioningStarted',
    'PendingScheduleCreation',
    'ScheduleCreated',
    'PendingExternalProvisioning',
    'AdminApproved',
    'PendingRevocation',
  ],
  'awaiting approval': ['PendingApproval', 'PendingApprovalProvisioning', 'PendingAdminDecision'],
  released: ['Revoked'],
  locked: ['FailedAsResourceIsLocked'],
  refused: ['Denied', 'AdminDenied', 'Canceled', 'TimedOut', 'Failed', 'Invalid'],
};

/** Azure documents no such word; it may one day. */
const UNHEARD = 'PendingQuarantine' as Status;

const isUnknownOutcome = (error: unknown) => error instanceof Fault && error.code === 'timed-out' && error.retryable;

test('every status word that Azure documents has one meaning', () => {
  for (const [is, words] of Object.entries(WORDS)) for (const word of words) assert.equal(meaningOf(word).is, is, word);
  assert.deepEqual(Object.values(WORDS).flat().sort(), Object.values(KnownStatus).sort(), 'none is left out');
});

test('every refusal says what happened and what to do', () => {
  for (const word of WORDS.refused) {
    const meaning = meaningOf(word);
    assert.ok(meaning.is === 'refused' && meaning.problem.message.endsWith('.') && meaning.problem.wayOut?.endsWith('.'), word);
  }
});

test('no word, or one that Azure did not document, means nothing', () => {
  for (const word of [undefined, '', UNHEARD, 'provisioned']) assert.deepEqual(meaningOf(word), { is: 'unknown' }, String(word));
});

interface Elevating {
  stage: Stage;
  order: Order;
  start: () => Promise<Bound>;
  end: () => Promise<Unbound>;
}

type Ways = (stage: Stage) => {
  start: (order: Order, signal: AbortSignal) => Promise<Bound>;
  end: (order: Order, signal: AbortSignal) => Promise<Unbound>;
};

const WAYS: [of: string, ways: Ways][] = [
  [
    "a person's own activation",
    (stage) => {
      const { activate, deactivate } = stage.selfService();
      return { start: activate, end: deactivate };
    },
  ],
  [
    'a grant',
    (stage) => {
      const { bind, unbind } = stage.granting();
      return { start: bind, end: unbind };
    },
  ],
];

async function elevating(t: Parameters<typeof startStage>[0], ways: Ways, timing: Partial<Timing>): Promise<Elevating> {
  const stage = await startStage(t, { timing });
  const order = stage.order((await stage.balancer('Shop production')).id, { notAfter: stage.clock.now() + 30 * MINUTE });
  const { start, end } = ways(stage);
  return {
    stage,
    order,
    start: () => whilePassing(stage, SECOND, start(order, signal())),
    end: () => whilePassing(stage, SECOND, end(order, signal())),
  };
}

for (const [what, ways] of WAYS) {
  test(`${what} that is provisioned late is waited for`, async (t) => {
    const { stage, order, start } = await elevating(t, ways, { provisionLag: 20 * SECOND });
    const asked = stage.clock.now();
    assert.equal((await start()).state, 'assigned');
    assert.ok(stage.clock.now() >= asked + 20 * SECOND && stage.clock.now() < asked + 30 * SECOND);
    assert.ok(stage.allows(order));
    assert.equal(stage.azure.world.calls.matching('PUT', /roleAssignmentScheduleRequests/).length, 1, 'asked for once');
  });

  test(`${what} that is on the move for minutes is an unknown outcome, and is known again by its name`, async (t) => {
    const { stage, order, start } = await elevating(t, ways, { provisionLag: 3 * MINUTE });
    await assert.rejects(start(), isUnknownOutcome);
    assert.ok(!stage.allows(order));
    await assert.rejects(start(), isUnknownOutcome);
    assert.equal((await start()).state, 'assigned');
    assert.ok(stage.allows(order));
  });

  for (const word of ['PendingEvaluation', 'AdminApproved', 'PendingExternalProvisioning'] as const) {
    test(`${what} called ${word} is waited for, is not taken for started, and is ended when it has`, async (t) => {
      const { stage, order, start, end } = await elevating(t, ways, { provisionLag: 3 * MINUTE });
      stage.azure.world.faults.moveIsCalled = word;
      await assert.rejects(start(), isUnknownOutcome);
      assert.equal((await end()).state, 'not yet');
      assert.ok(!stage.allows(order));
      while ((await start().catch(() => undefined))?.state !== 'assigned') assert.ok(!stage.allows(order));
      assert.ok(stage.allows(order));
      await stage.clock.advance(5 * MINUTE);
      assert.deepEqual(await end(), { state: 'accepted' });
      assert.ok(!stage.allows(order));
    });
  }

  for (const word of ['Failed', 'Invalid', 'AdminDenied'] as const) {
    test(`${what} that was on the move and ends as ${word} is refused with a way out`, async (t) => {
      const { stage, order, start, end } = await elevating(t, ways, { provisionLag: 10 * SECOND });
      stage.azure.world.faults.moveEndsAs = word;
      const bound = await start();
      assert.ok(bound.state === 'refused' && bound.problem.message && bound.problem.wayOut);
      assert.ok(!stage.allows(order));
      assert.deepEqual(await end(), { state: 'nothing there' });
    });
  }

  test(`${what} under a word that nobody knows is an unknown outcome, and what lands of it can be ended`, async (t) => {
    const { stage, order, start, end } = await elevating(t, ways, { provisionLag: 10 * SECOND });
    stage.azure.world.faults.moveIsCalled = UNHEARD;
    await assert.rejects(start(), isUnknownOutcome);
    await stage.clock.advance(10 * SECOND);
    assert.ok(stage.allows(order));
    assert.deepEqual(await end(), { state: 'accepted' });
    assert.ok(!stage.allows(order));
  });

  test(`${what} that ends as a word that nobody knows is no success`, async (t) => {
    const { stage, start } = await elevating(t, ways, { provisionLag: 10 * SECOND });
    stage.azure.world.faults.moveEndsAs = UNHEARD;
    await assert.rejects(start(), isUnknownOutcome);
  });

  test(`the end of ${what} that still starts is asked for until it has started`, async (t) => {
    const { stage, order, start, end } = await elevating(t, ways, { provisionLag: 7 * MINUTE });
    await assert.rejects(start(), isUnknownOutcome);
    for (let asked = 0; asked < 5; asked++) {
      assert.equal((await end()).state, 'not yet', 'it is still to come, whatever "does not exist" says');
      await stage.clock.advance(MINUTE);
    }
    await stage.clock.advance(MINUTE);
    assert.ok(stage.allows(order));
    assert.deepEqual(await end(), { state: 'accepted' });
    assert.ok(!stage.allows(order));
  });

  test(`the end of ${what} is not taken for done before it is revoked`, async (t) => {
    const { stage, order, start, end } = await elevating(t, ways, { revokeLag: 20 * SECOND });
    await start();
    const asked = stage.clock.now();
    assert.deepEqual(await end(), { state: 'accepted' });
    assert.ok(stage.clock.now() >= asked + 20 * SECOND);
    assert.ok(!stage.allows(order));
  });

  test(`the end of ${what} that is on the move for minutes is asked about again, and is no alarm`, async (t) => {
    const { stage, order, start, end } = await elevating(t, ways, { revokeLag: 3 * MINUTE });
    await start();
    for (let asked = 0; asked < 2; asked++) {
      const unbound = await end();
      assert.ok(unbound.state === 'not yet' && unbound.again > stage.clock.now() && /still at work/.test(unbound.why), unbound.state);
      assert.ok(stage.allows(order));
    }
    await stage.clock.advance(5 * MINUTE);
    assert.ok(!stage.allows(order));
    assert.deepEqual(await end(), { state: 'nothing there' });
  });

  test(`the end of ${what} that was on the move and fails is an alarm, and works when asked again`, async (t) => {
    const { stage, order, start, end } = await elevating(t, ways, { revokeLag: 10 * SECOND });
    const { faults } = stage.azure.world;
    await start();
    faults.moveEndsAs = 'Failed';
    const stuck = await end();
    assert.ok(stuck.state === 'stuck' && stuck.problem.message && stuck.problem.wayOut);
    assert.ok(stage.allows(order));
    faults.moveEndsAs = undefined;
    await stage.clock.advance(MINUTE);
    assert.deepEqual(await end(), { state: 'accepted' });
    assert.ok(!stage.allows(order));
  });

  test(`the end of ${what} under a word that nobody knows is not taken for done`, async (t) => {
    const { stage, order, start, end } = await elevating(t, ways, { revokeLag: 10 * SECOND });
    await start();
    stage.azure.world.faults.moveIsCalled = UNHEARD;
    assert.equal((await end()).state, 'not yet');
    assert.ok(stage.allows(order));
  });
}

test('an approved activation that is provisioned late is waited for', async (t) => {
  const stage = await startStage(t, { timing: { provisionLag: 20 * SECOND } });
  const { id } = await stage.balancer('Payments production');
  const order = stage.order(id, { roleId: `azure/${NETWORK_CONTRIBUTOR}` as RoleId, ticket: 'CHG-1' });
  const self = stage.selfService();
  assert.equal((await self.activate(order, signal())).state, 'pending approval');
  const ben = azureApprovals(stage.azure.credential(PEOPLE.ben.oid), stage.settings, stage.clock);
  const [waiting] = await ben.list('', signal());
  assert.ok(waiting);
  assert.equal((await ben.approve(waiting, 'Yes.', signal())).ok, true);
  assert.ok(!stage.allows(order, 'Microsoft.Network/loadBalancers/write'), 'approved is not provisioned');
  assert.equal((await whilePassing(stage, SECOND, self.pending(order, signal()))).state, 'assigned');
  assert.ok(stage.allows(order, 'Microsoft.Network/loadBalancers/write'));
});

test('waiting for what is on the move can be given up, and the outcome is unknown', async (t) => {
  const stage = await startStage(t, { timing: { provisionLag: 20 * SECOND } });
  const order = stage.order((await stage.balancer('Shop production')).id);
  const giveUp = new AbortController();
  const bound = stage.selfService().activate(order, giveUp.signal);
  while (stage.clock.armed === 0) await stage.clock.advance(0);
  giveUp.abort();
  await assert.rejects(bound, isUnknownOutcome);
});
