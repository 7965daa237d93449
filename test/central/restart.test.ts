import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { GrantRunner } from '../../central/grants/runner.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { balancerId, PEOPLE } from './samples.ts';
import { accepted, refusalOf, Stage } from './stage.ts';

const FULL = { roleId: 'full', resourceId: balancerId('staging-edge'), duration: 30 * MINUTE };

async function reopened(stage: Stage, down = MINUTE): Promise<void> {
  await stage.stop();
  await stage.clock.advance(down);
  await stage.start();
  await stage.clock.advance(5);
}

test('closed and opened at each step, the story goes on where it was', async (t) => {
  const stage = await Stage.open(t);
  const asked = accepted(await stage.ask('alice', FULL));
  await reopened(stage);
  assert.equal((await stage.request('ben', asked.id)).mayDecide, true);
  accepted(await stage.call('ben', 'approve', { id: asked.id, body: { reason: 'Yes' } }));
  await stage.clock.advance(5);
  const id = (await stage.request('alice', asked.id)).grantId ?? '';
  await reopened(stage);
  assert.equal((await stage.grant('alice', id)).state, 'assigned');
  await stage.observe('alice', id, 'allowed');
  await reopened(stage);
  assert.equal((await stage.grant('alice', id)).state, 'usable');
  assert.ok(stage.cloud.allows(PEOPLE.alice.azureObjectId, 'full', FULL.resourceId));
  accepted(await stage.call('alice', 'revoke', { id, body: { because: 'revoked' } }));
  // Shorter than the propagation, after which the cloud's list alone would prove it.
  await reopened(stage, SECOND);
  assert.equal((await stage.grant('alice', id)).state, 'revoking');
  await stage.observe('alice', id, 'denied');
  await reopened(stage);
  const gone = await stage.grant('alice', id);
  assert.deepEqual([gone.state, gone.proof], ['gone', 'denied']);
  assert.equal(stage.cloud.count('bind'), 1);
});

test('the first call that is heard finds what stood: an end before anything is taken up again is not lost', async (t) => {
  const stage = await Stage.open(t);
  const id = await stage.elevated('alice');
  await stage.stop();
  const { resume } = GrantRunner.prototype;
  const waiting: GrantRunner[] = [];
  const held = t.mock.method(GrantRunner.prototype, 'resume', function (this: GrantRunner) {
    waiting.push(this);
  });
  await stage.start();
  accepted(await stage.call('alice', 'heartbeat', { id, body: { instance: 'daemon-1' } }));
  accepted(await stage.call('alice', 'revoke', { id, body: { because: 'revoked' } }));
  held.mock.restore();
  for (const runner of waiting) resume.call(runner);
  await stage.clock.advance(5);
  assert.ok(!stage.cloud.allows(PEOPLE.alice.azureObjectId, 'backends', balancerId('prod-edge')));
  await stage.observe('alice', id, 'denied');
  assert.deepEqual([waiting.length, (await stage.grant('alice', id)).state], [1, 'gone']);
});

test('a request that lapsed while central was down lapses at its start', async (t) => {
  const stage = await Stage.open(t);
  const asked = accepted(await stage.ask('alice', FULL));
  await stage.stop();
  await stage.clock.advance(61 * MINUTE);
  await stage.start();
  // Before its timer had a chance to fire: the clock has not moved since the start.
  assert.equal(refusalOf(await stage.call('ben', 'approve', { id: asked.id, body: { reason: '' } })).code, 'too-late');
  await stage.clock.advance(300);
  assert.equal((await stage.request('alice', asked.id)).state, 'expired');
  assert.equal(stage.cloud.calls.length, 0);
});

test('stopped while the cloud was being asked: what is not known is taken back', async (t) => {
  const stage = await Stage.open(t);
  stage.cloud.fail('bind', { lateBy: 2 * MINUTE });
  stage.cloud.fail('unbind', 'hangs', 1);
  const { grantId = '' } = accepted(await stage.ask('alice'));
  await reopened(stage);
  await stage.clock.advance(15 * MINUTE);
  assert.equal((await stage.grant('alice', grantId)).state, 'gone');
  assert.equal(stage.cloud.standingRights, 0);
  assert.equal((await stage.request('alice', accepted(await stage.call('alice', 'state')).requests[0]?.id ?? '')).state, 'failed');
});

test('what stands is taken back from the cloud alone when the store was lost, and the record says so', async (t) => {
  const stage = await Stage.open(t);
  await stage.elevated('alice');
  await stage.stop();
  writeFileSync(stage.settings.storeFile, 'This is no store any more. '.repeat(1_000));
  await stage.start();
  await stage.clock.advance(SECOND);
  assert.equal(stage.cloud.standingRights, 0);
  const { events } = accepted(await stage.call('carla', 'record', { query: '?after=0&limit=100' }));
  const kinds = events.map(({ kind }) => kind);
  for (const kind of ['store.damaged', 'orphan.found']) assert.ok(kinds.includes(kind as never), `${kind} of ${kinds}`);
});

test('two centrals do not share a store', async (t) => {
  const stage = await Stage.open(t);
  const first = stage.central;
  await assert.rejects(
    stage.start(),
    (error) => error instanceof Fault && error.code === 'store-failed' && /Another central/.test(error.message),
  );
  stage.central = first;
  accepted(await stage.call('alice', 'me'));
});

test('the directory is read again when it changes; a bad one does not take force', async (t) => {
  const stage = await Stage.open(t);
  const write = (people: unknown) => writeFileSync(stage.directoryFile, JSON.stringify({ people }));
  assert.equal(refusalOf(await stage.ask('dan')).code, 'not-eligible');
  write(Object.values(PEOPLE).map((person) => (person.id === 'dan' ? { ...person, groups: ['edge-sre'] } : person)));
  await taken(stage, async () => accepted(await stage.call('dan', 'me')).groups.includes('edge-sre'));
  write([{ id: 'dan', name: 'Dan', admin: true }]);
  await taken(stage, async () => stage.log.some((line) => line.includes('people.0.admin: is not known here')));
  assert.deepEqual(accepted(await stage.call('dan', 'me')).groups, ['edge-sre']);
});

async function taken(stage: Stage, ready: () => Promise<boolean>): Promise<void> {
  for (let each = 0; each < 100; each++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await stage.clock.advance(250);
    if (await ready()) return;
  }
  throw new Error('The change was not noticed');
}
