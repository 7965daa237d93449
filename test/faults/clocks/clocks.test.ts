import assert from 'node:assert/strict';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { HOUR, MINUTE, type Millis, SECOND } from '../../../protocol/clock.ts';
import { endWith, spawnTied } from '../processes/brood.ts';
import { Scene } from '../processes/scene.ts';
import { noMovedClocks, Wall } from './wall.ts';

/**
 * From an instant that a clock shows, or from waking, to the cloud's having taken the right back. Mostly it is a tenth of a second.
 * On a shared machine thirteen were seen once, for all who had idled for a minute at once, while an end that is missed waits for a
 * sweep, or an hour.
 */
const SOON: Millis = 20 * SECOND;
/** More than what is short, and less than the longest hold of a lease that nobody renews. */
const AHEAD: Millis = 50 * MINUTE;

describe('a clock that somebody moves', { concurrency: true, skip: noMovedClocks, timeout: 150_000 }, () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.open();
  });
  after(() => scene?.close());

  it('central, set ahead: what is due by then ends at once', async (t) => {
    const wall = new Wall(scene.town.folder, 'ahead');
    const { client } = await scene.central('ahead', { run: wall });
    const [short, long] = [await scene.givenBy(client, 20 * MINUTE), await scene.givenBy(client, 2 * HOUR)];
    wall.set(AHEAD);
    t.diagnostic(`after ${Math.round(await short.gone(performance.now(), SOON))} ms`);
    assert.equal(long.stands(), true, 'what is not due stays');
  });

  it('central, set an hour back: never late', async (t) => {
    const wall = new Wall(scene.town.folder, 'back');
    const { client } = await scene.central('back', { run: wall });
    const given = await scene.givenBy(client, MINUTE);
    wall.set(-HOUR);
    t.diagnostic(`${Math.round(await given.gone(given.dueAt, SOON))} ms after its instant`);
  });

  it('central, suspended across the deadline: ended within a moment of waking', async (t) => {
    const { client, central } = await scene.central('asleep');
    const given = await scene.givenBy(client, MINUTE);
    await wait(given.dueAt - 5 * SECOND - performance.now());
    assert.equal(given.stands(), true);
    process.kill(central.pid ?? 0, 'SIGSTOP');
    await wait(given.dueAt + 2 * SECOND - performance.now());
    assert.equal(given.stands(), true, 'nobody else here ends it');
    const woken = performance.now();
    process.kill(central.pid ?? 0, 'SIGCONT');
    t.diagnostic(`${Math.round(await given.gone(woken, SOON))} ms after waking`);
  });

  it('central, killed, and set ahead while it was down: ended at its start', async (t) => {
    const wall = new Wall(scene.town.folder, 'down-ahead');
    const { client, central } = await scene.central('down-ahead', { run: wall });
    const given = await scene.givenBy(client, 20 * MINUTE);
    await central.kill();
    wall.set(AHEAD);
    await central.start();
    t.diagnostic(`${Math.round(await given.gone(performance.now(), SOON))} ms after it answered`);
  });

  it('central, killed, and set back while it was down: never late', async (t) => {
    const wall = new Wall(scene.town.folder, 'down-back');
    const { client, central } = await scene.central('down-back', { run: wall });
    const given = await scene.givenBy(client, MINUTE);
    await central.kill();
    wall.set(-HOUR);
    await central.start();
    t.diagnostic(`${Math.round(await given.gone(given.dueAt, SOON))} ms after its instant`);
  });

  it('central, a day: not at once, not before, and at its instant; a month is refused', async (t) => {
    const wall = new Wall(scene.town.folder, 'day');
    const { client } = await scene.central('day', { run: wall });
    const month = {
      id: crypto.randomUUID(),
      resourceId: scene.town.balancers[0],
      roleId: 'backends',
      duration: 30 * 24 * HOUR,
      reason: 'x',
    };
    const [who] = scene.town.engineers;
    assert.ok(who);
    const refused = await client.call(who, 'request', { body: month });
    assert.match(refused.ok ? '' : refused.refusal.message, /duration: At most 24 hours/);
    const given = await scene.givenBy(client, 24 * HOUR);
    await wait(3 * SECOND);
    assert.equal(given.stands(), true, 'no timer overflowed');
    // Whoever holds it is heard of all day long: otherwise it would be the lease that is lost.
    const heard = async () => (await client.call(given.who, 'heartbeat', { id: given.grantId, body: { instance: 'harness' } })).ok;
    for (let ahead = 0; ahead < 24 * HOUR - MINUTE; ahead = Math.min(ahead + HOUR - MINUTE, 24 * HOUR - MINUTE)) {
      wall.set(ahead);
      assert.equal(await heard(), true, `heard at ${ahead / HOUR} h`);
    }
    wall.set(24 * HOUR - MINUTE);
    await wait(3 * SECOND);
    assert.equal(given.stands(), true, 'its instant has not come');
    wall.set(24 * HOUR);
    t.diagnostic(`after ${Math.round(await given.gone(performance.now(), SOON))} ms`);
  });

  it('thirty days, in the structure that holds every deadline', async () => {
    const wall = new Wall(scene.town.folder, 'thirty-days');
    const script = path.join(import.meta.dirname, 'thirty-days.ts');
    const child = spawnTied(process.execPath, [script], { env: { ...process.env, ...wall.env }, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout?.on('data', (data) => {
      said += String(data);
    });
    assert.ok(child.stdout);
    await once(child.stdout, 'data');
    await wait(2 * SECOND);
    assert.equal(said, 'set\n', 'a timer of 2^31 ms and more would have fired by now');
    wall.set(30 * 24 * HOUR - MINUTE);
    await wait(SECOND);
    assert.equal(said, 'set\n');
    wall.set(30 * 24 * HOUR);
    await once(child.stdout, 'data', { signal: AbortSignal.timeout(SOON) });
    assert.match(said, /^set\ndue \d+\n$/, 'by its own clock not before its instant');
    await endWith(child, 'SIGKILL');
  });

  it('a daemon under Entra PIM, set ahead: what is due by then ends at once', async (t) => {
    const wall = new Wall(scene.town.folder, 'pim-ahead');
    const { client, who } = await scene.daemon('pim-ahead', { run: wall });
    const given = await scene.givenAt(client, who, 'pim', 20 * MINUTE);
    wall.set(AHEAD);
    t.diagnostic(`after ${Math.round(await given.gone(performance.now(), SOON))} ms`);
  });

  it('a daemon under Entra PIM, set an hour back: never late', async (t) => {
    const wall = new Wall(scene.town.folder, 'pim-back');
    const { client, who } = await scene.daemon('pim-back', { run: wall });
    const given = await scene.givenAt(client, who, 'pim', MINUTE);
    wall.set(-HOUR);
    t.diagnostic(`${Math.round(await given.gone(given.dueAt, SOON))} ms after its instant`);
  });

  it('a daemon under Entra PIM, suspended across the deadline: ended within a moment of waking', async (t) => {
    const { client, who, daemon } = await scene.daemon('pim-asleep');
    const given = await scene.givenAt(client, who, 'pim', MINUTE);
    await wait(given.dueAt - 5 * SECOND - performance.now());
    process.kill(daemon.pid ?? 0, 'SIGSTOP');
    await wait(given.dueAt + 2 * SECOND - performance.now());
    assert.equal(given.stands(), true, 'nobody else here ends it');
    const woken = performance.now();
    process.kill(daemon.pid ?? 0, 'SIGCONT');
    t.diagnostic(`${Math.round(await given.gone(woken, SOON))} ms after waking`);
  });

  it('a daemon under Entra PIM, killed, and set back while it was down: never late', async (t) => {
    const wall = new Wall(scene.town.folder, 'pim-down-back');
    const { client, who, daemon } = await scene.daemon('pim-down-back', { run: wall });
    const given = await scene.givenAt(client, who, 'pim', MINUTE);
    await daemon.end('SIGKILL');
    wall.set(-HOUR);
    daemon.launch();
    await daemon.ready();
    t.diagnostic(`${Math.round(await given.gone(given.dueAt, SOON))} ms after its instant`);
  });

  it('a daemon of central, suspended: its lease is lost, central ends the right meanwhile, and waking it learns that', async (t) => {
    const { central } = await scene.central('grace', { more: { heartbeatGrace: '30s' } });
    const { client, who, daemon } = await scene.daemon('leased', { central });
    const given = await scene.givenAt(client, who, 'central', 20 * MINUTE);
    process.kill(daemon.pid ?? 0, 'SIGSTOP');
    const asleep = performance.now();
    t.diagnostic(`${Math.round(await given.gone(asleep, 30 * SECOND + SOON))} ms after it fell asleep`);
    process.kill(daemon.pid ?? 0, 'SIGCONT');
    const woken = performance.now();
    while (client.state.grants[given.grantId]?.state !== 'gone') {
      assert.ok(performance.now() - woken < 4 * SOON, `still ${client.state.grants[given.grantId]?.state}`);
      await wait(50);
    }
    assert.equal(client.state.grants[given.grantId]?.endReason, 'lease lost');
  });
});
