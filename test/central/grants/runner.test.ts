import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { HOUR, MINUTE, SECOND } from '../../../protocol/clock.ts';
import type { EndReason } from '../../../protocol/model.ts';
import { LONGEST_REQUEST_LIFE, World } from './world.ts';

async function open(t: TestContext): Promise<World> {
  const world = await World.open();
  t.after(() => world.close());
  return world;
}

const end = (reason: EndReason = 'revoked') => ({ type: 'end', reason }) as const;

test('the intent is durable before the cloud is called', async (t) => {
  const world = await open(t);
  let known = false;
  const bind = world.cloud.bind.bind(world.cloud);
  world.cloud.bind = async (order) => {
    known =
      (await world.store.grant(order.grantId))?.state === 'activating' &&
      (await world.store.events(0, 10)).some(({ kind }) => kind === 'grant.intended');
    return bind(order);
  };
  await world.grant();
  await world.clock.advance(10);
  assert.ok(known);
});

for (const trouble of ['lost before', 'lost after', { lateBy: 9 * MINUTE }, 'hangs'] as const) {
  test(`an outcome that is not known is taken back until it is known: bind ${JSON.stringify(trouble)}`, async (t) => {
    const world = await open(t);
    world.cloud.fail('bind', trouble);
    const id = await world.grant();
    await world.clock.advance(2 * MINUTE);
    const soon = await world.life(id);
    assert.deepEqual([soon.state, soon.endReason], ['revoking', 'activation failed']);
    assert.equal((await world.store.request(soon.requestId))?.state, 'failed');
    await world.clock.advance(LONGEST_REQUEST_LIFE - 3 * MINUTE);
    assert.equal((await world.life(id)).state, 'revoking', 'a late grant may still land');
    await world.clock.advance(5 * MINUTE);
    assert.equal((await world.life(id)).state, 'gone');
    assert.equal(world.cloud.standingRights, 0);
  });
}

test('what landed late stands for no longer than a minute', async (t) => {
  const world = await open(t);
  world.cloud.fail('bind', { lateBy: 5 * MINUTE });
  const id = await world.grant();
  await world.clock.advance(5 * MINUTE + SECOND);
  await world.clock.advance(MINUTE);
  assert.ok(!world.allows(await world.life(id)));
});

test('a definite refusal of the cloud is a failure, and nothing is revoked', async (t) => {
  const world = await open(t);
  world.cloud.fail('bind', { refuses: 'No such role' });
  const id = await world.grant();
  await world.clock.advance(10);
  const life = await world.life(id);
  assert.deepEqual([life.state, life.problem?.message], ['failed', 'No such role']);
  assert.equal((await world.store.request(life.requestId))?.problem?.message, 'No such role');
  assert.equal(world.cloud.count('unbind'), 0);
});

test('a revocation is retried for ever, at most a minute apart, and said to be late', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  world.cloud.fail('unbind', 'lost before', 10_000);
  await world.runner.send(id, end());
  await world.clock.advance(120 * MINUTE);
  const tries = world.cloud.calls.filter(({ call }) => call === 'unbind').map(({ at }) => at);
  assert.ok(tries.length >= 120);
  assert.ok(tries.every((at, index) => at - (tries[index - 1] ?? at) <= MINUTE));
  assert.equal((await world.kinds(id)).filter((kind) => kind === 'revocation.delayed').length, 1);
  world.cloud.heal();
  await world.clock.advance(3 * MINUTE);
  assert.equal((await world.life(id)).state, 'gone');
});

test('a stuck revocation is an alarm and goes on', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  world.cloud.fail('unbind', 'stuck', 20);
  await world.runner.send(id, end());
  await world.clock.advance(2 * MINUTE);
  const life = await world.life(id);
  assert.deepEqual([life.state, life.problem?.code], ['revoking', 'ScopeLocked']);
  await world.clock.advance(30 * MINUTE);
  assert.equal((await world.life(id)).state, 'gone');
});

