import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../../central/store/open.ts';
import type { Store } from '../../../central/store/store.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { smallDisk } from '../../faults/disk/volume.ts';
import { scratch } from '../../support/scratch.ts';
import { sqliteHere } from '../../support/sqlite-here.ts';
import { until } from '../../support/until.ts';
import { World } from '../grants/world.ts';

const NOW = Date.UTC(2026, 10, 23);

/** Takes all the room there is. */
function fill(dir: string): void {
  for (let size = statfsSync(dir).bfree * statfsSync(dir).bsize; size >= 1; size = Math.floor(size / 2)) {
    try {
      writeFileSync(path.join(dir, `filler-${size}`), Buffer.alloc(size, 1));
    } catch {
      rmSync(path.join(dir, `filler-${size}`), { force: true });
    }
  }
}

const empty = (dir: string): void => {
  for (const name of readdirSync(dir)) if (name.startsWith('filler')) rmSync(path.join(dir, name));
};

const put = (store: Store, name: string) => store.write((tx) => tx.putFact(name, 'x'.repeat(2_000)));
const isFull = (error: unknown) => error instanceof Fault && error.code === 'store-failed' && /disk of central is full/.test(error.message);

test('on a full disk there is no new power, what was given is taken back and recorded, and later all goes on', async (t) => {
  const dir = smallDisk(t);
  if (!dir) return t.skip('this user may not mount a small disk');
  const file = path.join(dir, 'central.db');
  const { store, ballast } = await openStore(file, NOW);
  const world = World.of(store);
  t.after(() => world.close());
  // Its disk is in a thread of its own: time goes on while that works.
  const passes = (what: string, so: () => boolean | Promise<boolean>, by = 1) =>
    until(what, async () => {
      await world.clock.advance(by);
      return so();
    });
  const ids: GrantId[] = [];
  for (let each = 0; each < 3; each++) ids.push(await world.grant({ principalId: `p${each}` }));
  const all = async (state: string) => (await Promise.all(ids.map((id) => world.life(id)))).every((life) => life.state === state);
  await passes('three rights', () => world.cloud.standingRights === 3);
  await passes('their grants', () => all('assigned'));
  fill(dir);
  for (let each = 0; ; each++) {
    try {
      await put(store, `fact ${each}`);
    } catch (error) {
      assert.ok(isFull(error), `${error} ${(error as Error).cause} ${JSON.stringify((error as Error).cause)}`);
      break;
    }
  }
  await assert.rejects(world.grant({ principalId: 'late' }), isFull);
  assert.ok(existsSync(`${file}.ballast`), 'only an end gives it up');
  const binds = world.cloud.count('bind');
  await Promise.all(ids.map((id) => world.runner.send(id, { type: 'end', reason: 'revoked' })));
  await passes('no right', () => world.cloud.standingRights === 0);
  assert.equal(ballast.isSpent, true);
  await passes('the end to be in the store', () => all('revoking'));
  await assert.rejects(world.grant({ principalId: 'late' }), isFull);
  assert.equal(world.cloud.count('bind'), binds, 'no new power');
  empty(dir);
  assert.equal(ballast.restore(), true);
  const swept = async () => {
    await world.runner.sweep();
    return all('gone');
  };
  await passes('all gone', swept, MINUTE);
  await world.grant({ principalId: 'again' });
  await passes('new power', () => world.cloud.count('bind') === binds + 1);
});

test('half of a ballast is none', async (t) => {
  const dir = smallDisk(t);
  if (!dir) return t.skip('this user may not mount a small disk');
  const { store, ballast } = await openStore(path.join(dir, 'central.db'), NOW);
  t.after(() => store.close());
  assert.equal(ballast.spend(), true);
  assert.equal(ballast.spend(), false);
  fill(dir);
  assert.equal(ballast.restore(), false);
  assert.equal(existsSync(path.join(dir, 'central.db.ballast')), false);
});

for (const [where, offset] of [
  ['its header', 0],
  ['the page of its tables', 100],
  ['the middle', 0.5],
] as const) {
  test(`a store that is damaged in ${where} is set aside as it is, and a new one is made`, async (t) => {
    const file = path.join(scratch(t), 'central.db');
    const first = await openStore(file, NOW);
    for (let each = 0; each < 60; each++) await put(first.store, `fact ${each}`);
    await first.store.close();
    const bytes = readFileSync(file);
    const from = offset === 0.5 ? Math.floor(bytes.length / 8_192) * 4_096 : offset;
    bytes.fill(0xa5, from, from + 4_096);
    writeFileSync(file, bytes);
    const second = await openStore(file, NOW + 1);
    t.after(() => second.store.close());
    assert.equal(second.setAside, `${file}.damaged-${NOW + 1}`);
    assert.deepEqual(readFileSync(second.setAside ?? ''), bytes);
    assert.equal(second.replaced, undefined, 'that is told already');
    await put(second.store, 'works');
  });
}

test('a store that was restored from a backup, or lost, is noticed', async (t) => {
  const file = path.join(scratch(t), 'central.db');
  const opened = async () => {
    const { store, replaced } = await openStore(file, NOW);
    await store.close();
    return replaced;
  };
  assert.deepEqual([await opened(), await opened()], [undefined, undefined]);
  const backup = readFileSync(file);
  assert.equal(await opened(), undefined);
  writeFileSync(file, backup);
  assert.deepEqual(await opened(), { known: 2, last: 3 });
  assert.equal(await opened(), undefined, 'once');
  rmSync(file);
  assert.deepEqual(await opened(), { known: 0, last: 5 });
  assert.ok(statSync(`${file}.epoch`).size > 0);
});

test('a store that turns out to be damaged while it is used is lost: whoever has it is told', async (t) => {
  const file = path.join(scratch(t), 'central.db');
  let corrupt = false;
  const { store, lost } = await openStore(file, NOW, async (name) => {
    const sqlite = await sqliteHere(name);
    const run: typeof sqlite.run = async (sql, values) => {
      if (corrupt && /"facts"/.test(sql)) throw Object.assign(new Error('malformed'), { code: 'ERR_SQLITE_ERROR', errcode: 11 });
      return sqlite.run(sql, values);
    };
    return { ...sqlite, run };
  });
  t.after(() => store.close());
  await put(store, 'one');
  const isLost = () => Promise.race([lost.then(() => true), new Promise<boolean>((resolve) => setImmediate(resolve, false))]);
  assert.equal(await isLost(), false);
  corrupt = true;
  await assert.rejects(put(store, 'two'), { code: 'store-failed' });
  assert.equal(await isLost(), true);
});
