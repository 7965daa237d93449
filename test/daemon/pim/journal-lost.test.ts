import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { openJournal } from '../../../daemon/journal/open.ts';
import { HOUR, MINUTE, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { Grant } from '../../../protocol/model.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { scratch } from '../../support/scratch.ts';
import { ALICE, BEN, RESOURCE, ROLE } from '../support/cloud.ts';
import { ask, kinds, only, usable } from '../support/elevated.ts';
import { type Stage, startStage } from '../support/stage.ts';

/** Kills the daemon, and lets the disk lose its journal. */
async function loseJournal(stage: Stage): Promise<void> {
  const file = path.join(stage.dir, 'journal.db');
  await stage.restart();
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  writeFileSync(file, 'this is no database, and long enough to be looked at as one'.repeat(100));
  await stage.restart();
}

test('a journal that opens late: unknown until then, and then everything that it holds is taken up', async (t) => {
  const dir = scratch(t);
  const clock = new ManualClock();
  let broken = false;
  const stage = await startStage(t, {
    dir,
    clock,
    parts: {
      openJournal: () => {
        if (broken) throw new Error('EIO');
        return openJournal(path.join(dir, 'journal.db'), clock.now());
      },
    },
  });
  await usable(stage);
  broken = true;
  await stage.restart();
  const client = await stage.client();
  await clock.advance(SECOND);
  assert.deepEqual(client.state.grants, {});
  assert.ok(client.state.heldUnknown, 'nothing listed is not nothing held');
  broken = false;
  await clock.advance(30 * SECOND);
  assert.equal(client.state.heldUnknown, undefined);
  assert.equal(only(client).state, 'usable');
  await clock.advance(30 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.equal(stage.cloud.power, false);
});

test('what a lost journal held is found again in the cloud, held, and ended at its instant', async (t) => {
  const stage = await startStage(t);
  const before = only(await usable(stage));
  const { id: grantId, resource, role, reason, createdAt: startedAt, notAfter } = before;
  stage.pim.own = new Fault('cloud-unreachable', 'Azure does not answer');
  await loseJournal(stage);
  const client = await stage.client();
  assert.ok(client.state.heldUnknown, 'as long as Azure has not said');
  const mine = { grantId, principalId: ALICE.id, resource, role, allows: [], actions: ROLE.actions, reason, startedAt, notAfter };
  const duration = notAfter - startedAt;
  stage.pim.own = [
    { ...mine, duration, state: 'assigned' },
    { ...mine, grantId: randomUUID() as Grant['id'], principalId: BEN.id, duration, state: 'assigned' },
  ];
  await stage.clock.advance(5 * SECOND);
  assert.equal(client.state.heldUnknown, undefined);
  const again = only(client);
  assert.deepEqual([again.id, again.state, again.notAfter], [grantId, 'usable', notAfter], 'hers alone, and no longer than before');
  // Killed again: now the journal knows it.
  await stage.restart();
  const next = await stage.client();
  await stage.clock.advance(notAfter - stage.clock.now() + MINUTE);
  assert.equal(only(next).state, 'gone');
  assert.equal(stage.cloud.power, false);
});

test('what waited for approvers when the journal was lost can still be taken back', async (t) => {
  const stage = await startStage(t);
  await usable(stage);
  const [role, resource] = [{ id: ROLE.id, title: ROLE.title, enforcement: 'native' as const }, RESOURCE];
  const now = stage.clock.now();
  const waits = {
    resource,
    role,
    allows: [],
    actions: ROLE.actions,
    reason: 'INC-2',
    startedAt: now,
    duration: HOUR,
    notAfter: now + HOUR,
  };
  stage.pim.own = [{ ...waits, grantId: randomUUID() as Grant['id'], principalId: ALICE.id, state: 'pending approval' }];
  stage.pim.pendings = [{ state: 'pending approval', approvers: { needed: 1, people: [BEN] } }];
  await loseJournal(stage);
  const client = await stage.client();
  await stage.clock.advance(SECOND);
  const request = Object.values(client.state.requests).find(({ state }) => state === 'pending approval');
  assert.ok(request);
  assert.ok((await client.call('request.cancel', { requestId: request.id })).ok);
  await stage.clock.advance(SECOND);
  assert.equal(client.state.requests[request.id]?.state, 'cancelled');
});

test('a damaged journal is told, in the record and on the screen, and keeps nobody from new power', async (t) => {
  const stage = await startStage(t);
  await usable(stage);
  stage.pim.own = new Fault('cloud-unreachable', 'Azure does not answer');
  await loseJournal(stage);
  const client = await stage.client();
  assert.equal(client.state.unhealthy, undefined);
  assert.match(client.state.heldUnknown ?? '', /damaged.*within a day/);
  assert.ok((await kinds(client)).includes('journal.damaged'));
  assert.ok(stage.log.lines.some(({ level, event }) => level === 'error' && /damaged/.test(event)));
  assert.ok((await client.call('request', ask())).ok);
  await stage.clock.advance(SECOND);
  assert.equal(only(client).state, 'usable');
  // The next daemon still says so, and records it once.
  await stage.restart();
  const next = await stage.client();
  assert.ok(next.state.heldUnknown);
  assert.equal((await kinds(next)).filter((kind) => kind === 'journal.damaged').length, 1);
  await stage.clock.advance(25 * 60 * MINUTE);
  assert.equal(next.state.heldUnknown, undefined, 'by then it has ended by itself');
});

test('after kill -9 a usable grant is verified, resumed, and still ends at its instant', async (t) => {
  const stage = await startStage(t);
  const before = only(await usable(stage));
  await stage.restart();
  const client = await stage.client();
  await stage.clock.advance(SECOND);
  assert.equal(only(client).state, 'usable');
  assert.equal(only(client).notAfter, before.notAfter);
  await stage.clock.advance(30 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.ok((await kinds(client)).includes('lease.resumed'));
});

test('killed between intent and answer: it is taken back', async (t) => {
  const stage = await startStage(t);
  const never = new Promise<never>(() => {});
  stage.pim.activate = async (order) => {
    stage.pim.orders.push(order);
    stage.cloud.power = true;
    return never;
  };
  stage.pim.onRelease = () => {
    stage.cloud.power = false;
  };
  const client = await stage.client();
  void client.call('request', ask()).catch(() => {});
  await stage.clock.advance(SECOND);
  assert.equal(stage.pim.orders.length, 1);
  await stage.restart();
  const again = await stage.client();
  await stage.clock.advance(5 * SECOND);
  assert.equal(stage.cloud.power, false);
  assert.equal(only(again).state, 'revoking');
  await stage.clock.advance(10 * MINUTE + SECOND);
  assert.equal(only(again).state, 'gone');
});
