import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GrantWriting } from '../../../central/grants/ports.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { World } from './world.ts';

async function open(t: TestContext): Promise<World> {
  const world = await World.open();
  t.after(() => world.close());
  return world;
}

async function standing(world: World, count: number): Promise<GrantId[]> {
  const ids: GrantId[] = [];
  for (let each = 0; each < count; each++) ids.push(await world.grant({ principalId: `p${each}` }));
  await world.clock.advance(5);
  return ids;
}

/** Writes wait until what is returned is called. */
function hang(world: World): () => void {
  const write = world.store.write.bind(world.store);
  const { promise: gate, resolve } = Promise.withResolvers<void>();
  world.store.write = async (work) => {
    await gate;
    return write(work);
  };
  return resolve;
}

const end = { type: 'end', reason: 'revoked' } as const;

test('the cloud is asked to take back while the store still hangs', async (t) => {
  const world = await open(t);
  const [id] = (await standing(world, 1)) as [GrantId];
  const life = await world.life(id);
  const goOn = hang(world);
  const ended = world.runner.send(id, end);
  await world.clock.advance(0);
  assert.deepEqual([world.cloud.count('unbind'), world.allows(life)], [1, false]);
  goOn();
  await ended;
  assert.deepEqual((await world.kinds(id)).slice(-2), ['grant.ending', 'revocation.attempted']);
});

test('a grant that falls due while the store hangs is taken back at its instant', async (t) => {
  const world = await open(t);
  const id = await world.grant({ notAfter: world.clock.now() + MINUTE });
  await world.clock.advance(5);
  const life = await world.life(id);
  const goOn = hang(world);
  const heard = world.runner.send(id, { type: 'heartbeat', instance: 'd' });
  await world.clock.advance(MINUTE);
  assert.equal(world.cloud.calls.find(({ call }) => call === 'unbind')?.at, life.notAfter);
  goOn();
  await heard;
});

test('what falls due together is written together', async (t) => {
  const world = await open(t);
  const ids = await standing(world, 20);
  let writes = 0;
  const write = world.store.write.bind(world.store);
  world.store.write = (work) => {
    writes++;
    return write(work);
  };
  await Promise.all(ids.map((id) => world.runner.send(id, end)));
  assert.ok(writes * 4 <= ids.length, `${writes} transactions for ${ids.length} ends`);
});

test('one grant that cannot be written does not keep the others from it, and is written later', async (t) => {
  const world = await open(t);
  const [bad, good] = (await standing(world, 2)) as [GrantId, GrantId];
  const write = world.store.write.bind(world.store);
  world.store.write = (work) =>
    write((tx) =>
      work(
        new Proxy(tx, {
          get: (target, name) =>
            name === 'putGrant'
              ? (grant: Parameters<GrantWriting['putGrant']>[0]) =>
                  grant.life.id === bad ? Promise.reject(new Error('this row is bad')) : target.putGrant(grant)
              : Reflect.get(target, name).bind(target),
        }),
      ),
    );
  await Promise.all([bad, good].map((id) => world.runner.send(id, end)));
  assert.deepEqual([world.runner.isRecorded(bad), world.runner.isRecorded(good)], [false, true]);
  assert.equal((await world.life(good)).state, 'revoking');
  assert.equal(world.cloud.count('unbind'), 2, 'both were taken back');
  world.store.write = write;
  await world.clock.advance(3 * MINUTE + SECOND);
  await world.runner.sweep();
  assert.equal((await world.life(bad)).state, 'gone');
  assert.deepEqual(
    (await world.kinds(bad)).filter((kind) => kind === 'grant.ending' || kind === 'grant.gone'),
    ['grant.ending', 'grant.gone'],
    'each event once',
  );
});
