import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openStore } from '../../../central/store/open.ts';
import { MINUTE, type Millis, SECOND } from '../../../protocol/clock.ts';
import { storyBodies } from '../../support/audit-events.ts';
import { until } from '../../support/until.ts';
import type { CentralClient } from '../processes/central-client.ts';
import { centralRecord, recordFault } from '../processes/record.ts';
import { type Given, Scene } from '../processes/scene.ts';
import { damageHeader, damageOpen, damagePages } from './damage.ts';
import { noVolumes, Volume } from './volume.ts';

/** From the question to the cloud's having taken a right back, on a shared machine with much to do. */
const SOON: Millis = 20 * SECOND;
/** A disk that takes writes again is noticed within a minute: the sweep looks. */
const HEALED: Millis = 75 * SECOND;
const MOST_ASKED = 30;

/** A store with more in it than SQLite keeps in memory. */
async function longRecordIn(file: string): Promise<void> {
  const { store } = await openStore(file, Date.now());
  for (let at = 0; at < 1_000; at += 50) {
    await store.write(async (tx) => {
      for (const body of Array.from({ length: 50 }, (_, n) => storyBodies(at + n)).flat()) await tx.append(body);
    });
  }
  await store.close();
}

describe('central, whose disk', { concurrency: true, skip: noVolumes, timeout: 170_000 }, () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.open();
  });
  after(() => scene?.close());

  async function onVolume(name: string) {
    const volume = new Volume(path.join(scene.town.folder, `${name}-disk`));
    await scene.undo(() => volume.unmount());
    const storeFile = path.join(volume.dir, 'central.db');
    return { ...(await scene.central(name, { more: { storeFile } })), volume, storeFile };
  }

  /** @returns What it says: `granted`, or why not. */
  const ask = (client: CentralClient, { who, body }: ReturnType<Scene['question']>): Promise<string> =>
    client.call(who, 'request', { body }).then(
      (answer) => (answer.ok ? 'granted' : answer.refusal.message),
      (error: Error) => error.message,
    );
  /** What the log has room for yet may be given; what it cannot record is refused. */
  const firstRefused = async (client: CentralClient) => {
    for (let asked = 0; asked < MOST_ASKED; asked++) {
      const question = scene.question();
      const words = await ask(client, question);
      if (words !== 'granted') return { question, words };
    }
    throw new Error(`A full disk took ${MOST_ASKED} requests`);
  };
  /** 5xx: it is ended, and only memory knows. */
  const revoke = (client: CentralClient, { who, grantId: id }: Given) =>
    client.call(who, 'revoke', { id, body: { because: 'revoked' } }).catch(() => undefined);
  const healthy = async (client: CentralClient): Promise<void> => {
    const question = scene.question();
    await until('power to be given again', async () => (await ask(client, question)) === 'granted', HEALED, SECOND);
    await until('the cloud to give it', () => scene.stands(question.scope));
  };

  it('is full: nothing new, what was given is taken back, and all is written when there is room again', async () => {
    const { client, volume } = await onVolume('full');
    const [ended, kept] = [await scene.givenBy(client, 20 * MINUTE), await scene.givenBy(client, 20 * MINUTE)];
    volume.fill();
    const { question, words } = await firstRefused(client);
    assert.match(words, /disk of central is full|cannot be written/);
    const started = performance.now();
    await revoke(client, ended);
    await ended.gone(started, SOON);
    // What is given back is taken again, a moment later.
    await until('no room to be left', () => volume.room === 0);
    assert.equal(kept.stands(), true);
    assert.equal(scene.stands(question.scope), false);
    volume.empty();
    await healthy(client);
    await until('the end to be in the record', async () => {
      const events = await centralRecord(client, scene.town.auditor);
      return events.some(({ kind, grantId }) => kind === 'grant.ending' && grantId === ended.grantId);
    });
    await revoke(client, kept);
    await kept.gone(performance.now(), SOON);
    assert.equal(await recordFault(scene.town, 'full', await centralRecord(client, scene.town.auditor)), undefined);
  });

  for (const [what, damage] of [
    ['its header', damageHeader],
    ['its pages', damagePages],
  ] as const) {
    it(`has damaged ${what} of the store while central was down: set aside, and what stands in the cloud is ended`, async () => {
      const { client, central, storeFile, volume } = await onVolume(what.replace(' ', '-'));
      const given = await scene.givenBy(client, 20 * MINUTE);
      await central.kill();
      damage(storeFile);
      const started = performance.now();
      await central.start();
      await given.gone(started, 90 * SECOND);
      assert.ok(readdirSync(volume.dir).some((name) => name.includes('damaged')));
      await healthy(client);
      assert.equal(await recordFault(scene.town, what.replace(' ', '-'), await centralRecord(client, scene.town.auditor)), undefined);
    });
  }

  it('damages the store while central runs: what it holds ends as asked, and after the next start nothing stands that nobody knows', async () => {
    const { client, central, storeFile } = await onVolume('running');
    const [ended, kept] = [await scene.givenBy(client, 20 * MINUTE), await scene.givenBy(client, 20 * MINUTE)];
    damageOpen(storeFile);
    const started = performance.now();
    await revoke(client, ended);
    await ended.gone(started, SOON);
    await central.kill();
    const again = performance.now();
    await central.start();
    // Set aside or as good as new: either way it is known, or it is gone.
    await revoke(client, kept);
    await kept.gone(again, 90 * SECOND);
    await healthy(client);
    assert.equal(await recordFault(scene.town, 'running', await centralRecord(client, scene.town.auditor)), undefined);
  });

  it('has damaged what central does not hold in memory: it starts again by itself, and takes back what it no longer knows of', async () => {
    const place = path.join(scene.town.folder, 'by-itself-disk');
    mkdirSync(place);
    const storeFile = path.join(place, 'central.db');
    await longRecordIn(storeFile);
    const { client, central } = await scene.central('by-itself', { more: { storeFile } });
    const given = await scene.givenBy(client, 20 * MINUTE);
    const { pid } = central;
    damageOpen(storeFile);
    const started = performance.now();
    // Whoever reads the record reads what is damaged.
    await assert.rejects(centralRecord(client, scene.town.auditor));
    await given.gone(started, 90 * SECOND);
    await healthy(client);
    assert.ok(readdirSync(place).some((name) => name.includes('damaged')));
    assert.equal(central.pid, pid, 'nobody else has started it');
    assert.equal(await recordFault(scene.town, 'by-itself', await centralRecord(client, scene.town.auditor)), undefined);
  });

  it('is read-only when it starts: it says so and does not start; writable again, it takes up what it held', async () => {
    const { client, central, volume } = await onVolume('read-only');
    const given = await scene.givenBy(client, 20 * MINUTE);
    await central.kill();
    volume.readOnly(true);
    await assert.rejects(central.start(), /ended with 1/);
    volume.readOnly(false);
    await central.start();
    const started = performance.now();
    await revoke(client, given);
    await given.gone(started, SOON);
    assert.equal(await recordFault(scene.town, 'read-only', await centralRecord(client, scene.town.auditor)), undefined);
  });
});
