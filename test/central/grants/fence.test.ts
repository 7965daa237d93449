import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { GrantRunner } from '../../../central/grants/runner.ts';
import { HOUR, MINUTE, SECOND } from '../../../protocol/clock.ts';
import { IMPRECISION } from '../../../protocol/clock-watch.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { until } from '../../support/until.ts';
import { World } from './world.ts';

const HEARTBEAT = { type: 'heartbeat', instance: 'd' } as const;

/** One grant that is usable, and two runners that know it: the first gave it, the second took it up from the store. */
async function two(t: TestContext, lasts = 15 * MINUTE): Promise<{ world: World; id: GrantId; first: GrantRunner; second: GrantRunner }> {
  const world = await World.open(':memory:', true);
  const id = await world.grant({ notAfter: world.clock.now() + lasts });
  await world.clock.advance(10);
  await world.observe(id);
  const first = world.runner;
  const second = await world.rival();
  t.after(async () => {
    await second.close();
    await world.close();
  });
  await world.clock.advance(10);
  return { world, id, first, second };
}

/** Whoever asks the store this has to wait, until `others` need not or all are answered. */
function slowed(world: World, what: 'sharing' | 'kept'): { asked: Promise<void>; others(): void; answer(): void } {
  const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const fast = world.store[what].bind(world.store) as (of: string) => Promise<never>;
  world.store[what] = async (of: string) => {
    const answer = await fast(of);
    asked.resolve();
    await answered.promise;
    return answer;
  };
  const others = () => {
    world.store[what] = fast;
  };
  return { asked: asked.promise, others, answer: () => answered.resolve() };
}

test('a runner does not end what another goes on renewing', async (t) => {
  const { world, id, first, second } = await two(t);
  for (let minute = 0; minute < 12; minute++) {
    await second.send(id, HEARTBEAT);
    await world.clock.advance(MINUTE);
  }
  assert.deepEqual([(await world.life(id)).state, world.cloud.count('unbind')], ['usable', 0]);
  assert.equal((await world.kinds(id)).includes('lease.lost'), false);
  assert.ok((first.find(id)?.holdUntil ?? 0) > world.clock.now() - 7 * MINUTE, 'it knows what it read when it was fenced');
});

test('a runner does not take for standing what another has ended', async (t) => {
  const { world, id, first, second } = await two(t);
  await second.send(id, { type: 'end', reason: 'revoked' });
  await world.clock.advance(10);
  assert.equal((await first.send(id, HEARTBEAT))?.state, 'revoking');
  assert.equal((await world.life(id)).state, 'revoking');
  assert.ok(!world.allows(await world.life(id)));
});

test('what both see fall due is ended once, and told once', async (t) => {
  const { world, id, first, second } = await two(t);
  for (let minute = 0; minute < 20; minute++) {
    await (minute % 2 ? first : second).send(id, HEARTBEAT);
    await world.clock.advance(MINUTE);
  }
  await world.clock.advance(3 * MINUTE);
  for (const runner of [first, second]) await runner.sweep();
  const kinds = await world.kinds(id);
  for (const kind of ['grant.ending', 'grant.gone']) assert.equal(kinds.filter((each) => each === kind).length, 1, kind);
  assert.deepEqual([first.find(id), second.find(id), (await world.life(id)).endReason], [undefined, undefined, 'expired']);
});

test('whoever is told something new about a grant drives it from there', async (t) => {
  const { world, id, first, second } = await two(t);
  await second.send(id, HEARTBEAT);
  await first.send(id, HEARTBEAT);
  assert.equal((await world.life(id)).state, 'usable');
  await first.send(id, { type: 'end', reason: 'revoked' });
  await world.clock.advance(10);
  assert.ok(!world.allows(await world.life(id)));
});

test('what another has extended is not taken from the extension, and the answer that it was given is not lost', async (t) => {
  const { world, id, first, second } = await two(t, 2 * MINUTE);
  // Twice: at the first it learns that the second has taken it up.
  for (let beat = 0; beat < 2; beat++) await first.send(id, HEARTBEAT);
  await world.clock.advance(2 * MINUTE - SECOND);
  // The second hears that the extension was given, and is slow to write it; meanwhile the first sees the old end fall due.
  const held = Promise.withResolvers<void>();
  const write = world.store.write.bind(world.store);
  let writes = 0;
  world.store.write = async (work) => {
    if (++writes === 3) await held.promise;
    return write(work);
  };
  const next = await world.grant({ follows: id, notAfter: world.clock.now() + 10 * MINUTE }, second);
  await until('the extension is given', () => world.cloud.count('prolong') === 1);
  await world.clock.advance(2 * SECOND);
  assert.equal((await world.life(id)).state, 'revoking', 'the first has seen it fall due');
  held.resolve();
  await world.clock.advance(10 * SECOND);
  assert.equal(world.cloud.count('unbind'), 0);
  assert.deepEqual([(await world.life(next)).state, (await world.life(id)).state], ['assigned', 'gone']);
  assert.ok(world.allows(await world.life(next)));
  await second.send(next, { type: 'end', reason: 'revoked' });
  for (let minute = 0; minute < 3; minute++) {
    await world.clock.advance(MINUTE);
    for (const runner of [first, second]) await runner.sweep();
  }
  assert.equal((await world.life(next)).state, 'gone');
  assert.ok(!world.allows(await world.life(next)));
});

