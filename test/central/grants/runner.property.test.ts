import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rightKey } from '../../../central/grants/life.ts';
import { sha256 } from '../../../central/store/store.ts';
import { firstBroken } from '../../../protocol/audit.ts';
import { HOUR, MINUTE, SECOND } from '../../../protocol/clock.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { mayGrantMove, mayStand } from '../../../protocol/lifecycle.ts';
import type { GrantState } from '../../../protocol/model.ts';
import type { CloudCall, Trouble } from '../fake-cloud.ts';
import { World } from './world.ts';

const which = fc.nat({ max: 5 });
const trouble: fc.Arbitrary<{ call: CloudCall; trouble: Trouble; times: number }> = fc.oneof(
  fc.record({
    call: fc.constantFrom<CloudCall>('bind', 'prolong'),
    trouble: fc.oneof(
      fc.constantFrom<Trouble>('lost before', 'lost after', 'hangs'),
      fc.record({ lateBy: fc.integer({ min: 1, max: 9 * MINUTE }) }),
    ),
    times: fc.constantFrom(1, 2),
  }),
  fc.record({ call: fc.constant<CloudCall>('bind'), trouble: fc.constant<Trouble>({ refuses: 'No' }), times: fc.constant(1) }),
  fc.record({
    call: fc.constant<CloudCall>('unbind'),
    trouble: fc.oneof(
      fc.constantFrom<Trouble>('lost before', 'lost after', 'hangs', 'stuck'),
      fc.record({ notYet: fc.integer({ min: 0, max: 5 * MINUTE }) }),
    ),
    times: fc.integer({ min: 1, max: 8 }),
  }),
  fc.record({
    call: fc.constant<CloudCall>('standing'),
    trouble: fc.constantFrom<Trouble>('lost before', 'hangs'),
    times: fc.integer({ min: 1, max: 5 }),
  }),
);

/** Some end by the cloud's own clock soon; some would stand for hours if nobody ended them. */
const grant = fc.record({
  type: fc.constant('grant' as const),
  who: fc.constantFrom('p1', 'p2'),
  lasts: fc.constantFrom(15 * MINUTE, 12 * HOUR),
});
const wrong = fc.record({ type: fc.constant('trouble' as const), trouble });

const happening = fc.oneof(
  grant,
  grant,
  fc.record({ type: fc.constant('extend' as const), which }),
  fc.record({ type: fc.constant('end' as const), which }),
  fc.record({ type: fc.constant('heartbeat' as const), which }),
  fc.record({ type: fc.constant('observe' as const), which }),
  fc.record({
    type: fc.constant('pass' as const),
    by: fc.oneof(fc.integer({ min: 1, max: 2 * SECOND }), fc.integer({ min: 1, max: 8 * MINUTE })),
  }),
  fc.record({ type: fc.constant('sleep' as const), by: fc.integer({ min: 1, max: 20 * MINUTE }) }),
  fc.record({ type: fc.constant('restart' as const), down: fc.integer({ min: 0, max: 10 * MINUTE }) }),
  wrong,
  wrong,
);

/** Between the instant that something must be noticed and the call: one tick of the deadlines. */
const NOTICED = SECOND;

test('whatever happens: no power without intent, no end without proof, and in the end nothing stands', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 4, maxLength: 16, size: 'max' }), async (happenings) => {
      const world = await World.open();
      const ids: GrantId[] = [];
      const states = new Map<GrantId, GrantState>();
      try {
        for (const each of happenings) {
          await happen(world, ids, each);
          await check(world, ids, states);
        }
        world.cloud.heal();
        for (let minute = 0; minute < 40; minute++) {
          await world.clock.advance(MINUTE);
          await check(world, ids, states);
        }
        for (const id of ids) assert.ok(!mayStand((await world.life(id)).state), `${id} is ${(await world.life(id)).state}`);
        assert.equal(world.cloud.standingRights, 0);
        const events = await world.store.events(0, 100_000);
        assert.equal(firstBroken(events, sha256), undefined);
        for (const { text, lateBy, lateAfter } of events) {
          assert.match(text, /^[A-Z]/);
          assert.equal(lateBy === undefined, lateAfter === undefined);
        }
        assert.deepEqual(world.troubles, []);
      } finally {
        await world.close();
      }
    }),
    { numRuns: 300, endOnFailure: false },
  );
});

