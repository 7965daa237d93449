import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { sha256 } from '../../daemon/door/secrets.ts';
import { openJournal } from '../../daemon/journal/open.ts';
import { firstBroken } from '../../protocol/audit.ts';
import type { Client } from '../../protocol/client.ts';
import { HOUR, MINUTE, SECOND } from '../../protocol/clock.ts';
import { LINGERS } from '../../protocol/door.ts';
import { Fault } from '../../protocol/fault.ts';
import type { Grant, Part } from '../../protocol/model.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { scratch } from '../support/scratch.ts';
import { ALICE, BALANCER, BEN, POOL, RESOURCE, ROLE } from './support/cloud.ts';
import { type Stage, startStage } from './support/stage.ts';

const ask = (minutes = 30) => ({
  resourceId: BALANCER,
  roleId: ROLE.id,
  authority: 'pim' as const,
  duration: minutes * MINUTE,
  reason: 'INC-1: drain a backend',
  idempotencyKey: randomUUID(),
});

const only = (client: Client): Grant => {
  const [grant, ...more] = Object.values(client.state.grants);
  assert.ok(grant, 'one grant is shown');
  assert.equal(more.length, 0);
  return grant;
};

/** Lets the fake cloud give power when it activates, and take it when it accepts the release. */
function honest(stage: Stage): void {
  stage.pim.onActivate = () => {
    stage.cloud.power = true;
  };
  stage.pim.onRelease = (unbound) => {
    if (unbound.state === 'accepted') stage.cloud.power = false;
  };
}

async function usable(stage: Stage): Promise<Client> {
  honest(stage);
  const client = await stage.client();
  const answer = await client.call('request', ask());
  assert.equal(answer.ok, true);
  await stage.clock.advance(SECOND);
  assert.equal(only(client).state, 'usable');
  return client;
}

const kinds = async (client: Client): Promise<string[]> => {
  const { events } = await client.call('audit.query', { filter: {}, offset: 0, limit: 200 });
  return events.map(({ kind }) => kind).reverse();
};

test('a right that was taken back before its use was seen is gone when it cannot arrive late any more', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  assert.ok((await client.call('request', ask())).ok);
  await stage.clock.advance(SECOND);
  assert.equal(only(client).state, 'assigned');
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(9 * MINUTE);
  assert.equal(only(client).state, 'revoking');
  assert.match(only(client).awaiting ?? '', /making sure/);
  // A part of the cloud heard of the activation, and not yet of its end.
  stage.cloud.power = true;
  await stage.clock.advance(2 * MINUTE);
  assert.equal(only(client).state, 'revoking', 'the cloud allows it');
  stage.cloud.power = false;
  await stage.clock.advance(20 * SECOND);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).proof, 'denied');
});

test('one denial that a second one does not repeat proves nothing', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  const said: ('allowed' | 'denied')[] = ['denied', 'allowed', 'denied', 'denied'];
  stage.cloud.access.check = async () => said.shift() ?? 'allowed';
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(5 * SECOND);
  assert.equal(only(client).state, 'gone');
  assert.deepEqual(said, []);
});

test('what somebody else may do says nothing about the holder: unknown, then revoking, until they sign in again', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.cloud.person = BEN;
  stage.cloud.power = false;
  await stage.clock.advance(2 * MINUTE);
  assert.equal(only(client).state, 'unknown');
  assert.match(only(client).awaiting ?? '', /signed in to Azure as Ben Okafor.*Alice Novak/);
  stage.cloud.power = true;
  stage.pim.releases = [new Fault('sign-in-failed', 'You are signed in to Azure as Ben Okafor.'), { state: 'accepted' }];
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(5 * MINUTE);
  assert.equal(only(client).state, 'revoking');
  assert.match(only(client).awaiting ?? '', /signed in to Azure as Ben Okafor.*Alice Novak/);
  stage.cloud.person = ALICE;
  await stage.clock.advance(2 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).proof, 'denied');
});

