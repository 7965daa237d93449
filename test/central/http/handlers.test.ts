import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Context, type HandlerParts, handlers } from '../../../central/http/handlers.ts';
import { statusOf } from '../../../central/http/refusals.ts';
import type { Actor } from '../../../central/people/actor.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import { ALICE, World } from '../grants/world.ts';

const actor: Actor = { issuer: 'https://issuer', person: ALICE, groups: [], principals: {}, keys: [] };
const REVOKED = { because: 'revoked' } as const;

async function open(t: TestContext): Promise<World> {
  const world = await World.open();
  t.after(() => world.close());
  return world;
}

/** Only what ends, holds and observes grants is asked here. */
const handled = ({ store, clock, runner }: World) =>
  handlers({ store, clock, runner, grace: 5 * MINUTE } as Partial<HandlerParts> as HandlerParts);
const about = (id: string): Context => ({ actor, id, after: 0, limit: 1, signal: new AbortController().signal });
const notKnown = (error: unknown) => error instanceof Fault && error.retryable && statusOf(error) === 503;

test('while a grant stands in the store and is not taken up, nothing is said of it: not accepted, not too late', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(5);
  await world.restart(0, async () => {
    // Before it was loaded, as it were.
    world.runner.find = () => undefined;
    const { revoke, heartbeat, observed } = handled(world);
    await assert.rejects(revoke(about(id), REVOKED), notKnown);
    await assert.rejects(heartbeat(about(id), { instance: 'd' }), notKnown);
    await assert.rejects(observed(about(id), { access: 'allowed', at: world.clock.now() }), notKnown);
  });
});

test('an accepted end is in the store: as long as only memory knows, it is not accepted', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(5);
  const { revoke } = handled(world);
  const write = world.store.write.bind(world.store);
  world.store.write = () => Promise.reject(new Error('disk full'));
  await assert.rejects(revoke(about(id), REVOKED), notKnown);
  await world.clock.advance(5);
  const { principalId, role, resource } = await world.life(id);
  assert.ok(!world.allows({ principalId, role, resource }), 'and yet it is taken back at once');
  world.store.write = write;
  assert.ok((await revoke(about(id), REVOKED)).ok);
  assert.equal((await world.life(id)).state, 'revoking');
});

test('a central that is closing takes no end, and says none', async (t) => {
  const world = await open(t);
  const id = await world.grant();
  await world.clock.advance(5);
  await world.runner.close();
  await assert.rejects(handled(world).revoke(about(id), REVOKED), notKnown);
});

test('what is over is over, what never was is not found', async (t) => {
  const world = await open(t);
  world.cloud.fail('bind', { refuses: 'No' });
  const id = await world.grant();
  await world.clock.advance(5);
  const { revoke, heartbeat } = handled(world);
  assert.ok((await revoke(about(id), REVOKED)).ok);
  const late = await heartbeat(about(id), { instance: 'd' });
  assert.equal(!late.ok && late.refusal.code, 'too-late');
  const none = await revoke(about('00000000-0000-4000-8000-000000000000'), REVOKED);
  assert.equal(!none.ok && none.refusal.code, 'not-found');
});
