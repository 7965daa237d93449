import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { until } from '../../support/until.ts';
import { Scene } from '../processes/scene.ts';

/** All that somebody holds is ended within this. */
const ENDS_WITHIN = 5 * SECOND;
/** A machine with much to do, and the time until the cloud is asked. */
const ROOM = 3 * SECOND;
/** A window that is reloaded comes back within this. */
const RELOAD = 10 * SECOND;
const GRACE = 30 * SECOND;

describe('a daemon of central that leaves', { concurrency: true, timeout: 120_000 }, () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.open();
  });
  after(() => scene?.close());

  /** Somebody with power that central gave them through their own daemon, and nobody else. */
  async function elevated(name: string) {
    const { central, client: asked } = await scene.central(name, { more: { heartbeatGrace: '30s' } });
    const { daemon, client, who } = await scene.daemon(`${name}-daemon`, { central });
    const given = await scene.givenAt(client, who, 'central', 20 * MINUTE);
    return { central, asked, daemon, client, who, given };
  }

  it('SIGTERM: what it holds is ended within five seconds', async (t) => {
    const { daemon, given } = await elevated('stopped');
    const told = performance.now();
    await daemon.end('SIGTERM');
    t.diagnostic(`${Math.round(await given.gone(told, ENDS_WITHIN + ROOM))} ms`);
    assert.equal(daemon.exitCode, 0);
  });

  it('the last window closes: the same, when it could have been reloaded', async (t) => {
    const { daemon, given, client } = await elevated('closed');
    const window = await daemon.ready('editor');
    client.close();
    const closed = performance.now();
    window.close();
    t.diagnostic(`${Math.round(await given.gone(closed, RELOAD + ENDS_WITHIN + ROOM))} ms`);
    await until('the daemon to end', () => daemon.exitCode === 0);
  });

  it('sign-out: the same; who signs out before it is gone is told so, and stays signed in', async (t) => {
    const { daemon, given, client } = await elevated('signed-out');
    const told = performance.now();
    const first = await daemon.cli('sign-out', 'central');
    if (first.status !== 0) assert.match(first.err, /is still being taken back.*\nSign out when it is gone/);
    t.diagnostic(`${Math.round(await given.gone(told, ENDS_WITHIN + ROOM))} ms`);
    await until('the sign-out', async () => (await daemon.cli('sign-out', 'central')).status === 0);
    assert.equal(client.state.grants[given.grantId]?.endReason, 'revoked');
  });

  it('SIGTERM while central hears nothing: it leaves in time, and central ends what it held when it hears again', async (t) => {
    const { daemon, given, central } = await elevated('deaf');
    process.kill(central.pid ?? 0, 'SIGSTOP');
    const told = performance.now();
    await daemon.end('SIGTERM');
    assert.ok(performance.now() - told < ENDS_WITHIN + ROOM, 'nobody is kept waiting');
    assert.equal(daemon.exitCode, 0);
    assert.equal(given.stands(), true, 'nobody else ends it');
    process.kill(central.pid ?? 0, 'SIGCONT');
    t.diagnostic(`${Math.round(await given.gone(performance.now(), GRACE + ROOM))} ms after it heard again`);
  });

  it('SIGTERM while the cloud refuses to take it back: it leaves in time, and everybody sees at central what is awaited', async () => {
    const { daemon, given, who, client, asked } = await elevated('pending');
    const scope = client.state.grants[given.grantId]?.resource.id.slice('azure:'.length) ?? '';
    const call = new RegExp(`^PUT ${scope}/providers/Microsoft.Authorization/`, 'i');
    const mend = scene.town.azure.world.faults.add({
      call,
      trouble: { kind: 'refuse', status: 503, code: 'Unavailable', message: 'Later' },
    });
    const told = performance.now();
    await daemon.end('SIGTERM');
    assert.ok(performance.now() - told < ENDS_WITHIN + ROOM, 'nobody is kept waiting');
    const state = await asked.call(who, 'state');
    const grant = state.ok && state.value.grants.find(({ id }) => id === given.grantId);
    assert.ok(grant, JSON.stringify(state));
    assert.deepEqual([grant.state, grant.endReason, given.stands()], ['revoking', 'daemon stopped', true]);
    assert.match(grant.awaiting ?? '', /./);
    mend();
    await given.gone(performance.now(), MINUTE + ROOM);
  });
});
