import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Client } from '../../../protocol/client.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { LINGERS } from '../../../protocol/door.ts';
import { Fault } from '../../../protocol/fault.ts';
import { settle } from '../../support/manual-clock.ts';
import { ask, only, usable } from '../support/elevated.ts';
import { type Stage, startStage } from '../support/stage.ts';

async function tooYoung(t: TestContext): Promise<{ stage: Stage; client: Client; closed: string[]; stopped: () => boolean }> {
  const stage = await startStage(t);
  const client = await usable(stage);
  const closed: string[] = [];
  client.onClose((why) => void closed.push(why));
  const why = 'Azure allows release after 5 minutes';
  stage.pim.releases = [{ state: 'not yet', again: stage.clock.now() + 4 * MINUTE, why }, { state: 'accepted' }];
  let done = false;
  void stage.daemon.stopped.then(() => {
    done = true;
  });
  return { stage, client, closed, stopped: () => done };
}

test('told to stop while Azure says "not yet", it stays, takes nothing new, and ends with what it holds', async (t) => {
  const { stage, client, closed, stopped } = await tooYoung(t);
  void stage.daemon.stop();
  await stage.clock.advance(SECOND);
  assert.equal(client.state.daemon.stopping, true);
  assert.equal((await client.call('request', ask())).ok, false, 'no new power');
  await stage.clock.advance(5 * SECOND);
  assert.equal(closed.length, 1);
  assert.ok(closed[0]?.endsWith(LINGERS));
  assert.equal(only(client).state, 'revoking');
  assert.equal(stopped(), false);
  assert.match(JSON.stringify(stage.log.lines), /stays until the cloud takes back/);
  await stage.clock.advance(3 * MINUTE + 50 * SECOND);
  assert.equal(stopped(), false);
  assert.equal(stage.cloud.power, true);
  await stage.clock.advance(10 * SECOND);
  assert.equal(stage.cloud.power, false);
  assert.equal(stopped(), true);
});

test('told twice, it leaves at once, and the next daemon ends it', async (t) => {
  const { stage, stopped } = await tooYoung(t);
  void stage.daemon.stop();
  await stage.clock.advance(SECOND);
  stage.daemon.leave();
  await settle();
  assert.equal(stopped(), true);
  assert.equal(stage.cloud.power, true);
  await stage.restart();
  const client = await stage.client();
  assert.equal(only(client).state, 'revoking');
  await stage.clock.advance(4 * MINUTE + SECOND);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).endReason, 'daemon stopped');
  assert.equal(stage.cloud.power, false);
});

test('whoever comes while it waits with its end gets a daemon of their own, which takes over', async (t) => {
  const { stage, stopped } = await tooYoung(t);
  void stage.daemon.stop();
  await stage.clock.advance(10 * SECOND);
  assert.equal(stopped(), false);
  const seen = await stage.client();
  assert.equal(seen.state.daemon.stopping, true);
  await settle();
  await stage.clock.advance(SECOND);
  assert.equal(stopped(), true);
  await stage.restart();
  const next = await stage.client();
  assert.equal(only(next).state, 'revoking');
  await stage.clock.advance(4 * MINUTE);
  assert.equal(only(next).state, 'gone');
});

test('it does not wait for longer than the power can last by itself', async (t) => {
  const { stage, stopped } = await tooYoung(t);
  stage.pim.releases = [new Fault('cloud-unreachable', 'Azure does not answer')];
  void stage.daemon.stop();
  await stage.clock.advance(29 * MINUTE);
  assert.equal(stopped(), false);
  await stage.clock.advance(2 * MINUTE);
  assert.equal(stopped(), true);
});

test('a daemon whose state folder has vanished says so, takes nothing new, ends what it holds, and goes', async (t) => {
  let stands = true;
  const said: string[] = [];
  const stage = await startStage(t, { parts: { stateStands: () => stands, say: (line) => void said.push(line) } });
  const client = await usable(stage);
  stands = false;
  await stage.clock.advance(6 * SECOND);
  assert.match(client.state.unhealthy ?? '', /vanished/);
  assert.match(said[0] ?? '', /vanished/);
  const refused = await client.call('request', ask());
  assert.equal(!refused.ok && refused.refusal.code, 'unhealthy');
  let done = false;
  void stage.daemon.stopped.then(() => {
    done = true;
  });
  client.close();
  await stage.clock.advance(20 * SECOND);
  assert.equal(stage.cloud.power, false, 'ended, without a disk to write it to');
  await stage.clock.advance(30 * SECOND);
  assert.equal(done, true);
});

test('stopping ends what is held within five seconds', async (t) => {
  const stage = await startStage(t);
  await usable(stage);
  void stage.daemon.stop();
  await stage.clock.advance(5 * SECOND);
  assert.equal(stage.cloud.power, false);
  await stage.daemon.stopped;
});

test('the last window to go ends what is held, after time for a reload', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  client.close();
  await stage.clock.advance(5 * SECOND);
  const reloaded = await stage.client();
  await stage.clock.advance(30 * SECOND);
  assert.equal(only(reloaded).state, 'usable', 'a reload keeps everything');
  reloaded.close();
  await stage.clock.advance(20 * SECOND);
  assert.equal(stage.cloud.power, false);
  await stage.clock.advance(5 * SECOND);
  await stage.daemon.stopped;
});

test('a window that wants grants kept keeps them', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  client.close();
  const keeper = await stage.client('editor', { whenLastWindowCloses: 'keep' });
  keeper.close();
  await stage.clock.advance(10 * MINUTE);
  assert.equal(stage.cloud.power, true);
  await stage.clock.advance(20 * MINUTE);
  assert.equal(stage.cloud.power, false, 'until it expires');
});
