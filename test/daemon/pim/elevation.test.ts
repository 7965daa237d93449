import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import { unanswered } from '../../support/answers.ts';
import { settle } from '../../support/manual-clock.ts';
import { ALICE, BEN, ROLE } from '../support/cloud.ts';
import { ask, honest, kinds, only, usable } from '../support/elevated.ts';
import { startStage } from '../support/stage.ts';

test('a right that was taken back before its use was seen is gone when it cannot arrive late any more', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  assert.ok((await client.call('request', ask())).ok);
  await stage.clock.advance(SECOND);
  assert.equal(only(client).state, 'assigned');
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(9 * MINUTE);
  assert.equal(only(client).state, 'revoking');
  assert.match(only(client).awaiting ?? '', /making sure/);
  // A part of the cloud heard of the activation, and not yet of its end.
  stage.cloud.power = true;
  await stage.clock.advance(2 * MINUTE);
  assert.equal(only(client).state, 'revoking', 'the cloud allows it');
  stage.cloud.power = false;
  await stage.clock.advance(20 * SECOND);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).proof, 'denied');
});

test('one denial that a second one does not repeat proves nothing', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  const said: ('allowed' | 'denied')[] = ['denied', 'allowed', 'denied', 'denied'];
  stage.cloud.access.check = async () => said.shift() ?? 'allowed';
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(5 * SECOND);
  assert.equal(only(client).state, 'gone');
  assert.deepEqual(said, []);
});

test('what somebody else may do says nothing about the holder: unknown, then revoking, until they sign in again', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.cloud.person = BEN;
  stage.cloud.power = false;
  await stage.clock.advance(2 * MINUTE);
  assert.equal(only(client).state, 'unknown');
  assert.match(only(client).awaiting ?? '', /signed in to Azure as Ben Okafor.*Alice Novak/);
  stage.cloud.power = true;
  stage.pim.releases = [new Fault('sign-in-failed', 'You are signed in to Azure as Ben Okafor.'), { state: 'accepted' }];
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(5 * MINUTE);
  assert.equal(only(client).state, 'revoking');
  assert.match(only(client).awaiting ?? '', /signed in to Azure as Ben Okafor.*Alice Novak/);
  stage.cloud.person = ALICE;
  await stage.clock.advance(2 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).proof, 'denied');
});

test('a request becomes usable when the cloud allows it, and gone when the cloud denies it', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  const answer = await client.call('request', ask());
  assert.ok(answer.ok);
  await stage.clock.advance(100);
  assert.equal(only(client).state, 'assigned', 'assigned is not usable');

  stage.cloud.power = true;
  await stage.clock.advance(15 * SECOND);
  assert.equal(only(client).state, 'usable');
  assert.equal(only(client).notAfter, stage.pim.orders[0]?.notAfter);

  assert.ok((await client.call('revoke', { grantId: only(client).id })).ok);
  await stage.clock.advance(5 * SECOND);
  assert.equal(only(client).state, 'revoking', 'accepted is not gone');
  stage.cloud.power = false;
  await stage.clock.advance(15 * SECOND);
  const gone = only(client);
  assert.equal(gone.state, 'gone');
  assert.equal(gone.proof, 'denied');
  assert.equal(gone.endReason, 'revoked');
  assert.deepEqual(gone.endedBy, ALICE);
  assert.deepEqual(
    (await kinds(client)).filter((kind) => /request|grant|lease|revocation/.test(kind)),
    [
      'request.intended',
      'request.created',
      'request.decided',
      'grant.intended',
      'grant.assigned',
      'lease.taken',
      'grant.usable',
      'grant.ending',
      'revocation.attempted',
      'grant.gone',
    ],
  );
  const { events } = await client.call('audit.query', { filter: {}, offset: 0, limit: 200 });
  assert.deepEqual(unanswered(events, 'pim'), []);
  assert.match(events.find(({ kind }) => kind === 'request.intended')?.text ?? '', new RegExp(`Asks Entra PIM for ${ROLE.title} on`));
});

