import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { grantId } from '../support/cloud.ts';
import { grantOf, underCentral, usable } from '../support/under-central.ts';

test('a revocation while central is down is accepted, shown, and asked for until it is answered', async (t) => {
  const set = await underCentral(t);
  const client = await usable(set);
  set.central.down = true;
  set.central.drop();
  assert.ok((await client.call('revoke', { grantId: grantId(1) })).ok);
  await set.clock.advance(5 * MINUTE);
  assert.equal(grantOf(client).state, 'revoking');
  assert.ok(set.central.count('revoke') >= 5);
  set.central.down = false;
  set.cloud.power = false;
  await set.clock.advance(30 * SECOND);
  assert.equal(grantOf(client).state, 'gone');
});

test('an end that central accepted and lost is asked for again, and is never shown as power', async (t) => {
  const set = await underCentral(t);
  const client = await usable(set);
  const real = set.central.call.bind(set.central);
  let loses = true;
  let asked = 0;
  set.central.call = async (endpoint, given) => {
    if (endpoint !== 'revoke') return real(endpoint, given);
    asked += 1;
    return loses ? { ok: true, value: {} as never } : real(endpoint, given);
  };
  assert.ok((await client.call('revoke', { grantId: grantId(1) })).ok);
  await set.clock.advance(5 * MINUTE);
  assert.ok(asked >= 5, `asked ${asked} times`);
  assert.equal(grantOf(client).state, 'revoking');
  // What central says of it meanwhile is no news.
  const beats = set.central.count('heartbeat');
  set.central.move(grantId(1), 'usable');
  set.central.drop();
  await set.clock.advance(20 * SECOND);
  assert.equal(grantOf(client).state, 'revoking');
  assert.equal(set.central.count('heartbeat'), beats, 'nothing renews what is to end');
  loses = false;
  set.cloud.power = false;
  await set.clock.advance(2 * MINUTE);
  assert.equal(grantOf(client).state, 'gone');
  const answered = asked;
  await set.clock.advance(10 * MINUTE);
  assert.equal(asked, answered, 'not asked again once central shows it');
});

test('a revocation that central never heard survives kill -9', async (t) => {
  const set = await underCentral(t);
  const client = await usable(set);
  set.central.down = true;
  await client.call('revoke', { grantId: grantId(1) });
  await set.restart();
  set.central.down = false;
  set.cloud.power = false;
  await set.clock.advance(30 * SECOND);
  const again = await set.client();
  assert.equal(grantOf(again).state, 'gone');
  assert.equal(grantOf(again).endReason, 'revoked');
});

test('stopping asks central to end every lease, and says why', async (t) => {
  const set = await underCentral(t);
  await usable(set);
  void set.daemon.stop();
  await set.clock.advance(5 * SECOND);
  await set.daemon.stopped;
  assert.deepEqual(
    set.central.calls.filter(({ endpoint }) => endpoint === 'revoke').map(({ body }) => body),
    [{ because: 'daemon stopped' }],
  );
});

test('stopping does not wait for a central that is down longer than five seconds', async (t) => {
  const set = await underCentral(t);
  await usable(set);
  set.central.down = true;
  void set.daemon.stop();
  await set.clock.advance(6 * SECOND);
  await set.daemon.stopped;
});
