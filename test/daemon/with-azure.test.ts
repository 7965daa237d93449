import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { TokenCredential } from '@azure/identity';
import { azureProvider } from '../../cloud/azure/provider.ts';
import { azureSelfService } from '../../cloud/azure/self-service.ts';
import { sharedTokens } from '../../cloud/azure/shared-tokens.ts';
import { HandedOverSession } from '../../daemon/sign-in/session.ts';
import type { Client } from '../../protocol/client.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import type { Grant, LoadBalancer } from '../../protocol/model.ts';
import { type Stage as AzureStage, startStage as startAzureStage } from '../cloud/azure/stage.ts';
import { PEOPLE } from '../clouds/azure/estate.ts';
import { field, type Timing } from '../clouds/azure/timing.ts';
import { type Stage, startStage } from './support/stage.ts';

// The whole daemon as Alice, with the real adapter and SDKs, against the simulated Azure: no central anywhere.
// The judge is what Azure would let Alice do, never our own status.

interface Both extends Stage {
  azure: AzureStage;
  balancer: LoadBalancer;
  client(): Promise<Client>;
  /** `az login` as this person, while the daemon runs. */
  signInAs(person: 'alice' | 'dan'): void;
  allowed(): boolean;
  eventually<T>(what: string, ready: () => T | undefined | false, by?: number): Promise<T>;
}

async function startBoth(t: TestContext, timing: Partial<Timing>, subscription = 'Shop production'): Promise<Both> {
  const azure = await startAzureStage(t, { timing });
  const { clock } = azure;
  let signedIn: 'alice' | 'dan' = 'alice';
  const credential: TokenCredential = {
    getToken: (scopes, options) => azure.azure.credential(PEOPLE[signedIn].oid).getToken(scopes, options),
  };
  const tokens = sharedTokens(credential, clock);
  const stage = await startStage(t, {
    clock,
    parts: {
      azure: {
        provider: azureProvider(tokens, azure.settings, clock),
        selfService: azureSelfService(tokens, azure.settings, clock),
        approving: azure.approving(),
        tokens,
        by: () => 'Azure CLI',
        session: new HandedOverSession(clock),
        sessionScopes: undefined,
      },
    },
  });
  const balancer = await azure.balancer(subscription);
  const eventually: Both['eventually'] = async (what, ready, by = 500) => {
    for (let turn = 0; turn < 4_000; turn++) {
      const value = ready();
      if (value) return value;
      await clock.advance(turn % 4 === 0 ? by : 0);
      // HTTPS takes real time.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.fail(
      `Waited for ${what}: ${JSON.stringify(stage.daemon.live.now.grants)} ${JSON.stringify(stage.daemon.live.now.signIns)} ${JSON.stringify(stage.log.lines.slice(-5))}`,
    );
  };
  const both = Object.assign(stage, {
    azure,
    balancer,
    eventually,
    allowed: () => azure.allows(azure.order(balancer.id)),
    signInAs: (person: typeof signedIn) => {
      signedIn = person;
    },
  });
  await eventually('the sign-in', () => stage.daemon.live.now.signIns.some(({ state }) => state === 'signed in'));
  return both;
}

const grantIn =
  (client: Client, ...states: Grant['state'][]) =>
  () =>
    Object.values(client.state.grants).find(({ state }) => states.includes(state));

/** A call whose answer needs time to pass. */
async function passing<T>(both: Both, answer: Promise<T>): Promise<T> {
  let said: { value: T } | undefined;
  answer.then(
    (value) => {
      said = { value };
    },
    () => {},
  );
  await both.eventually('an answer', () => said !== undefined, 0);
  return answer;
}

async function elevate(both: Both, client: Client, minutes: number): Promise<void> {
  const params = {
    resourceId: both.balancer.id,
    roleId: 'backends' as never,
    authority: 'pim' as const,
    duration: minutes * MINUTE,
    reason: 'INC-7 drain web-2',
    idempotencyKey: randomUUID(),
  };
  const answer = await passing(both, client.call('request', params));
  assert.ok(answer.ok, JSON.stringify(answer));
}

test('says who the person is and what they may ask for', async (t) => {
  const both = await startBoth(t, {});
  const client = await both.client();
  assert.equal(client.state.signIns[0]?.person?.name, PEOPLE.alice.name);
  await both.eventually('the inventory', () => client.state.inventory.fetchedAt !== undefined);
  const { accounts } = await client.call('inventory.accounts', {});
  assert.equal(
    accounts.reduce((sum, { balancers }) => sum + balancers, 0),
    24,
  );
  const roles = await passing(both, client.call('eligibility', { resourceId: both.balancer.id }));
  assert.ok(roles.ok);
  assert.deepEqual(
    roles.value.roles.map(({ id, authority }) => `${authority}/${id}`),
    ['pim/backends'],
  );
});

