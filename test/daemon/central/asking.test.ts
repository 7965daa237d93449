import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { FakeCentral } from '../support/central.ts';
import { BEN, grantId } from '../support/cloud.ts';
import { startStage } from '../support/stage.ts';
import { ask, grantOf, underCentral, usable } from '../support/under-central.ts';

test('a request whose answer was lost, and that the feed shows, was accepted', async (t) => {
  const set = await underCentral(t, (central) => {
    central.needs = BEN;
  });
  set.central.losesAnswers = true;
  const client = await set.client();
  const pending = client.call('request', ask());
  await set.clock.advance(20 * SECOND);
  assert.equal((await pending).ok, true);
  const ids = set.central.calls.filter(({ endpoint }) => endpoint === 'request').map(({ body }) => (body as { id: string }).id);
  assert.equal(new Set(ids).size, 1, 'one id for all tries');
});

test('a request that nobody waits for any more is taken back when it turns up', async (t) => {
  const set = await underCentral(t);
  const client = await set.client();
  set.central.deaf = 'request';
  const params = ask();
  const pending = client.call('request', params);
  await set.clock.advance(20 * SECOND);
  const answer = await pending;
  assert.ok(!answer.ok);
  assert.equal(answer.refusal.code, 'unreachable');
  set.central.grantFor({ id: params.idempotencyKey, duration: 30 * MINUTE, reason: 'late' });
  set.central.deaf = undefined;
  await set.clock.advance(15 * SECOND);
  assert.equal(grantOf(client).endReason, 'revoked');
});

test('a pending approval can be cancelled', async (t) => {
  const set = await underCentral(t, (central) => {
    central.needs = BEN;
  });
  const client = await set.client();
  const answer = await client.call('request', ask());
  assert.ok(answer.ok);
  await set.clock.advance(100);
  assert.equal(client.state.requests[answer.value.requestId]?.state, 'pending approval');
  assert.ok((await client.call('request.cancel', { requestId: answer.value.requestId })).ok);
  await set.clock.advance(100);
  assert.equal(client.state.requests[answer.value.requestId]?.state, 'cancelled');
});

test('extending is a request that follows on from the grant', async (t) => {
  const set = await underCentral(t);
  const client = await usable(set);
  const { authority: _, resourceId: __, roleId: ___, ...more } = ask(15);
  assert.ok((await client.call('extend', { grantId: grantId(1), ...more })).ok);
  const sent = set.central.calls.filter(({ endpoint }) => endpoint === 'request').at(-1);
  assert.equal((sent?.body as { follows?: string } | undefined)?.follows, grantId(1));
});

test('no durable journal: no new power, and ending goes on', async (t) => {
  const clock = new ManualClock();
  const central = new FakeCentral(clock);
  const stage = await startStage(t, {
    authorities: ['central'],
    http: central,
    clock,
    parts: {
      openJournal: () => {
        throw new Error('disk full');
      },
    },
  });
  const client = await stage.client();
  assert.match(client.state.unhealthy ?? '', /disk full/);
  const refused = await client.call('request', ask());
  assert.ok(!refused.ok);
  assert.equal(refused.refusal.code, 'unhealthy');
  central.grantFor({ id: randomUUID(), duration: 10 * MINUTE, reason: 'before' });
  await clock.advance(100);
  assert.ok((await client.call('revoke', { grantId: grantId(1) })).ok);
  assert.equal(central.grants.get(grantId(1))?.state, 'revoking');
});
