import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { Agent } from 'undici';
import { dispatcherFor } from '../../daemon/central/http.ts';
import { sha256 } from '../../daemon/door/secrets.ts';
import { firstBroken } from '../../protocol/audit.ts';
import type { Client } from '../../protocol/client.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import type { PersonId } from '../../protocol/ids.ts';
import type { Grant } from '../../protocol/model.ts';
import { balancerId, PEOPLE } from '../central/samples.ts';
import { Stage as CentralStage } from '../central/stage.ts';
import { unanswered } from '../support/answers.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { browse } from './support/browser.ts';
import { ALICE, balancer } from './support/cloud.ts';
import { type Stage, startStage } from './support/stage.ts';

// The real central over HTTPS, with tokens of the real identity provider; only the cloud is in memory.

const EDGE = balancerId('prod-edge');

interface Both extends Stage {
  service: CentralStage;
  signIn(client: Client): Promise<void>;
}

async function startBoth(t: TestContext): Promise<Both> {
  const service = await CentralStage.open(t);
  const { clock } = service;
  assert.ok(service.central);
  const dispatcher = dispatcherFor(service.identity.ca);
  const agent = new Agent({ connect: { ca: service.identity.ca } });
  t.after(() => Promise.all([agent.destroy(), dispatcher.destroy()]));
  const stage = await startStage(t, {
    authorities: ['central'],
    clock,
    parts: { central: { url: service.central.url, signIn: 'browser', dispatcher } },
  });
  // As central knows them in Azure: nobody else's check counts.
  stage.cloud.person = { ...ALICE, id: PEOPLE.alice.azureObjectId as PersonId };
  stage.cloud.balancers = [balancer(EDGE, 'prod-edge')];
  return Object.assign(stage, {
    service,
    async signIn(client: Client) {
      const answer = await client.call('sign-in', { to: 'central' });
      assert.ok(answer.ok && answer.value.open);
      await browse(agent, answer.value.open, PEOPLE.alice.id);
      await eventually(clock, 'contact', () => client.state.central.state === 'connected');
    },
  });
}

/** HTTPS takes real time, everything else the test's: both pass. */
async function eventually<T>(clock: ManualClock, what: string, ready: () => T | undefined | false): Promise<T> {
  for (let turn = 0; turn < 2_000; turn++) {
    const value = ready();
    if (value) return value;
    await clock.advance(10);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`Waited for ${what}`);
}

const grantIn = (client: Client, state: Grant['state']) => () => Object.values(client.state.grants).find((grant) => grant.state === state);

test('signs in by browser, elevates, sees it usable, revokes, sees it gone, and has the whole story', async (t) => {
  const both = await startBoth(t);
  const client = await both.client();
  await both.signIn(client);
  assert.equal(client.state.signIns.find(({ to }) => to === 'central')?.person?.name, PEOPLE.alice.name);
  const roles = await client.call('eligibility', { resourceId: EDGE });
  assert.ok(roles.ok);
  assert.ok(roles.value.roles.some(({ id, authority }) => id === 'backends' && authority === 'central'));
  const ask = { resourceId: EDGE, roleId: 'backends' as never, authority: 'central' as const, duration: 10 * MINUTE };
  const preview = await client.call('preview', ask);
  assert.ok(preview.ok);
  assert.equal(preview.value.outcome, 'granted');

  const answer = await client.call('request', { ...ask, reason: 'INC-1: drain web-1', idempotencyKey: randomUUID() });
  assert.ok(answer.ok, JSON.stringify(answer));
  const assigned = await eventually(both.clock, 'the grant', grantIn(client, 'assigned'));
  both.cloud.power = true;
  const usable = await eventually(both.clock, 'the use', grantIn(client, 'usable'));
  assert.equal(usable.id, assigned.id);

  assert.ok((await client.call('revoke', { grantId: usable.id })).ok);
  await eventually(both.clock, 'the end', grantIn(client, 'revoking'));
  both.cloud.power = false;
  const gone = await eventually(both.clock, 'its proof', grantIn(client, 'gone'));
  assert.equal(gone.endReason, 'revoked');
  const { events } = await client.call('audit.query', { filter: { grantId: gone.id }, offset: 0, limit: 200 });
  const kinds = new Set(events.map(({ kind }) => kind));
  for (const kind of [
    'request.created',
    'request.decided',
    'grant.intended',
    'grant.assigned',
    'grant.usable',
    'grant.ending',
    'grant.gone',
    'lease.taken',
  ]) {
    assert.ok(kinds.has(kind as never), `${kind} is in ${[...kinds].join(', ')}`);
  }
  const record = await client.call('audit.query', { filter: {}, offset: 0, limit: 200 });
  assert.deepEqual(unanswered(record.events), []);
  assert.ok(
    record.events.some(({ kind, text }) => kind === 'request.intended' && text.startsWith('Asks central for Backends on prod-edge')),
  );
});

