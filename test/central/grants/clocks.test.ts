import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GrantLife } from '../../../central/grants/life.ts';
import { lookedForProof } from '../../../central/grants/revocation.ts';
import type { GrantRunner } from '../../../central/grants/runner.ts';
import { HOUR, MINUTE, SECOND } from '../../../protocol/clock.ts';
import { IMPRECISION } from '../../../protocol/clock-watch.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { ALICE, LONGEST_REQUEST_LIFE, World } from './world.ts';

async function open(t: TestContext): Promise<World> {
  const world = await World.open();
  t.after(() => world.close());
  return world;
}

/** Lets time pass while the holder's daemon is heard. */
async function heard(world: World, id: GrantId, minutes: number, runner: () => GrantRunner = () => world.runner): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    await runner().send(id, { type: 'heartbeat', instance: 'd' });
    await world.clock.advance(MINUTE);
  }
}

test('a wall clock that is set back while central is down ends nothing late', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await heard(world, id, 5);
  await world.runner.close();
  world.clock.setWall(-HOUR);
  await world.restart(2 * MINUTE);
  await heard(world, id, 7);
  assert.notEqual((await world.life(id)).state, 'revoking');
  await heard(world, id, 2);
  assert.equal((await world.life(id)).endReason, 'expired');
});

test('a machine that starts again with a clock that lost its time lengthens nothing', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await heard(world, id, 5);
  await world.runner.close();
  world.clock.reboot();
  world.clock.setWall(-365 * 24 * HOUR);
  world.bootId = 'boot-2';
  await world.restart(MINUTE);
  await heard(world, id, 9);
  assert.notEqual((await world.life(id)).state, 'revoking', 'what was left when it was last written');
  await heard(world, id, 3);
  assert.equal((await world.life(id)).endReason, 'expired');
});

test('a wall clock that is set forward ends early', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await heard(world, id, 2);
  world.clock.setWall(HOUR);
  await world.clock.advance(SECOND);
  assert.equal((await world.life(id)).state, 'revoking');
});

for (const [when, restart] of [
  ['while central runs', false],
  ['while central is down', true],
] as const) {
  test(`a wall clock that is set forward ${when} proves nothing: what lands late is still taken back`, async (t) => {
    const world = await open(t);
    world.cloud.fail('bind', { lateBy: 8 * MINUTE });
    const id = await world.grant({ notAfter: world.clock.now() + 4 * HOUR });
    await world.clock.advance(MINUTE);
    if (restart) await world.runner.close();
    world.clock.setWall(HOUR);
    if (restart) await world.restart();
    await world.clock.advance(8 * MINUTE + LONGEST_REQUEST_LIFE + 2 * MINUTE);
    assert.equal((await world.life(id)).state, 'gone');
    assert.ok(!world.allows(await world.life(id)));
    assert.equal(world.cloud.standingRights, 0);
  });
}

for (const [by, how] of [
  [HOUR, 'forward'],
  [IMPRECISION, 'forward by so little that nobody noticed'],
] as const) {
  test(`a removal is not proven by a clock that was set ${how}`, async (t) => {
    const world = await open(t);
    const id = await world.grant({ notAfter: world.clock.now() + 4 * HOUR });
    await world.clock.advance(10);
    await world.runner.send(id, { type: 'end', reason: 'revoked' });
    await world.clock.advance(10);
    world.clock.setWall(by);
    await world.clock.advance(world.cloud.propagation - SECOND);
    assert.equal((await world.life(id)).state, 'revoking', 'the cloud has not had its time');
    await world.clock.advance(2 * SECOND + IMPRECISION);
    assert.equal((await world.life(id)).state, 'gone');
  });
}

test('where a grant may land late, an absence counts from when it would be listed: a late removal may have taken it only then', () => {
  const rules = { propagation: MINUTE, longestRequestLife: LONGEST_REQUEST_LIFE, grace: MINUTE, chance: 0.5 };
  const before = { state: 'revoking', bind: { outcome: 'unknown', calledAt: 0 }, attempts: 1, emptyAt: 1, holder: ALICE, alarmed: true };
  const listed = LONGEST_REQUEST_LIFE + MINUTE + IMPRECISION;
  let life = before as unknown as GrantLife;
  const looks = [MINUTE, listed - 1, listed + 5, listed + 5 + MINUTE + IMPRECISION - 1];
  for (const at of looks) ({ life } = lookedForProof(life, 'absent', at, rules));
  assert.equal(life.state, 'revoking');
  assert.equal(life.removedAt, listed + 5);
  ({ life } = lookedForProof(life, 'standing', listed + 2 * MINUTE, rules));
  assert.equal(life.removedAt, undefined, 'another removal counts');
});

test('a step that the store took late is of the clock that it was taken by', async (t) => {
  const world = await open(t);
  world.cloud.fail('bind', 'lost before');
  const id = await world.grant();
  await world.clock.advance(MINUTE);
  const { write } = world.store;
  world.store.write = () => Promise.reject(new Fault('store-failed', 'The disk is full'));
  await world.runner.send(id, { type: 'observed', access: 'denied', at: world.clock.now() });
  await world.clock.advance(2 * MINUTE);
  world.clock.setWall(-HOUR);
  world.store.write = write;
  await world.runner.sweep();
  await world.restart();
  await world.clock.advance(LONGEST_REQUEST_LIFE + 5 * MINUTE);
  assert.equal((await world.life(id)).state, 'gone');
});
