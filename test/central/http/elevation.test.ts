import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE } from '../../../protocol/clock.ts';
import { balancerId, PEOPLE } from '../samples.ts';
import { accepted, refusalOf, Stage } from '../stage.ts';

const RIGHT = [PEOPLE.alice.azureObjectId, 'backends', balancerId('prod-edge')] as const;

test('granted at once: power in the cloud, proven usable, taken back, proven gone', async (t) => {
  const stage = await Stage.open(t);
  const request = accepted(await stage.ask('alice'));
  assert.equal(request.state, 'approved');
  assert.deepEqual(request.decision?.rules, ['quick-work-in-production']);
  assert.ok(stage.cloud.allows(...RIGHT));
  const id = request.grantId ?? '';
  assert.equal((await stage.grant('alice', id)).state, 'assigned', 'usable is observed, never assumed');

  await stage.observe('alice', id, 'allowed');
  assert.equal((await stage.grant('alice', id)).state, 'usable');

  await stage.clock.advance(MINUTE);
  accepted(await stage.call('alice', 'revoke', { id, body: { because: 'revoked' } }));
  await stage.clock.advance(5);
  assert.ok(!stage.cloud.allows(...RIGHT));
  assert.equal((await stage.grant('alice', id)).state, 'revoking', 'accepted is not proven');

  await stage.observe('alice', id, 'denied');
  const gone = await stage.grant('alice', id);
  assert.deepEqual([gone.state, gone.proof, gone.endReason, gone.endedBy?.name], ['gone', 'denied', 'revoked', 'Alice Novak']);
});

test('a grant ends by itself at its instant, without any daemon', async (t) => {
  const stage = await Stage.open(t, { heartbeatGrace: 60 * MINUTE });
  const id = await stage.elevated('alice');
  const { notAfter } = await stage.grant('alice', id);
  await stage.clock.advance(notAfter - stage.clock.now() + 300);
  assert.ok(!stage.cloud.allows(...RIGHT));
  await stage.clock.advance(stage.cloud.propagation + MINUTE);
  const gone = await stage.grant('alice', id);
  assert.deepEqual([gone.state, gone.proof, gone.endReason], ['gone', 'absent', 'expired']);
});

test('a refusal says what would have to change, and changes nothing in the cloud', async (t) => {
  const stage = await Stage.open(t);
  const said = await stage.ask('alice', { duration: 2 * 60 * MINUTE });
  assert.equal(said.status, 403);
  const refusal = refusalOf(said);
  assert.equal(refusal.code, 'refused-by-policy');
  assert.match(refusal.message, /At most 1 hour/);
  assert.match(refusal.wayOut ?? '', /For 1 hour or less it would need approval by 1 of edge-leads/);
  assert.equal(refusalOf(await stage.ask('dan')).code, 'not-eligible');
  assert.equal(stage.cloud.calls.length, 0);
});