test('a request becomes usable when the cloud allows it, and gone when the cloud denies it', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  const answer = await client.call('request', ask());
  assert.ok(answer.ok);
  await stage.clock.advance(100);
  assert.equal(only(client).state, 'assigned', 'assigned is not usable');

  stage.cloud.power = true;
  await stage.clock.advance(15 * SECOND);
  assert.equal(only(client).state, 'usable');
  assert.equal(only(client).notAfter, stage.pim.orders[0]?.notAfter);

  assert.ok((await client.call('revoke', { grantId: only(client).id })).ok);
  await stage.clock.advance(5 * SECOND);
  assert.equal(only(client).state, 'revoking', 'accepted is not gone');
  stage.cloud.power = false;
  await stage.clock.advance(15 * SECOND);
  const gone = only(client);
  assert.equal(gone.state, 'gone');
  assert.equal(gone.proof, 'denied');
  assert.equal(gone.endReason, 'revoked');
  assert.deepEqual(gone.endedBy, ALICE);
  assert.deepEqual(
    (await kinds(client)).filter((kind) => /request|grant|lease|revocation/.test(kind)),
    [
      'request.intended',
      'request.created',
      'request.decided',
      'grant.intended',
      'grant.assigned',
      'lease.taken',
      'grant.usable',
      'grant.ending',
      'revocation.attempted',
      'grant.gone',
    ],
  );
});

test('the daemon ends a grant at its instant, whatever the cloud does by itself', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  await stage.clock.advance(30 * MINUTE);
  const gone = only(client);
  assert.equal(gone.state, 'gone');
  assert.equal(gone.endReason, 'expired');
  assert.ok((gone.goneAt ?? 0) - gone.notAfter < SECOND, 'late by less than a second');
});

test('a wall clock that is set back lengthens nothing', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  await stage.clock.advance(10 * MINUTE);
  stage.clock.setWall(-60 * MINUTE);
  await stage.clock.advance(20 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.ok((await kinds(client)).includes('clock.jumped'));
});

test('a wall clock that is set forward ends early', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.clock.setWall(60 * MINUTE);
  await stage.clock.advance(2 * SECOND);
  assert.equal(only(client).state, 'gone');
});

test('a closed lid ends what fell due meanwhile as soon as it opens', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.clock.suspend(45 * MINUTE);
  await stage.clock.advance(SECOND);
  assert.equal(only(client).state, 'gone');
});

test('a release that comes too early is shown with its instant and sent again then', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  const again = stage.clock.now() + 4 * MINUTE;
  stage.pim.releases = [{ state: 'not yet', again, why: 'Azure allows release after 5 minutes' }, { state: 'accepted' }];
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(MINUTE);
  assert.equal(only(client).state, 'revoking');
  assert.equal(only(client).releasableAt, again);
  assert.match(only(client).awaiting ?? '', /5 minutes/);
  assert.equal(stage.pim.log.filter((act) => act === 'deactivate').length, 1, 'not sent before');
  await stage.clock.advance(3 * MINUTE + SECOND);
  assert.equal(only(client).state, 'gone');
});

test('an activation whose outcome is lost is taken back and verified until nothing can land late', async (t) => {
  const stage = await startStage(t);
  stage.pim.activations = [new Fault('timed-out', 'No answer')];
  stage.pim.releases = [{ state: 'nothing there' }];
  const client = await stage.client();
  await client.call('request', ask());
  await stage.clock.advance(2 * MINUTE);
  assert.equal(only(client).state, 'revoking', 'absent now is no proof');
  assert.equal(only(client).endReason, 'activation failed');
  // It lands late after all.
  stage.cloud.power = true;
  stage.pim.releases = [{ state: 'accepted' }];
  stage.pim.onRelease = () => {
    stage.cloud.power = false;
  };
  await stage.clock.advance(3 * MINUTE);
  assert.equal(stage.cloud.power, false);
  assert.equal(only(client).state, 'revoking', 'its use was never seen, so a denial is no proof');
  await stage.clock.advance(10 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).proof, 'absent');
});

async function tooYoung(t: TestContext): Promise<{ stage: Stage; client: Client; closed: string[]; stopped: () => boolean }> {
  const stage = await startStage(t);
  const client = await usable(stage);
  const closed: string[] = [];
  client.onClose((why) => void closed.push(why));
  const why = 'Azure allows release after 5 minutes';
  stage.pim.releases = [{ state: 'not yet', again: stage.clock.now() + 4 * MINUTE, why }, { state: 'accepted' }];
  let done = false;
  void stage.daemon.stopped.then(() => {
    done = true;
  });
  return { stage, client, closed, stopped: () => done };
}