test('a refusal of policy comes back with its reason and a way out', async (t) => {
  const both = await startBoth(t);
  const client = await both.client();
  await both.signIn(client);
  const answer = await client.call('request', {
    resourceId: EDGE,
    roleId: 'certificates' as never,
    authority: 'central',
    duration: 10 * MINUTE,
    reason: 'INC-2: rotate',
    idempotencyKey: randomUUID(),
  });
  assert.ok(!answer.ok);
  assert.ok(answer.refusal.message.length > 10);
});

test('an endless text of the cloud comes through central cut, and nobody loses contact over it', async (t) => {
  const both = await startBoth(t);
  const client = await both.client();
  await both.signIn(client);
  both.service.cloud.fail('bind', { refuses: 'No. '.repeat(3_000) });
  const wanted = { resourceId: EDGE, roleId: 'backends' as never, authority: 'central' as const, duration: 10 * MINUTE };
  const answer = await client.call('request', { ...wanted, reason: 'INC-5: drain', idempotencyKey: randomUUID() });
  assert.ok(answer.ok);
  const failed = await eventually(both.clock, 'the failure', grantIn(client, 'failed'));
  assert.match(failed.problem?.message ?? '', /^No\. /);
  assert.ok((failed.problem?.message.length ?? 0) <= 2_000);
  const late = await both.client();
  assert.equal(late.state.grants[failed.id]?.state, 'failed');
  assert.equal(late.state.central.state, 'connected');
  const { events } = await late.call('audit.query', { filter: { grantId: failed.id }, offset: 0, limit: 200 });
  assert.ok(events.some(({ kind, source }) => kind === 'grant.failed' && source === 'central'));
  for (const event of events) assert.equal(firstBroken([event], sha256), undefined);
});

test('central dies and comes back: lost is shown, then the truth', async (t) => {
  const both = await startBoth(t);
  const client = await both.client();
  await both.signIn(client);
  both.cloud.power = true;
  const ask = {
    resourceId: EDGE,
    roleId: 'backends' as never,
    authority: 'central' as const,
    duration: 10 * MINUTE,
    reason: 'INC-3: drain',
    idempotencyKey: randomUUID(),
  };
  assert.ok((await client.call('request', ask)).ok);
  await eventually(both.clock, 'the use', grantIn(client, 'usable'));
  const port = Number(new URL(both.service.central?.url ?? '').port);
  await both.service.stop();
  await eventually(both.clock, 'the loss', () => client.state.central.state === 'lost');
  both.service.settings.listen.port = port;
  await both.service.start();
  await eventually(both.clock, 'contact', () => client.state.central.state === 'connected');
  await eventually(both.clock, 'the truth', grantIn(client, 'usable'));
});

test('a daemon that dies loses its hold: central ends the grant after its grace', async (t) => {
  const both = await startBoth(t);
  const client = await both.client();
  await both.signIn(client);
  both.cloud.power = true;
  const ask = {
    resourceId: EDGE,
    roleId: 'backends' as never,
    authority: 'central' as const,
    duration: 15 * MINUTE,
    reason: 'INC-4: drain',
    idempotencyKey: randomUUID(),
  };
  assert.ok((await client.call('request', ask)).ok);
  const usable = await eventually(both.clock, 'the use', grantIn(client, 'usable'));
  await both.restart();
  // The new daemon has no sign-in, so it cannot renew: browser tokens were in memory only.
  await both.clock.advance(5 * MINUTE + 2 * SECOND);
  const grant = await both.service.grant('alice', usable.id);
  assert.equal(grant.endReason, 'lease lost');
});