test('"not yet" is honoured and shown', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  world.cloud.fail('unbind', { notYet: 4 * MINUTE });
  await world.runner.send(id, end());
  await world.clock.advance(MINUTE);
  const waiting = await world.life(id);
  assert.equal(waiting.releasableAt, world.cloud.calls.at(-1)?.at !== undefined ? waiting.act?.at : 0);
  assert.match(waiting.awaiting ?? '', /allows the release from \d\d:\d\d:\d\d UTC/);
  assert.equal(world.cloud.count('unbind'), 1, 'not asked again before its time');
  await world.clock.advance(3 * MINUTE + SECOND);
  assert.equal(world.cloud.count('unbind'), 2);
  assert.ok(!world.allows(waiting));
});

test("an instant of the cloud's is not waited for by a clock that was set back", async (t) => {
  const world = await open(t);
  const id = await world.grant({ notAfter: world.clock.now() + 12 * HOUR });
  await world.clock.advance(10);
  world.cloud.fail('unbind', { notYet: 4 * MINUTE + HOUR });
  await world.runner.send(id, end());
  await world.clock.advance(5 * MINUTE + SECOND);
  assert.equal(world.cloud.count('unbind'), 2);
  assert.ok(!world.allows(await world.life(id)));
});

test('"nothing there" while the right stands is not believed', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  await world.observe(id);
  world.cloud.fail('unbind', 'nothing there', 3);
  await world.runner.send(id, end());
  await world.clock.advance(10 * SECOND);
  assert.ok(!world.allows(await world.life(id)));
  assert.notEqual((await world.life(id)).state, 'gone');
});

test('"nothing there" with a lagging list does not end a right that stands', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  world.cloud.fail('unbind', 'nothing there', 3);
  world.cloud.listSays = 'absent';
  await world.runner.send(id, end());
  await world.clock.advance(2 * MINUTE);
  assert.ok(!world.allows(await world.life(id)), 'it was removed as soon as the cloud let it be');
});

test('a denial before the removal proves nothing', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  await world.observe(id);
  world.cloud.fail('unbind', 'lost before', 1_000);
  await world.runner.send(id, end());
  await world.clock.advance(10);
  await world.runner.send(id, { type: 'observed', access: 'denied', at: world.clock.now() });
  assert.equal((await world.life(id)).state, 'revoking');
  world.cloud.heal();
  await world.clock.advance(10 * SECOND);
  const removed = await world.life(id);
  assert.deepEqual([removed.state, world.allows(removed)], ['revoking', false], 'the denial was not of this removal');
});

test('a denial of what never worked proves nothing: it may be on its way still', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  await world.runner.send(id, end());
  await world.clock.advance(10);
  await world.observe(id);
  await world.clock.advance(10 * SECOND);
  assert.equal((await world.life(id)).state, 'revoking', "denied, and not in the cloud's list");
  await world.clock.advance(MINUTE);
  const gone = await world.life(id);
  assert.deepEqual([gone.state, gone.proof], ['gone', 'absent']);
});

test('"nothing there", a list that lags and a denial together do not end a right that stands', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  world.cloud.fail('unbind', 'nothing there');
  world.cloud.listSays = 'absent';
  await world.runner.send(id, end());
  await world.clock.advance(10);
  await world.runner.send(id, { type: 'observed', access: 'denied', at: world.clock.now() });
  await world.clock.advance(10);
  assert.equal((await world.life(id)).state, 'revoking');
  assert.ok(world.allows(await world.life(id)), 'it stands until it is asked for once more');
});

test('a removal whose answer was lost has its time from when the cloud had nothing left to remove', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  world.cloud.fail('unbind', 'nothing there');
  world.cloud.fail('unbind', 'lost before', 4);
  world.cloud.fail('unbind', 'lost after');
  world.cloud.listSays = 'absent';
  await world.runner.send(id, end());
  await world.clock.advance(10 * MINUTE);
  const removals = world.cloud.calls.filter(({ call }) => call === 'unbind');
  const { state, goneAt = 0 } = await world.life(id);
  assert.equal(state, 'gone');
  // The sixth took it away, and the seventh was told that there was nothing.
  assert.ok(goneAt - (removals[6]?.at ?? 0) >= world.cloud.propagation);
});