test('told to stop while Azure says "not yet", it stays, takes nothing new, and ends with what it holds', async (t) => {
  const { stage, client, closed, stopped } = await tooYoung(t);
  void stage.daemon.stop();
  await stage.clock.advance(SECOND);
  assert.equal(client.state.daemon.stopping, true);
  assert.equal((await client.call('request', ask())).ok, false, 'no new power');
  await stage.clock.advance(5 * SECOND);
  assert.equal(closed.length, 1);
  assert.ok(closed[0]?.endsWith(LINGERS));
  assert.equal(only(client).state, 'revoking');
  assert.equal(stopped(), false);
  assert.match(JSON.stringify(stage.log.lines), /stays until the cloud takes back/);
  await stage.clock.advance(3 * MINUTE + 50 * SECOND);
  assert.equal(stopped(), false);
  assert.equal(stage.cloud.power, true);
  await stage.clock.advance(10 * SECOND);
  assert.equal(stage.cloud.power, false);
  assert.equal(stopped(), true);
});

test('told twice, it leaves at once, and the next daemon ends it', async (t) => {
  const { stage, stopped } = await tooYoung(t);
  void stage.daemon.stop();
  await stage.clock.advance(SECOND);
  stage.daemon.leave();
  await settle();
  assert.equal(stopped(), true);
  assert.equal(stage.cloud.power, true);
  await stage.restart();
  const client = await stage.client();
  assert.equal(only(client).state, 'revoking');
  await stage.clock.advance(4 * MINUTE + SECOND);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).endReason, 'daemon stopped');
  assert.equal(stage.cloud.power, false);
});

test('whoever comes while it waits with its end gets a daemon of their own, which takes over', async (t) => {
  const { stage, stopped } = await tooYoung(t);
  void stage.daemon.stop();
  await stage.clock.advance(10 * SECOND);
  assert.equal(stopped(), false);
  const seen = await stage.client();
  assert.equal(seen.state.daemon.stopping, true);
  await settle();
  await stage.clock.advance(SECOND);
  assert.equal(stopped(), true);
  await stage.restart();
  const next = await stage.client();
  assert.equal(only(next).state, 'revoking');
  await stage.clock.advance(4 * MINUTE);
  assert.equal(only(next).state, 'gone');
});

test('it does not wait for longer than the power can last by itself', async (t) => {
  const { stage, stopped } = await tooYoung(t);
  stage.pim.releases = [new Fault('cloud-unreachable', 'Azure does not answer')];
  void stage.daemon.stop();
  await stage.clock.advance(29 * MINUTE);
  assert.equal(stopped(), false);
  await stage.clock.advance(2 * MINUTE);
  assert.equal(stopped(), true);
});

test('a daemon whose state folder has vanished says so, takes nothing new, ends what it holds, and goes', async (t) => {
  let stands = true;
  const said: string[] = [];
  const stage = await startStage(t, { parts: { stateStands: () => stands, say: (line) => void said.push(line) } });
  const client = await usable(stage);
  stands = false;
  await stage.clock.advance(6 * SECOND);
  assert.match(client.state.unhealthy ?? '', /vanished/);
  assert.match(said[0] ?? '', /vanished/);
  const refused = await client.call('request', ask());
  assert.equal(!refused.ok && refused.refusal.code, 'unhealthy');
  let done = false;
  void stage.daemon.stopped.then(() => {
    done = true;
  });
  client.close();
  await stage.clock.advance(20 * SECOND);
  assert.equal(stage.cloud.power, false, 'ended, without a disk to write it to');
  await stage.clock.advance(30 * SECOND);
  assert.equal(done, true);
});