async function happen(world: World, ids: GrantId[], each: typeof happening extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
  const chosen = 'which' in each ? ids[each.which % Math.max(1, ids.length)] : undefined;
  switch (each.type) {
    case 'grant': {
      const taken = (await world.store.grants(Number.MAX_SAFE_INTEGER)).some(({ principalId }) => principalId === each.who);
      if (!taken) ids.push(await world.grant({ principalId: each.who, notAfter: world.clock.now() + each.lasts }));
      break;
    }
    case 'extend': {
      const life = chosen && (await world.life(chosen));
      const references = life ? await world.store.references(rightKey(life)) : [];
      if (life && (life.state === 'assigned' || life.state === 'usable') && references.length === 1) {
        ids.push(await world.grant({ principalId: life.principalId, follows: life.id, notAfter: life.notAfter + MINUTE }));
      }
      break;
    }
    case 'end':
      if (chosen) await world.runner.send(chosen, { type: 'end', reason: 'revoked' });
      break;
    case 'heartbeat':
      if (chosen) await world.runner.send(chosen, { type: 'heartbeat', instance: 'd' });
      break;
    case 'observe':
      if (chosen) await world.observe(chosen);
      break;
    case 'pass':
      await world.clock.advance(each.by);
      break;
    case 'sleep':
      world.clock.suspend(each.by);
      break;
    case 'restart':
      await world.restart(each.down);
      await world.clock.advance(NOTICED);
      for (const id of ids) assert.notEqual((await world.life(id)).state, 'activating', 'an intent of an earlier life');
      break;
    case 'trouble':
      world.cloud.fail(each.trouble.call, each.trouble.trouble, each.trouble.times);
      break;
  }
  await world.clock.advance(NOTICED);
}

async function check(world: World, ids: readonly GrantId[], states: Map<GrantId, GrantState>): Promise<void> {
  const lives = await Promise.all(ids.map((id) => world.life(id)));
  for (const life of lives) {
    const before = states.get(life.id);
    // Several steps may lie between two looks: each of them was legal, or `step` would have thrown.
    if (before) assert.ok(before === life.state || mayStand(before) || mayGrantMove(before, life.state), `${before} → ${life.state}`);
    states.set(life.id, life.state);
    const now = world.clock.now();
    const live = life.state === 'assigned' || life.state === 'usable' || life.state === 'unknown';
    assert.ok(!live || now < life.notAfter + NOTICED, `${life.state} after its instant`);
    assert.ok(
      life.state !== 'gone' ||
        life.proof !== undefined ||
        life.endReason === 'superseded' ||
        life.follows !== undefined ||
        lives.some(({ follows }) => follows === life.id),
    );
    const known = life.state === 'assigned' || life.state === 'usable';
    assert.ok(!known || now >= life.notAfter || world.allows(life), `${life.state}, and the cloud does not allow it`);
    const others = lives.some((other) => other.id !== life.id && rightKey(other) === rightKey(life) && mayStand(other.state));
    if (!mayStand(life.state) && !others) assert.ok(!world.allows(life), `${life.state}, and the cloud allows it`);
  }
  for (const key of world.cloud.rights.keys()) {
    const owners = lives.filter(
      (life) => key === JSON.stringify([life.principalId, life.role.id, life.resource.id]) && mayStand(life.state),
    );
    const standing = world.cloud.allows(...(JSON.parse(key) as [string, string, string]));
    assert.ok(!standing || owners.length > 0, 'power that no grant accounts for');
  }
}
