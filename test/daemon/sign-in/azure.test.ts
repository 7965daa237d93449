import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AzureSignIn } from '../../../daemon/sign-in/azure.ts';
import { HandedOverSession } from '../../../daemon/sign-in/session.ts';
import { HOUR } from '../../../protocol/clock.ts';
import type { SignIn } from '../../../protocol/state.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { ALICE } from '../cli/estate.ts';
import { BEN, FakeCloud } from '../support/cloud.ts';
import { memoryLog } from '../support/stage.ts';

function signingIn() {
  const clock = new ManualClock();
  const cloud = new FakeCloud();
  cloud.person = ALICE;
  const shown: SignIn['state'][] = [];
  const told: string[] = [];
  const signIn = new AzureSignIn({
    access: cloud.access,
    by: () => 'Azure CLI',
    session: new HandedOverSession(clock),
    tokens: { forget: () => void told.push('forget'), close: () => void told.push('close'), open: () => void told.push('open') },
    truth: {
      now: () => assert.fail('not asked'),
      apply: (change) => void (change.type === 'sign-in' && shown.push(change.signIn.state)),
      record: () => {},
    },
    clock,
    log: memoryLog(),
    onPerson: () => {},
  });
  return { clock, cloud, shown, told, signIn };
}

test('who is signed in stays shown while they are asked about again: by a renewed session, by a refresh, in an outage', async () => {
  const { clock, cloud, shown, signIn } = signingIn();
  await signIn.attempt();
  assert.deepEqual(shown, ['signing in', 'signed in']);
  await signIn.session('a newer token', clock.now() + HOUR);
  await signIn.attempt();
  cloud.down = true;
  await signIn.attempt();
  assert.deepEqual([...new Set(shown.slice(1))], ['signed in']);
  assert.equal(signIn.person, ALICE);
});

test('who has signed out elsewhere is no longer shown', async () => {
  const { cloud, shown, signIn } = signingIn();
  await signIn.attempt();
  cloud.person = undefined;
  await signIn.attempt();
  assert.equal(shown.at(-1), 'signed out');
});

test('tokens of one person are never used for the next, and whoever has signed out gives none', async () => {
  const { cloud, told, signIn } = signingIn();
  await signIn.attempt();
  await signIn.attempt();
  assert.deepEqual(told, ['open', 'forget', 'open'], 'the same person keeps theirs');
  cloud.person = BEN;
  await signIn.attempt();
  assert.deepEqual(told.splice(0), ['open', 'forget', 'open', 'open', 'forget']);
  signIn.signOut();
  assert.deepEqual(told.splice(0), ['close', 'forget']);
  signIn.check();
  assert.deepEqual(told, [], 'what is refused because of it signs nobody in again');
  await signIn.attempt();
  assert.deepEqual(told, ['open', 'forget']);
});