test('an endless text of the cloud is cut, keeps no client out, and the next daemon still knows what it holds', async (t) => {
  const stage = await startStage(t);
  const endless = 'No. '.repeat(3_000);
  stage.cloud.pools = [{ ...(stage.cloud.pools[0] as Part), name: endless, detail: endless }];
  stage.cloud.accounts = [{ provider: 'azure', id: 's1', name: endless, balancers: 1, problem: endless }];
  const client = await usable(stage);
  await client.call('inventory.refresh', {});
  await stage.clock.advance(SECOND);
  const { accounts } = await client.call('inventory.accounts', {});
  assert.equal(accounts[0]?.name.length, 200);
  const parts = await client.call('inventory.parts', { resourceId: BALANCER });
  assert.ok(parts.ok && parts.value.parts[0]?.name.length === 200);

  stage.pim.releases = [{ state: 'stuck', problem: { code: 'locked', message: endless, wayOut: endless } }];
  assert.ok((await client.call('revoke', { grantId: only(client).id })).ok);
  await stage.clock.advance(2 * MINUTE);
  assert.equal(only(client).state, 'revoking');
  assert.match(only(client).problem?.message ?? '', /^No\. /);
  const late = await stage.client();
  assert.equal(only(late).state, 'revoking', 'who comes later is let in');
  const { events } = await late.call('audit.query', { filter: {}, offset: 0, limit: 200 });
  assert.ok(events.some(({ kind }) => kind === 'revocation.delayed'));
  for (const event of events) assert.equal(firstBroken([event], sha256), undefined, 'cut before it was hashed');

  await stage.restart();
  const next = await stage.client();
  assert.equal(only(next).state, 'revoking', 'nothing is forgotten for the length of a text');
  assert.ok(!stage.log.lines.some(({ event }) => event === 'lease not understood'));
  stage.cloud.down = true;
  stage.pim.rulesNow = { ...stage.pim.rulesNow, policyId: endless };
  const refused = await next.call('preview', { resourceId: BALANCER, roleId: ROLE.id, authority: 'pim', duration: MINUTE });
  assert.ok(!refused.ok || refused.value.decision.policyVersion.length <= 2_048);
});

test('an answer that its schema refuses fails that one request, and the next one works', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  stage.pim.rulesNow = { ...stage.pim.rulesNow, longest: Number.NaN };
  const wanted = { resourceId: BALANCER, roleId: ROLE.id, authority: 'pim' as const, duration: MINUTE };
  await assert.rejects(client.call('preview', wanted), /made a mistake with this call/);
  const logged = stage.log.lines.find(({ event }) => event === 'answer does not fit');
  assert.equal(logged?.level, 'error');
  assert.match(logged?.fields.problem ?? '', /longest/);
  stage.pim.rulesNow = { ...stage.pim.rulesNow, longest: 60 * MINUTE };
  assert.ok((await client.call('preview', wanted)).ok);
});

test('a change that its schema refuses goes to nobody, and is logged', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  const seen: unknown[] = [];
  client.onChange((numbered) => void seen.push(numbered));
  stage.daemon.live.apply({ type: 'grant', grant: { ...only(client), notAfter: Number.NaN } });
  await settle();
  assert.deepEqual(seen, []);
  assert.equal(only(client).state, 'usable');
  assert.equal(only(await stage.client()).state, 'usable', 'a new client is let in');
  assert.match(stage.log.lines.find(({ event }) => event === 'change does not fit')?.fields.problem ?? '', /notAfter/);
});

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

test('a cloud that does not answer makes the state unknown, and known again later', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.cloud.down = true;
  await stage.clock.advance(70 * SECOND);
  assert.equal(only(client).state, 'unknown');
  stage.cloud.down = false;
  await stage.clock.advance(70 * SECOND);
  assert.equal(only(client).state, 'usable');
});

test('a release is repeated for as long as the cloud is down, at least once a minute', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.pim.releases = [new Fault('cloud-unreachable', 'Azure does not answer')];
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(60 * MINUTE);
  const tries = stage.pim.log.filter((act) => act === 'deactivate').length;
  assert.ok(tries >= 58, `tried ${tries} times in an hour`);
  assert.equal(only(client).state, 'revoking');
  assert.ok((await kinds(client)).includes('revocation.delayed'));
  stage.pim.releases = [{ state: 'accepted' }];
  stage.cloud.power = false;
  await stage.clock.advance(MINUTE + SECOND);
  assert.equal(only(client).state, 'gone');
});

test('what somebody else ended is noticed', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.cloud.power = false;
  stage.pim.releases = [{ state: 'nothing there' }];
  await stage.clock.advance(90 * SECOND);
  assert.equal(only(client).state, 'gone');
});

