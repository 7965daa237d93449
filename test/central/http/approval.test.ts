import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { HOUR, MINUTE } from '../../../protocol/clock.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { balancerId, EXAMPLE_POLICY, PEOPLE } from '../samples.ts';
import { accepted, refusalOf, Stage } from '../stage.ts';

const FULL = { roleId: 'full', resourceId: balancerId('staging-edge'), duration: 30 * MINUTE };
const RIGHT = [PEOPLE.alice.azureObjectId, 'full', balancerId('staging-edge')] as const;

test('another person approves: only then is there power', async (t) => {
  const stage = await Stage.open(t);
  const asked = accepted(await stage.ask('alice', FULL));
  assert.equal(asked.state, 'pending approval');
  assert.deepEqual([asked.approvers?.needed, asked.approvers?.group], [1, 'edge-leads']);
  assert.deepEqual(
    asked.approvers?.people.map(({ name }) => name),
    ['Ben Okafor', 'Lee Sun', 'Lee Sun (admin)'],
  );
  assert.equal(stage.cloud.calls.length, 0);
  const seen = await stage.request('ben', asked.id);
  assert.deepEqual([seen.mine, seen.mayDecide, seen.reason], [false, true, 'Drain web-1']);

  accepted(await stage.call('ben', 'approve', { id: asked.id, body: { reason: 'Go ahead' } }));
  accepted(await stage.call('ben', 'approve', { id: asked.id, body: { reason: 'Go ahead' } }));
  await stage.clock.advance(5);
  assert.ok(stage.cloud.allows(...RIGHT));
  assert.equal(stage.cloud.count('bind'), 1, 'approved twice is granted once');
  const done = await stage.request('alice', asked.id);
  assert.deepEqual([done.state, done.approvals.map(({ person }) => person.name)], ['approved', ['Ben Okafor']]);
});

test('nobody approves their own request, under whatever account', async (t) => {
  const stage = await Stage.open(t);
  const asked = accepted(await stage.ask('lee', FULL));
  for (const who of ['lee', 'leeAdmin'] as const) {
    const said = await stage.call(who, 'approve', { id: asked.id, body: { reason: 'Mine' } });
    assert.deepEqual([said.status, refusalOf(said).code], [403, 'self-approval']);
    assert.equal((await stage.request(who, asked.id)).mayDecide, false);
  }
  accepted(await stage.call('ben', 'approve', { id: asked.id, body: { reason: 'Fine' } }));
});

test('who is not asked does not decide, and does not even see it', async (t) => {
  const stage = await Stage.open(t);
  const asked = accepted(await stage.ask('alice', FULL));
  for (const who of ['dan', 'carla'] as const) {
    assert.equal(refusalOf(await stage.call(who, 'approve', { id: asked.id, body: { reason: '' } })).code, 'not-yours');
    assert.equal(refusalOf(await stage.call(who, 'deny', { id: asked.id, body: { reason: 'No' } })).code, 'not-yours');
  }
  await assert.rejects(stage.request('dan', asked.id), /sees no request/);
  assert.equal((await stage.request('carla', asked.id)).mayDecide, false, 'an auditor sees and does not decide');
  assert.equal(refusalOf(await stage.call('dan', 'cancel', { id: asked.id })).code, 'not-yours');
});

test('denied, cancelled and lapsed requests give nothing, and it is too late for them', async (t) => {
  const stage = await Stage.open(t);
  const ask = async () => accepted(await stage.ask('alice', FULL)).id;
  const denied = await ask();
  assert.equal(refusalOf(await stage.call('ben', 'deny', { id: denied, body: { reason: '' } })).field, 'reason');
  accepted(await stage.call('ben', 'deny', { id: denied, body: { reason: 'Not during the sale' } }));
  const cancelled = await ask();
  accepted(await stage.call('alice', 'cancel', { id: cancelled }));
  const stateOf = async (id: string) => (await stage.request('alice', id)).state;
  assert.deepEqual([await stateOf(denied), await stateOf(cancelled)], ['denied', 'cancelled']);
  assert.equal((await stage.request('alice', denied)).approvals[0]?.reason, 'Not during the sale');
  await stage.clock.advance(MINUTE);
  const lapsed = await ask();
  await stage.clock.advance(HOUR - MINUTE);
  assert.equal(await stateOf(lapsed), 'pending approval');
  await stage.clock.advance(MINUTE + 300);
  assert.equal(await stateOf(lapsed), 'expired');
  for (const id of [cancelled, lapsed])
    assert.equal(refusalOf(await stage.call('ben', 'approve', { id, body: { reason: '' } })).code, 'too-late');
  assert.equal(stage.cloud.calls.length, 0);
});

test('the policy decides again at the moment of granting', async (t) => {
  const { stage, policyDir } = await withOwnPolicy(t);
  const asked = accepted(await stage.ask('alice', FULL));
  const file = path.join(policyDir, 'policies/elevate.cedar');
  const stricter =
    '@id("no-full") @reason("No full control this week") forbid (principal, action == Portcullis::Action::"elevate", resource) when { context.role == Portcullis::Role::"full" };';
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n${stricter}\n`);
  writeFileSync(
    path.join(policyDir, 'cases.json'),
    JSON.stringify({
      people: { a: { groups: ['edge-sre'] } },
      resources: { r: { tags: { env: 'dev' } } },
      cases: [{ name: 'no full', person: 'a', may: 'elevate', role: 'full', on: 'r', for: '5m', expect: 'refused' }],
    }),
  );
  await stage.central?.reloadPolicy();
  const said = await stage.call('ben', 'approve', { id: asked.id, body: { reason: 'Yes' } });
  assert.equal(refusalOf(said).code, 'refused-by-policy');
  assert.match(refusalOf(said).message, /No full control this week/);
  assert.equal((await stage.request('alice', asked.id)).state, 'denied');
  assert.equal(stage.cloud.calls.length, 0);
});

test('a lock or a vanished balancer at the moment of granting fails the request', async (t) => {
  const stage = await Stage.open(t);
  const asked = accepted(await stage.ask('alice', FULL));
  stage.cloud.locked.set(FULL.resourceId, ['do-not-delete']);
  assert.equal(refusalOf(await stage.call('ben', 'approve', { id: asked.id, body: { reason: 'Yes' } })).code, 'locked');
  const failed = await stage.request('alice', asked.id);
  assert.deepEqual([failed.state, failed.problem?.code], ['failed', 'locked']);
  assert.equal(stage.cloud.calls.length, 0);
});

test('a changed policy folder takes force by itself; a bad one is refused and the old one stays', async (t) => {
  const { stage, policyDir } = await withOwnPolicy(t);
  const file = path.join(policyDir, 'policies/people.cedar');
  writeFileSync(file, `${readFileSync(file, 'utf8')}\npermit (principal, action, resource);\n`);
  await until('the bad set is noticed', async () => {
    await stage.clock.advance(300);
    return stage.log.some((line) => line.includes('policy refused')) || undefined;
  });
  assert.equal(refusalOf(await stage.ask('dan')).code, 'not-eligible');
});

async function withOwnPolicy(t: TestContext): Promise<{ stage: Stage; policyDir: string }> {
  const policyDir = path.join(scratch(t), 'policy');
  cpSync(EXAMPLE_POLICY, policyDir, { recursive: true });
  return { stage: await Stage.open(t, { policyDir }), policyDir };
}