test('what has gone while the store was asked who shares the right is not taken back again from whoever has it then', async (t) => {
  const { world, id, first } = await two(t);
  for (let beat = 0; beat < 2; beat++) await first.send(id, HEARTBEAT);
  const slow = slowed(world, 'sharing');
  void first.send(id, { type: 'end', reason: 'revoked' });
  await slow.asked;
  const by = randomUUID() as GrantId;
  assert.equal((await first.send(id, { type: 'superseded', by }))?.state, 'gone');
  slow.answer();
  await world.clock.advance(10);
  assert.equal(world.cloud.count('unbind'), 0);
});

test('who has been fenced acts no more while the store is asked what the other wrote', async (t) => {
  const { world, id, first, second } = await two(t);
  for (let beat = 0; beat < 2; beat++) await first.send(id, HEARTBEAT);
  // The first is about to take the right back, and still learns who shares it.
  const slow = slowed(world, 'sharing');
  void first.send(id, { type: 'end', reason: 'revoked' });
  await slow.asked;
  slow.others();
  // Twice: at the first it learns that the other has written.
  for (let start = 0; start < 2; start++) await second.send(id, { type: 'restarted' });
  await until('the second has taken it back', () => world.cloud.count('unbind') === 1);
  // What the first hears then, the store does not take from it.
  const reading = slowed(world, 'kept');
  void first.send(id, { type: 'observed', access: 'denied', at: world.clock.now() });
  await reading.asked;
  slow.answer();
  await world.clock.advance(10);
  const before = world.cloud.count('unbind');
  reading.others();
  reading.answer();
  assert.equal(before, 1, 'and not the first as well');
  await world.clock.advance(10 * MINUTE);
  assert.equal((await world.life(id)).state, 'gone');
});

test('who has been fenced by a store that then says nothing more takes power back all the same', async (t) => {
  const { world, id, first, second } = await two(t);
  for (let beat = 0; beat < 2; beat++) await first.send(id, HEARTBEAT);
  for (let beat = 0; beat < 2; beat++) await second.send(id, HEARTBEAT);
  await second.close();
  const reading = slowed(world, 'kept');
  void first.send(id, { type: 'end', reason: 'revoked' });
  await reading.asked;
  const atOnce = world.cloud.count('unbind');
  for (let minute = 0; minute < 3; minute++) {
    await world.clock.advance(MINUTE);
    void first.sweep();
  }
  const later = world.cloud.count('unbind');
  reading.answer();
  assert.deepEqual([atOnce, later], [0, 1]);
  await world.clock.advance(10);
});

test('what a runner lets go, it takes up again when the other has died', async (t) => {
  const { world, id, first, second } = await two(t);
  await second.send(id, HEARTBEAT);
  await first.send(id, { type: 'observed', access: 'allowed', at: world.clock.now() });
  // The first hears of the other's writing when its own timer for the hold fires.
  await world.clock.advance(2 * MINUTE);
  await second.send(id, HEARTBEAT);
  await second.close();
  await world.clock.advance(4 * MINUTE);
  assert.equal((await world.life(id)).state, 'usable', 'the hold that the other renewed is good');
  for (let minute = 0; minute < 12; minute++) {
    await first.sweep();
    await world.clock.advance(MINUTE);
  }
  assert.notEqual((await world.life(id)).state, 'usable');
  assert.ok(!world.allows(await world.life(id)), 'nobody else would have ended it');
});

test('the call that gives power is made by one of them', async (t) => {
  const world = await World.open(':memory:', true);
  t.after(() => world.close());
  let go = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  // The first is slow to write that it sends; meanwhile the other finds the intent and takes it for left behind.
  const write = world.store.write.bind(world.store);
  let writes = 0;
  world.store.write = async (work) => {
    if (++writes === 2) await held;
    return write(work);
  };
  const id = await world.grant();
  await new Promise(setImmediate);
  const rival = await world.rival();
  t.after(() => rival.close());
  await world.clock.advance(10);
  go();
  await world.clock.advance(SECOND);
  assert.equal((await world.life(id)).state, 'failed');
  assert.equal(world.cloud.count('bind'), 0);
  assert.equal(world.runner.find(id), undefined);
});

test('what another gave that has died since is found by the sweep, and ended', async (t) => {
  const { world, second } = await two(t);
  const id = await world.grant({ principalId: 'oid-ben' });
  await world.clock.advance(10);
  assert.equal(second.find(id), undefined);
  await world.runner.close();
  await second.sweep();
  assert.ok(second.find(id), 'whoever ends it is heard');
  await world.clock.advance(20 * MINUTE);
  await second.sweep();
  await world.clock.advance(MINUTE + IMPRECISION);
  assert.equal((await world.life(id)).state, 'gone');
});

test('what another wrote by a clock that was an hour ahead is taken over when it has had its time', async (t) => {
  const { world, id, first, second } = await two(t, 12 * HOUR);
  world.clock.setWall(HOUR);
  await second.send(id, HEARTBEAT);
  await second.close();
  world.clock.setWall(-HOUR);
  for (let minute = 0; minute < 20; minute++) {
    await first.sweep();
    await world.clock.advance(MINUTE);
  }
  assert.equal((await world.life(id)).endReason, 'lease lost');
});