test('another right of the person does not keep an ended grant on the screen for ever', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.pim.releases = [{ state: 'accepted' }, { state: 'nothing there' }];
  stage.pim.onRelease = () => {};
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(9 * MINUTE);
  assert.equal(only(client).state, 'revoking');
  await stage.clock.advance(3 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).proof, 'absent');
});

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

/** Kills the daemon, and lets the disk lose its journal. */
async function loseJournal(stage: Stage): Promise<void> {
  const file = path.join(stage.dir, 'journal.db');
  await stage.restart();
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  writeFileSync(file, 'this is no database, and long enough to be looked at as one'.repeat(100));
  await stage.restart();
}

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

test('signing out waits for what is held: only that identity can give it back', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  const again = stage.clock.now() + 4 * MINUTE;
  stage.pim.releases = [{ state: 'not yet', again, why: 'Azure allows release at 14:20' }, { state: 'accepted' }];
  let said: Awaited<ReturnType<typeof signOut>> | undefined;
  const signOut = () => client.call('sign-out', { to: 'azure' });
  void signOut().then((answer) => {
    said = answer;
  });
  await stage.clock.advance(6 * SECOND);
  assert.ok(said && !said.ok);
  assert.equal(said.refusal.code, 'still-held');
  assert.match(said.refusal.message, /Azure allows release at 14:20/);
  assert.equal(only(client).state, 'revoking', 'its end has begun all the same');
  assert.equal(client.state.signIns.find(({ to }) => to === 'azure')?.state, 'signed in');
  await stage.clock.advance(5 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.ok((await signOut()).ok);
  assert.equal(client.state.signIns.find(({ to }) => to === 'azure')?.state, 'signed out');
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

test('a wall clock set back while no daemon ran lengthens nothing', async (t) => {
  const stage = await startStage(t);
  await usable(stage);
  await stage.clock.advance(10 * MINUTE);
  stage.clock.setWall(-60 * MINUTE);
  await stage.restart();
  const client = await stage.client();
  await stage.clock.advance(21 * MINUTE);
  assert.equal(only(client).state, 'gone');
});

test('what fell due while no daemon ran is ended at the start', async (t) => {
  const stage = await startStage(t);
  await usable(stage);
  stage.clock.suspend(45 * MINUTE);
  await stage.restart();
  const client = await stage.client();
  await stage.clock.advance(SECOND);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).endReason, 'expired');
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

test('stopping ends what is held within five seconds', async (t) => {
  const stage = await startStage(t);
  await usable(stage);
  void stage.daemon.stop();
  await stage.clock.advance(5 * SECOND);
  assert.equal(stage.cloud.power, false);
  await stage.daemon.stopped;
});

test('the last window to go ends what is held, after time for a reload', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  client.close();
  await stage.clock.advance(5 * SECOND);
  const reloaded = await stage.client();
  await stage.clock.advance(30 * SECOND);
  assert.equal(only(reloaded).state, 'usable', 'a reload keeps everything');
  reloaded.close();
  await stage.clock.advance(20 * SECOND);
  assert.equal(stage.cloud.power, false);
  await stage.clock.advance(5 * SECOND);
  await stage.daemon.stopped;
});

test('a window that wants grants kept keeps them', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  client.close();
  const keeper = await stage.client('editor', { whenLastWindowCloses: 'keep' });
  keeper.close();
  await stage.clock.advance(10 * MINUTE);
  assert.equal(stage.cloud.power, true);
  await stage.clock.advance(20 * MINUTE);
  assert.equal(stage.cloud.power, false, 'until it expires');
});

test('two clients see the same truth, in the same order', async (t) => {
  const stage = await startStage(t);
  const [one, two] = [await stage.client(), await stage.client('terminal')];
  honest(stage);
  await one.call('request', ask());
  await stage.clock.advance(SECOND);
  await two.call('revoke', { grantId: only(two).id });
  await stage.clock.advance(SECOND);
  assert.deepEqual(one.state, two.state);
  assert.deepEqual(one.state, JSON.parse(JSON.stringify(stage.daemon.live.now)));
  assert.equal(only(one).state, 'gone');
});

test('an ended grant leaves the screen after an hour', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(50 * MINUTE);
  assert.equal(only(client).state, 'gone');
  await stage.clock.advance(15 * MINUTE);
  await settle();
  assert.deepEqual(client.state.grants, {});
  assert.deepEqual(client.state.requests, {});
});