test('a denial while the removal is being answered counts as soon as it is accepted', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  await world.observe(id);
  const unbind = world.cloud.unbind.bind(world.cloud);
  let answer = () => {};
  world.cloud.unbind = async (order) => {
    const result = await unbind(order);
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return result;
  };
  await world.runner.send(id, end());
  await world.clock.advance(10);
  await world.observe(id);
  assert.equal((await world.life(id)).state, 'revoking', 'the cloud has not accepted it yet');
  answer();
  await world.clock.advance(10);
  assert.deepEqual([(await world.life(id)).state, (await world.life(id)).proof], ['gone', 'denied']);
});

test('a denial counts when the answer to the removal was lost and nothing is left to remove', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  await world.observe(id);
  world.cloud.fail('unbind', 'lost after');
  await world.runner.send(id, end());
  await world.clock.advance(10);
  await world.observe(id);
  await world.clock.advance(2 * SECOND);
  assert.deepEqual([(await world.life(id)).state, (await world.life(id)).proof], ['gone', 'denied']);
});

test('a denial while a late grant may still land proves nothing', async (t) => {
  const world = await open(t);
  world.cloud.fail('bind', { lateBy: 5 * MINUTE });
  const id = await world.grant();
  await world.clock.advance(2 * SECOND);
  await world.observe(id);
  assert.equal((await world.life(id)).state, 'revoking');
});

test('how late the end was observed stands in the record', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  await world.observe(id);
  await world.runner.send(id, end());
  await world.clock.advance(7 * SECOND);
  await world.observe(id);
  const gone = (await world.store.events(0, 100)).find(({ kind }) => kind === 'grant.gone');
  assert.deepEqual([gone?.lateBy, gone?.lateAfter], [7 * SECOND, 'asked']);
});

test('without a heartbeat the lease is lost; with one it never lengthens the grant', async (t) => {
  const world = await open(t);
  const silent = await world.grant({ principalId: 'p1' });
  const heard = await world.grant({ principalId: 'p2' });
  for (let beat = 0; beat < 20; beat++) {
    await world.clock.advance(MINUTE);
    await world.runner.send(heard, { type: 'heartbeat', instance: 'd' });
  }
  const [lost, kept] = [await world.life(silent), await world.life(heard)];
  assert.deepEqual([lost.endReason, kept.endReason], ['lease lost', 'expired']);
  assert.ok((lost.endingAt ?? 0) - lost.createdAt <= 5 * MINUTE + SECOND);
  assert.equal(kept.endingAt, kept.notAfter);
  assert.deepEqual((await world.kinds(silent)).slice(0, 4), ['grant.intended', 'grant.assigned', 'lease.lost', 'grant.ending']);
});

test('a wall clock set back does not lengthen a grant', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  for (let minute = 0; minute < 15; minute++) {
    await world.clock.advance(MINUTE);
    await world.runner.send(id, { type: 'heartbeat', instance: 'd' });
    if (minute === 5) world.clock.setWall(-60 * MINUTE);
  }
  await world.clock.advance(SECOND);
  assert.equal((await world.life(id)).endReason, 'expired');
  assert.equal(world.cloud.count('unbind'), 1);
});

test('a machine that slept past the instant ends the grant when it wakes', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  world.clock.suspend(60 * MINUTE);
  await world.clock.advance(SECOND);
  assert.equal((await world.life(id)).state, 'revoking');
});

test('an extension takes the right over: the followed grant ends, the right does not', async (t) => {
  const world = await open(t);
  const first = await world.grant();
  await world.clock.advance((10 * MINUTE) / 5);
  await world.observe(first);
  const second = await world.grant({ follows: first });
  await world.clock.advance(SECOND);
  const [before, after] = [await world.life(first), await world.life(second)];
  assert.deepEqual([before.state, before.endReason, after.state], ['gone', 'superseded', 'assigned']);
  assert.ok(world.allows(after));
  assert.equal(world.cloud.count('unbind'), 0);
  await world.runner.send(second, end());
  await world.clock.advance(SECOND);
  assert.ok(!world.allows(after));
});

