import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { CALL_TIMEOUT, CloudCalls } from '../../../central/grants/calls.ts';
import { grantMachine } from '../../../central/grants/machine.ts';
import { GrantRunner } from '../../../central/grants/runner.ts';
import type { Actor } from '../../../central/people/actor.ts';
import { FileDirectory } from '../../../central/people/directory.ts';
import { PolicyEngine } from '../../../central/policy/engine.ts';
import { LivePolicy } from '../../../central/policy/live.ts';
import { type NewRequest, Requests } from '../../../central/requests/requests.ts';
import { Resources } from '../../../central/resources.ts';
import { DEFAULTS } from '../../../central/serve.ts';
import { openStore } from '../../../central/store/open.ts';
import type { Store } from '../../../central/store/store.ts';
import { Views } from '../../../central/views.ts';
import type { AuditKind } from '../../../protocol/audit.ts';
import type { RequestId, RoleId } from '../../../protocol/ids.ts';
import type { Answer } from '../../../protocol/refusal.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { FakeCloud } from '../fake-cloud.ts';
import { balancerId, EXAMPLE_POLICY, PEOPLE, type PersonName, ROLE_TREE } from '../samples.ts';

const TIMES = 1_000;
const ISSUER = 'https://issuer.test';
const { signal } = new AbortController();

interface Opened {
  requests: Requests;
  cloud: FakeCloud;
  store: Store;
  person(who: PersonName): Actor;
}

/** Requests on a store in a thread of its own, as central runs them: what is asked at once is really under way at once. */
async function open(t: TestContext): Promise<Opened> {
  const folder = scratch(t);
  const clock = new ManualClock();
  const cloud = new FakeCloud(clock);
  const trouble = (error: unknown) => assert.fail(String(error));
  const { store } = await openStore(path.join(folder, 'central.db'), clock.now());
  const policy = new PolicyEngine(ROLE_TREE, 'UTC', DEFAULTS.longestGrant);
  await new LivePolicy(EXAMPLE_POLICY, policy, clock, { loading: async () => {}, refused: trouble, failed: trouble }).reload();
  const people = path.join(folder, 'people.json');
  writeFileSync(people, JSON.stringify({ people: Object.values(PEOPLE) }));
  const directory = new FileDirectory(people, ISSUER);
  await directory.reload();
  const calls = new CloudCalls(() => cloud, clock, CALL_TIMEOUT);
  const rules = { propagation: cloud.propagation, longestRequestLife: DEFAULTS.longestRequestLife, grace: DEFAULTS.heartbeatGrace };
  const runner = new GrantRunner({ store: store.forEnds(), calls, machine: grantMachine, clock, random: () => 0.5, rules, trouble });
  const requests = new Requests({
    ...{ store, clock, policy, directory, runner, trouble },
    resources: new Resources(cloud, clock),
    granting: cloud,
    provider: cloud,
    views: new Views(policy, directory),
    lapse: DEFAULTS.requestLapse,
  });
  t.after(async () => {
    requests.close();
    await runner.close();
    await store.close();
  });
  return { requests, cloud, store, person: (who) => directory.actor({ issuer: ISSUER, subject: PEOPLE[who].id, all: {} }) };
}

/** Exactly one grant, for one call to the cloud and one line of the record each. */
async function isOne({ cloud, store }: Opened): Promise<void> {
  await until('the grant at work', async () => (await store.grants(0)).some(({ state }) => state === 'assigned') || undefined);
  await settle();
  assert.equal((await store.grants(0)).length, 1);
  assert.equal(cloud.count('bind'), 1);
  assert.equal(cloud.standingRights, 1);
  const kinds = (await store.events(0, TIMES)).map(({ kind }) => kind);
  const count = (wanted: AuditKind) => kinds.filter((kind) => kind === wanted).length;
  assert.deepEqual([count('request.created'), count('grant.intended'), count('grant.assigned')], [1, 1, 1]);
}

const newRequest = (changes: Partial<NewRequest> = {}): NewRequest => ({
  id: randomUUID() as RequestId,
  resourceId: balancerId('prod-edge'),
  roleId: 'backends' as RoleId,
  duration: 900_000,
  reason: 'Drain web-1',
  ...changes,
});

const times = <T>(act: (each: number) => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: TIMES }, (_, each) => act(each)));
const all = (answers: readonly Answer<unknown>[]) => assert.deepEqual([...new Set(answers.map(({ ok }) => ok))], [true]);

test('one request sent a thousand times at once is one request and one grant', async (t) => {
  const opened = await open(t);
  const asked = newRequest();
  const answers = await times(() => opened.requests.create(opened.person('alice'), asked, signal));
  all(answers);
  assert.equal(new Set(answers.map((answer) => answer.ok && answer.value.grantId)).size, 1);
  await isOne(opened);
});

const full = () => newRequest({ roleId: 'full' as RoleId, resourceId: balancerId('staging-edge') });

test('one approval sent a thousand times at once gives one grant', async (t) => {
  const opened = await open(t);
  const asked = full();
  assert.ok((await opened.requests.create(opened.person('alice'), asked, signal)).ok);
  all(await times(() => opened.requests.approve(opened.person('ben'), asked.id, 'Go ahead', signal)));
  await isOne(opened);
  assert.equal((await opened.store.request(asked.id))?.approvals.length, 1);
});

for (const first of ['an approval', 'a denial'])
  test(`two approvers and denials a thousand times at once, ${first} first: at most one grant, and one decision stands`, async (t) => {
    const isDenial = (each: number) => each % 10 === (first === 'a denial' ? 0 : 9);
    const opened = await open(t);
    const asked = full();
    assert.ok((await opened.requests.create(opened.person('alice'), asked, signal)).ok);
    const answers = await times((each) => {
      const who = opened.person(each % 2 === 0 ? 'ben' : 'lee');
      return isDenial(each) ? opened.requests.deny(who, asked.id, 'No') : opened.requests.approve(who, asked.id, 'Go ahead', signal);
    });
    const decided = await opened.store.request(asked.id);
    const approved = decided?.state === 'approved';
    if (approved) await isOne(opened);
    else assert.equal((await opened.store.grants(0)).length, 0);
    assert.equal(decided?.approvals.length, 1);
    // Whoever decided otherwise hears that it is too late.
    for (const [each, answer] of answers.entries()) {
      if (isDenial(each) === approved) assert.ok(!answer.ok && answer.refusal.code === 'too-late', `${each}`);
      else assert.ok(answer.ok || answer.refusal.code === 'too-late', `${each}`);
    }
  });