test('a release that comes too early is shown with its instant and sent again then', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  const again = stage.clock.now() + 4 * MINUTE;
  stage.pim.releases = [{ state: 'not yet', again, why: 'Azure allows release after 5 minutes' }, { state: 'accepted' }];
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(MINUTE);
  assert.equal(only(client).state, 'revoking');
  assert.equal(only(client).releasableAt, again);
  assert.match(only(client).awaiting ?? '', /5 minutes/);
  assert.equal(stage.pim.log.filter((act) => act === 'deactivate').length, 1, 'not sent before');
  await stage.clock.advance(3 * MINUTE + SECOND);
  assert.equal(only(client).state, 'gone');
});

test('what somebody else ended is noticed', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.cloud.power = false;
  stage.pim.releases = [{ state: 'nothing there' }];
  await stage.clock.advance(90 * SECOND);
  assert.equal(only(client).state, 'gone');
});

test('another right of the person does not keep an ended grant on the screen for ever', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.pim.releases = [{ state: 'accepted' }, { state: 'nothing there' }];
  stage.pim.onRelease = () => {};
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(9 * MINUTE);
  assert.equal(only(client).state, 'revoking');
  await stage.clock.advance(3 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).proof, 'absent');
});

test('what the cloud says it has nothing of, and still lists, is not called gone, and is asked back until it goes', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.pim.releases = [{ state: 'nothing there' }];
  stage.pim.onRelease = () => {};
  stage.pim.listed = 'standing';
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(30 * MINUTE);
  assert.equal(only(client).state, 'revoking');
  assert.ok(stage.pim.log.filter((act) => act === 'standing').length >= 2, 'asked of the list again');
  const tries = stage.pim.log.filter((act) => act === 'deactivate').length;
  assert.ok(tries > 20, `asked back ${tries} times`);
  stage.pim.listed = 'absent';
  await stage.clock.advance(12 * MINUTE);
  assert.deepEqual([only(client).state, only(client).proof], ['gone', 'absent']);
});

test('two clients see the same truth, in the same order', async (t) => {
  const stage = await startStage(t);
  const [one, two] = [await stage.client(), await stage.client('terminal')];
  honest(stage);
  await one.call('request', ask());
  await stage.clock.advance(SECOND);
  await two.call('revoke', { grantId: only(two).id });
  await stage.clock.advance(SECOND);
  assert.deepEqual(one.state, two.state);
  assert.deepEqual(one.state, JSON.parse(JSON.stringify(stage.daemon.live.now)));
  assert.equal(only(one).state, 'gone');
});

test('an ended grant leaves the screen after an hour', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(50 * MINUTE);
  assert.equal(only(client).state, 'gone');
  await stage.clock.advance(15 * MINUTE);
  await settle();
  assert.deepEqual(client.state.grants, {});
  assert.deepEqual(client.state.requests, {});
});

test('signing out waits for what is held: only that identity can give it back', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  const again = stage.clock.now() + 4 * MINUTE;
  stage.pim.releases = [{ state: 'not yet', again, why: 'Azure allows release at 14:20' }, { state: 'accepted' }];
  let said: Awaited<ReturnType<typeof signOut>> | undefined;
  const signOut = () => client.call('sign-out', { to: 'azure' });
  void signOut().then((answer) => {
    said = answer;
  });
  await stage.clock.advance(6 * SECOND);
  assert.ok(said && !said.ok);
  assert.equal(said.refusal.code, 'still-held');
  assert.match(said.refusal.message, /Azure allows release at 14:20/);
  assert.equal(only(client).state, 'revoking', 'its end has begun all the same');
  assert.equal(client.state.signIns.find(({ to }) => to === 'azure')?.state, 'signed in');
  await stage.clock.advance(5 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.ok((await signOut()).ok);
  assert.equal(client.state.signIns.find(({ to }) => to === 'azure')?.state, 'signed out');
});