test('an extension with an unknown outcome does not take the right from the grant that goes on', async (t) => {
  const world = await open(t);
  const first = await world.grant();
  await world.clock.advance(10);
  world.cloud.fail('prolong', 'lost after');
  const second = await world.grant({ follows: first });
  await world.clock.advance(SECOND);
  const waiting = await world.life(second);
  assert.deepEqual([(await world.life(first)).state, waiting.state], ['assigned', 'revoking']);
  assert.match(waiting.awaiting ?? '', /Shares its right/);
  assert.ok(world.allows(waiting));
  await world.runner.send(first, end());
  await world.clock.advance(SECOND);
  assert.ok(!world.allows(waiting), 'with the last reference the right goes');
  await world.clock.advance(LONGEST_REQUEST_LIFE + 3 * MINUTE);
  assert.deepEqual([(await world.life(first)).state, (await world.life(second)).state], ['gone', 'gone']);
});

test('a failing store gives no new power, and does not keep old power', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  const write = world.store.write.bind(world.store);
  world.store.write = () => Promise.reject(new Error('disk full'));
  await assert.rejects(world.grant({ principalId: 'other' }), /disk full/);
  assert.equal(world.cloud.count('bind'), 1);
  await world.runner.send(id, end());
  await world.clock.advance(10);
  assert.ok(
    !world.allows({ principalId: 'oid-alice', role: { id: 'backends' }, resource: { id: (await world.life(id)).resource.id } } as never),
  );
  world.store.write = write;
  await world.clock.advance(3 * MINUTE);
  await world.runner.sweep();
  const life = await world.life(id);
  assert.equal(life.state, 'gone');
  const kinds = await world.kinds(id);
  assert.deepEqual([kinds.includes('grant.ending'), kinds.includes('grant.gone')], [true, true], 'the record catches up');
});

test('after a restart a standing grant goes on, a vanished one is ended, an intent is taken back', async (t) => {
  const world = await open(t);
  const alive = await world.grant({ principalId: 'p1' });
  const vanished = await world.grant({ principalId: 'p2' });
  await world.clock.advance(10);
  await world.runner.send(alive, { type: 'observed', access: 'allowed', at: world.clock.now() });
  world.cloud.fail('bind', 'hangs');
  const unknown = await world.grant({ principalId: 'p3' });
  await world.runner.close();
  for (const key of world.cloud.rights.keys()) if (key.includes('p2')) world.cloud.rights.delete(key);
  await world.restart(MINUTE);
  await world.clock.advance(SECOND);
  const states = await Promise.all([alive, vanished, unknown].map(async (id) => (await world.life(id)).state));
  assert.deepEqual(states, ['usable', 'revoking', 'revoking']);
  assert.equal((await world.life(unknown)).endReason, 'activation failed');
});

test('a grant that fell due while central was down ends at its start', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  await world.restart(30 * MINUTE);
  await world.clock.advance(SECOND);
  const life = await world.life(id);
  assert.deepEqual([life.state, life.endReason, life.endingAt], ['revoking', 'expired', life.notAfter]);
});

test('a cloud that cannot be asked at a restart makes grants unknown, not good news', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(10);
  world.cloud.fail('standing', 'lost before', 3);
  await world.restart(SECOND);
  await world.clock.advance(10);
  assert.equal((await world.life(id)).state, 'unknown');
  await world.clock.advance(MINUTE);
  assert.equal((await world.life(id)).state, 'assigned');
});

test("what central's own sign-in or right keeps it from is for whoever runs it, not for who asked", async (t) => {
  const world = await World.open();
  t.after(() => world.close());
  for (const code of ['not-signed-in', 'not-eligible']) {
    world.cloud.fail('bind', { refuses: 'No', code });
    const id = await world.grant();
    await world.clock.advance(10);
    const { state, problem } = await world.life(id);
    assert.deepEqual([state, problem?.code], ['failed', code]);
    assert.match(problem?.wayOut ?? '', /^Whoever runs central must/);
  }
});
