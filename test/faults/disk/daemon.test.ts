import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Client } from '../../../protocol/client.ts';
import { MINUTE, type Millis, SECOND } from '../../../protocol/clock.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { until } from '../../support/until.ts';
import { type OpenDaemon, Scene } from '../processes/scene.ts';
import { damageHeader, damagePages } from './damage.ts';
import { noVolumes, Volume } from './volume.ts';

/** From the question to the cloud's having taken a right back, on a shared machine with much to do. */
const SOON: Millis = 20 * SECOND;
/** A disk that takes writes again is noticed within ten seconds. */
const HEALED: Millis = 20 * SECOND;

const MOST_ASKED = 30;

const stateOf = ({ state }: Client, id: GrantId) => state.grants[id]?.state;
const ask = ({ client }: OpenDaemon, { body: { id, ...asked } }: ReturnType<Scene['question']>) =>
  client.call('request', { ...asked, authority: 'pim', idempotencyKey: id });

/** What the log has room for yet may be given; what it cannot record is refused. */
async function firstRefused(held: OpenDaemon & { next(): ReturnType<Scene['question']> }) {
  for (let asked = 0; asked < MOST_ASKED; asked++) {
    const question = held.next();
    const answer = await ask(held, question);
    if (!answer.ok) return { question, words: `${answer.refusal.message} ${answer.refusal.wayOut}` };
  }
  throw new Error(`A full disk took ${MOST_ASKED} requests`);
}

async function isRecorded({ client }: OpenDaemon, grantId: GrantId): Promise<void> {
  const { events } = await client.call('audit.query', { filter: { grantId }, offset: 0, limit: 100 });
  const kinds = events.map(({ kind }) => kind);
  for (const kind of ['grant.ending', 'grant.gone'] as const)
    assert.ok(kinds.includes(kind), `${kind} of ${grantId} is in the record: ${kinds}`);
}

async function recordVerifies({ daemon }: OpenDaemon): Promise<void> {
  const { status, out, err } = await daemon.cli('audit', 'verify', '--json');
  assert.equal(status, 0, `${out}${err}`);
}

describe('a daemon under Entra PIM, whose disk', { concurrency: true, skip: noVolumes, timeout: 150_000 }, () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.open();
  });
  after(() => scene?.close());

  async function onVolume(name: string): Promise<OpenDaemon & { volume: Volume }> {
    const volume = new Volume(path.join(scene.town.folder, `${name}-disk`));
    await scene.undo(() => volume.unmount());
    return { ...(await scene.daemon(name, { stateHome: volume.dir })), volume };
  }

  it('is full: nothing new, every end is carried out, and all is written when there is room again', async () => {
    const held = await onVolume('full');
    const { client, who, volume } = held;
    const [byHand, byTime, kept] = [
      await scene.givenAt(client, who, 'pim', 20 * MINUTE),
      await scene.givenAt(client, who, 'pim', MINUTE),
      await scene.givenAt(client, who, 'pim', 20 * MINUTE),
    ];
    volume.fill();
    // What is given back is taken again, a moment later.
    await until('no room to be left', () => volume.room === 0);
    const { question, words } = await firstRefused({ ...held, next: () => scene.question() });
    assert.match(words, /No durable record.*[Ff]ree disk space/);
    const started = performance.now();
    assert.ok((await client.call('revoke', { grantId: byHand.grantId })).ok);
    await byHand.gone(started, SOON);
    await byTime.gone(byTime.dueAt, SOON);
    await until(
      'what ended to be shown as gone',
      () => [byHand, byTime].every(({ grantId }) => stateOf(client, grantId) === 'gone'),
      30_000,
    );
    assert.equal(kept.stands(), true);
    assert.equal(scene.stands(question.scope), false);
    await until('no room to be left', () => volume.room === 0);
    assert.ok(client.state.unhealthy, 'and says so');
    volume.empty();
    await until('its health', () => client.state.unhealthy === undefined, HEALED);
    for (const { grantId } of [byHand, byTime]) await isRecorded(held, grantId);
    const again = await scene.givenAt(client, who, 'pim', 20 * MINUTE);
    await client.call('revoke.all', {});
    for (const each of [again, kept]) await each.gone(performance.now(), SOON);
    await until('nothing of this person to stand', () => scene.rightsOf(who).length === 0, SOON);
    await recordVerifies(held);
  });

  it('is read-only when it starts: nothing new, and what stood in the cloud is ended', async () => {
    const held = await onVolume('read-only');
    const given = await scene.givenAt(held.client, held.who, 'pim', 20 * MINUTE);
    await held.daemon.end('SIGKILL');
    held.volume.readOnly(true);
    held.daemon.launch();
    // It cannot even say where its door is: it has to say why, and leave the journal as it is for the next one.
    await until('its end', () => held.daemon.exitCode !== undefined, 15_000);
    assert.notEqual(held.daemon.exitCode, 0);
    held.volume.readOnly(false);
    const client = await scene.through(held.daemon);
    await until('the grant', () => stateOf(client, given.grantId) === 'usable');
    const started = performance.now();
    assert.ok((await client.call('revoke', { grantId: given.grantId })).ok);
    await given.gone(started, SOON);
    await recordVerifies(held);
  });

  for (const [what, damage] of [
    ['its header', damageHeader],
    ['its pages', damagePages],
  ] as const) {
    it(`has damaged ${what} of the journal while no daemon ran: set aside, and what it held is found in the cloud again`, async () => {
      const held = await onVolume(what.replace(' ', '-'));
      const given = await scene.givenAt(held.client, held.who, 'pim', 20 * MINUTE);
      await held.daemon.end('SIGKILL');
      damage(path.join(held.daemon.places.stateDir, 'journal.db'));
      const client = await scene.through(held.daemon);
      await until('the grant to be found', () => stateOf(client, given.grantId) === 'usable', 30_000);
      const started = performance.now();
      assert.ok((await client.call('revoke', { grantId: given.grantId })).ok);
      await given.gone(started, SOON);
      const { events } = await client.call('audit.query', { filter: { kind: 'journal.damaged' }, offset: 0, limit: 10 });
      assert.equal(events.length, 1);
      await recordVerifies(held);
    });
  }

  it('damages the journal while the daemon runs: what it holds is written anew, and ends as asked', async () => {
    const held = await onVolume('running');
    const { client, who } = held;
    const given = await scene.givenAt(client, who, 'pim', 20 * MINUTE);
    const other = await scene.givenAt(client, who, 'pim', 20 * MINUTE);
    damagePages(path.join(held.daemon.places.stateDir, 'journal.db'));
    const started = performance.now();
    await client.call('revoke', { grantId: given.grantId });
    await given.gone(started, SOON);
    await until('its health', () => client.state.unhealthy === undefined, HEALED);
    const last = performance.now();
    await client.call('revoke', { grantId: other.grantId });
    await other.gone(last, SOON);
    // What was in memory still shows no damage: who reads the whole record meets it at the latest, and is told so.
    const { status, err } = await held.daemon.cli('audit', 'verify', '--json');
    if (status !== 0) assert.match(err, /cannot be read|No durable record/);
    await until('its health after that', () => client.state.unhealthy === undefined, HEALED);
    await recordVerifies(held);
  });
});