test('with the timing of the field: usable when it works, gone when it does not, and never before', async (t) => {
  const both = await startBoth(t, field);
  const client = await both.client();
  assert.equal(both.allowed(), false);
  await elevate(both, client, 30);
  await both.eventually(
    'usable',
    () => {
      const usable = grantIn(client, 'usable')();
      if (usable) assert.ok(both.allowed(), 'usable means that Azure allows it');
      return usable;
    },
    SECOND,
  );

  const started = both.clock.now();
  assert.ok((await client.call('revoke', { grantId: grantIn(client, 'usable')()?.id as never })).ok);
  const gone = await both.eventually(
    'gone',
    () => {
      const found = grantIn(client, 'gone')();
      if (found) assert.equal(both.allowed(), false, 'gone means that Azure denies it');
      return found;
    },
    5 * SECOND,
  );
  assert.equal(gone.proof, 'denied');
  assert.ok((gone.goneAt ?? 0) - started < 10 * MINUTE);
});

test('expires by itself, and the daemon proves it', async (t) => {
  const both = await startBoth(t, { usableLag: 2 * SECOND, goneLag: 2 * SECOND, freshTokenRereads: false });
  const client = await both.client();
  await elevate(both, client, 10);
  const usable = await both.eventually('usable', grantIn(client, 'usable'));
  await both.clock.advance(usable.notAfter - both.clock.now());
  const gone = await both.eventually('gone', grantIn(client, 'gone'));
  assert.equal(gone.endReason, 'expired');
  assert.equal(both.allowed(), false);
  assert.ok((gone.goneAt ?? 0) - gone.notAfter < MINUTE);
});

test('kill -9 while elevated: the next daemon takes it up, and it ends', async (t) => {
  const both = await startBoth(t, {});
  const client = await both.client();
  await elevate(both, client, 10);
  await both.eventually('usable', grantIn(client, 'usable'));
  await both.restart();
  const again = await both.client();
  await both.eventually('resumed', grantIn(again, 'usable'));
  assert.ok(both.allowed());
  await both.clock.advance(10 * MINUTE);
  await both.eventually('gone', grantIn(again, 'gone'));
  assert.equal(both.allowed(), false);
});

test('"az login" as somebody else while it is taken back: what that person may do proves nothing', async (t) => {
  const both = await startBoth(t, { goneLag: 5 * MINUTE, freshTokenRereads: false });
  const client = await both.client();
  await elevate(both, client, 30);
  const { id } = await both.eventually('usable', grantIn(client, 'usable'));
  await client.call('revoke', { grantId: id });
  await both.eventually('the end to be accepted', () => /denies/.test(grantIn(client, 'revoking')()?.awaiting ?? ''));
  assert.ok(both.allowed(), 'Azure still allows it');
  both.signInAs('dan');
  await both.eventually('words about who is signed in', () => /Dan.*Alice Novak/.test(grantIn(client, 'revoking')()?.awaiting ?? ''));
  await both.clock.advance(10 * MINUTE);
  assert.ok(grantIn(client, 'revoking')());
  both.signInAs('alice');
  await both.eventually('gone', grantIn(client, 'gone'));
  assert.equal(both.allowed(), false);
});

test('"az login" as somebody else before the end is sent: it is not taken for done, and goes out when the holder is back', async (t) => {
  const both = await startBoth(t, { goneLag: 2 * SECOND });
  const client = await both.client();
  await elevate(both, client, 60);
  const { id } = await both.eventually('usable', grantIn(client, 'usable'));
  await both.clock.advance(6 * MINUTE);
  both.signInAs('dan');
  await both.clock.advance(2 * MINUTE);
  await client.call('revoke', { grantId: id });
  await both.eventually('words about who is signed in', () => /Dan.*Alice Novak/.test(grantIn(client, 'revoking')()?.awaiting ?? ''));
  assert.ok(both.allowed());
  both.signInAs('alice');
  await both.eventually('gone', grantIn(client, 'gone'));
  assert.equal(both.allowed(), false);
});

test('taken back before Azure ever allowed it: gone only when it cannot arrive late any more', async (t) => {
  const both = await startBoth(t, { usableLag: 2 * MINUTE, goneLag: 5 * MINUTE, freshTokenRereads: false });
  const client = await both.client();
  await elevate(both, client, 30);
  const { id } = await both.eventually('assigned', grantIn(client, 'assigned'));
  await client.call('revoke', { grantId: id });
  await both.eventually('gone', grantIn(client, 'gone'), 5 * SECOND);
  for (let minute = 0; minute < 10; minute++) {
    assert.equal(both.allowed(), false, 'gone stays gone');
    await both.clock.advance(MINUTE);
  }
});

test('elevating again at once after a revocation is refused by Azure in words, or works', async (t) => {
  const both = await startBoth(t, { stillHeld: 2 * MINUTE });
  const client = await both.client();
  await elevate(both, client, 10);
  const first = await both.eventually('usable', grantIn(client, 'usable'));
  await client.call('revoke', { grantId: first.id });
  await both.eventually('gone', grantIn(client, 'gone'));
  await elevate(both, client, 10);
  const second = await both.eventually('an outcome', () =>
    Object.values(client.state.grants).find(({ id, state }) => id !== first.id && (state === 'failed' || state === 'usable')),
  );
  if (second.state === 'failed') assert.ok((second.problem?.message ?? '').length > 10);
  else assert.ok(both.allowed());
});
