import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import type { GrantId, ResourceId } from '../../../protocol/ids.ts';
import { FakeCloud } from '../fake-cloud.ts';
import { anOrder, World } from './world.ts';

test('a cloud that answers nothing delays no other cloud', async (t) => {
  const world = await World.open();
  t.after(() => world.close());
  const other = new FakeCloud(world.clock);
  world.others.set('aws', other);
  const due = world.clock.now() + 10 * SECOND;
  const resource = { ...anOrder(0).resource, id: 'aws:balancer/1' as ResourceId };
  const ids: GrantId[] = [];
  // More than its lanes are wide, so that some of them wait for a place.
  for (let each = 0; each < 100; each++) await world.grant({ principalId: `hangs-${each}`, notAfter: due });
  for (let each = 0; each < 10; each++) ids.push(await world.grant({ principalId: `works-${each}`, notAfter: due, resource }));
  await world.clock.advance(5 * SECOND);
  for (const call of ['unbind', 'standing'] as const) world.cloud.fail(call, 'hangs', 10_000);
  await world.clock.advance(6 * SECOND);
  assert.equal(world.cloud.count('unbind'), 64, 'no more than this at once');
  const ended = other.calls.filter(({ call }) => call === 'unbind').map(({ at }) => at - due);
  assert.equal(ended.length, 10);
  assert.ok(Math.max(...ended) <= 1, `late by ${Math.max(...ended)} ms`);
  await world.clock.advance(2 * MINUTE);
  for (const id of ids) assert.equal((await world.life(id)).state, 'gone');
});
