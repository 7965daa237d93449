import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { openJournal as open } from '../../../daemon/journal/open.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { shownState } from '../../../protocol/state.ts';
import { unanswered } from '../../support/answers.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { scratch } from '../../support/scratch.ts';
import { FakeCentral } from '../support/central.ts';
import { ALICE, BEN, grantId } from '../support/cloud.ts';
import { startStage } from '../support/stage.ts';
import { grantOf, ownEvents, underCentral, usable } from '../support/under-central.ts';

test('asks, takes the lease, observes the right, and reports it', async (t) => {
  const set = await underCentral(t);
  const client = await usable(set);
  assert.equal(client.state.central.state, 'connected');
  assert.deepEqual(client.state.signIns.find(({ to }) => to === 'central')?.person, ALICE);
  assert.equal(set.central.count('heartbeat') > 0, true);
  await client.call('revoke', { grantId: grantId(1) });
  await set.clock.advance(3 * SECOND);
  assert.equal(grantOf(client).state, 'revoking', 'still allowed');
  set.cloud.power = false;
  await set.clock.advance(15 * SECOND);
  assert.equal(grantOf(client).state, 'gone');
  assert.equal(grantOf(client).proof, 'denied');
});

test('heartbeats come at a fifth of the hold, and stop with the grant', async (t) => {
  const set = await underCentral(t);
  const client = await usable(set);
  const before = set.central.count('heartbeat');
  await set.clock.advance(10 * MINUTE);
  assert.equal(set.central.count('heartbeat') - before, 10);
  set.cloud.power = false;
  await client.call('revoke', { grantId: grantId(1) });
  await set.clock.advance(SECOND);
  const after = set.central.count('heartbeat');
  await set.clock.advance(10 * MINUTE);
  assert.equal(set.central.count('heartbeat'), after);
});

test('at its instant the daemon asks central to end it, without waiting for the feed', async (t) => {
  const set = await underCentral(t);
  await usable(set);
  await set.clock.advance(30 * MINUTE);
  const revocation = set.central.calls.find(({ endpoint }) => endpoint === 'revoke');
  assert.deepEqual(revocation?.body, { because: 'expired' });
});

test('what central ended and brought back, from a copy of yesterday, still ends here at its instant', async (t) => {
  const set = await underCentral(t);
  await usable(set);
  set.central.move(grantId(1), 'revoking');
  set.cloud.power = true;
  set.central.move(grantId(1), 'usable');
  await set.clock.advance(31 * MINUTE);
  assert.ok(set.central.count('revoke') > 0);
  assert.notEqual(set.central.grants.get(grantId(1))?.state, 'usable');
});

test('only the holder of a grant observes it: what somebody else may do is not reported', async (t) => {
  const set = await underCentral(t);
  const client = await usable(set);
  set.central.move(grantId(1), 'revoking', { principalId: ALICE.id });
  set.cloud.person = BEN;
  set.cloud.power = false;
  await set.clock.advance(5 * MINUTE);
  assert.equal(grantOf(client).state, 'revoking');
  set.cloud.person = ALICE;
  await set.clock.advance(MINUTE);
  assert.equal(grantOf(client).state, 'gone');
});

test('a journal that opens late: unknown until then, and then held, also what was granted meanwhile', async (t) => {
  const clock = new ManualClock();
  const central = new FakeCentral(clock);
  const dir = scratch(t);
  let broken = false;
  const openJournal = () => {
    if (broken) throw new Error('EIO');
    return open(path.join(dir, 'journal.db'), clock.now());
  };
  const set = Object.assign(await startStage(t, { authorities: ['central'], http: central, clock, dir, parts: { openJournal } }), {
    central,
  });
  await usable(set);
  broken = true;
  await set.restart();
  const client = await set.client();
  await clock.advance(SECOND);
  assert.ok(client.state.heldUnknown);
  broken = false;
  await clock.advance(30 * SECOND);
  assert.equal(client.state.heldUnknown, undefined);
  assert.equal(grantOf(client).state, 'usable');
  assert.equal(set.daemon.live.now.central.state, 'connected');
  const before = central.count('revoke');
  await clock.advance(30 * MINUTE);
  assert.ok(central.count('revoke') > before, 'it ends at its instant');
});

test('after kill -9 a lease is held again, unknown until central says', async (t) => {
  const set = await underCentral(t);
  await usable(set);
  set.central.down = true;
  await set.restart();
  const client = await set.client();
  assert.equal(shownState(grantOf(client), client.state), 'unknown');
  const before = set.central.count('heartbeat');
  set.central.down = false;
  await set.clock.advance(12 * SECOND);
  assert.equal(grantOf(client).state, 'usable');
  assert.ok(set.central.count('heartbeat') > before);
  await set.clock.advance(30 * MINUTE);
  assert.equal(set.central.grants.get(grantId(1))?.state === 'usable', false, 'still ended at its instant');
  assert.deepEqual(unanswered(await ownEvents(client)), []);
});

test('a grant that was asked for on another machine is shown and not held here', async (t) => {
  const set = await underCentral(t);
  const client = await set.client();
  set.central.grantFor({ id: randomUUID(), duration: 10 * MINUTE, reason: 'elsewhere' });
  await set.clock.advance(2 * MINUTE);
  assert.equal(grantOf(client).state, 'assigned');
  assert.equal(set.central.count('heartbeat'), 0);
  void set.daemon.stop();
  await set.clock.advance(6 * SECOND);
  assert.equal(set.central.count('revoke'), 0, 'stopping this daemon does not end it');
});

test('a grant that central does not know any more is not held', async (t) => {
  const set = await underCentral(t);
  const client = await usable(set);
  set.central.grants.clear();
  set.central.requests.clear();
  set.central.drop();
  await set.clock.advance(10 * SECOND);
  assert.deepEqual(client.state.grants, {});
  const beats = set.central.count('heartbeat');
  await set.clock.advance(5 * MINUTE);
  assert.equal(set.central.count('heartbeat'), beats);
  const own = await ownEvents(client);
  assert.ok(own.some(({ kind }) => kind === 'lease.lost'));
  assert.deepEqual(unanswered(own), []);
});
