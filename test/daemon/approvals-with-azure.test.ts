import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { HandedOverSession } from '../../daemon/sign-in/session.ts';
import type { Client } from '../../protocol/client.ts';
import { MINUTE } from '../../protocol/clock.ts';
import type { RoleId } from '../../protocol/ids.ts';
import { type Stage as AzureStage, startStage as startAzureStage } from '../cloud/azure/stage.ts';
import { PEOPLE } from '../clouds/azure/estate.ts';
import { NETWORK_CONTRIBUTOR } from '../clouds/azure/role-definitions.ts';
import { type Stage, startStage } from './support/stage.ts';

// Alice and Ben, each with a whole daemon of their own, on one simulated Azure: Entra PIM alone decides.

const ROLE = `azure/${NETWORK_CONTRIBUTOR}` as RoleId;
const WRITE = 'Microsoft.Network/loadBalancers/write';

async function daemonOf(t: TestContext, azure: AzureStage, who: keyof typeof PEOPLE): Promise<Stage> {
  const { oid } = PEOPLE[who];
  const { clock } = azure;
  return startStage(t, {
    clock,
    parts: {
      azure: {
        provider: azure.provider(oid),
        selfService: azure.selfService(oid),
        approving: azure.approving(oid),
        tokens: azure.tokens(oid),
        by: () => 'Azure CLI',
        session: new HandedOverSession(clock),
        sessionScopes: undefined,
      },
    },
  });
}

/** HTTPS takes real time, everything else the test's: both pass. */
async function eventually<T>(azure: AzureStage, what: string, ready: () => T | undefined | false): Promise<T> {
  for (let turn = 0; turn < 4_000; turn++) {
    const value = ready();
    if (value) return value;
    await azure.clock.advance(turn % 4 === 0 ? 250 : 0);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.fail(`Waited for ${what}`);
}

async function passing<T>(azure: AzureStage, answer: Promise<T>): Promise<T> {
  let said = false;
  answer.finally(() => {
    said = true;
  });
  await eventually(azure, 'an answer', () => said);
  return answer;
}

interface Scene {
  azure: AzureStage;
  alice: Client;
  ben: Client;
  allowed(): boolean;
}

async function asked(t: TestContext): Promise<Scene> {
  const azure = await startAzureStage(t, { timing: {} });
  const balancer = await azure.balancer('Payments production');
  const [hers, his] = [await daemonOf(t, azure, 'alice'), await daemonOf(t, azure, 'ben')];
  const [alice, ben] = [await hers.client(), await his.client()];
  for (const client of [alice, ben]) await eventually(azure, 'the sign-in', () => client.state.signIns[0]?.state === 'signed in');
  const wish = { resourceId: balancer.id, roleId: ROLE, authority: 'pim' as const, duration: 15 * MINUTE };
  const preview = await passing(azure, alice.call('preview', wish));
  assert.ok(preview.ok && preview.value.outcome === 'needs approval', JSON.stringify(preview));
  assert.match(preview.value.headline, /Ben Okafor/);
  const bare = await passing(azure, alice.call('request', { ...wish, reason: 'INC-7: drain', idempotencyKey: randomUUID() }));
  assert.equal(!bare.ok && bare.refusal.field, 'ticket', 'Payments wants a ticket');
  const sent = { ...wish, reason: 'INC-7: drain', ticket: 'CHG-1', idempotencyKey: randomUUID() };
  assert.ok((await passing(azure, alice.call('request', sent))).ok);
  await eventually(azure, 'the wait', () => Object.values(alice.state.requests).some(({ state }) => state === 'pending approval'));
  return { azure, alice, ben, allowed: () => azure.allows(azure.order(balancer.id), WRITE) };
}

const toDecide = (client: Client) => () => Object.values(client.state.requests).find(({ mayDecide }) => mayDecide);

test('Ben sees what Alice asks for, approves as himself, and what she asked for works', async (t) => {
  const { azure, alice, ben, allowed } = await asked(t);
  const request = await eventually(azure, 'what Ben is asked', toDecide(ben));
  assert.equal(request.requester.name, 'Alice Novak');
  assert.equal(request.role.title, 'Network Contributor');
  assert.equal(request.resource.kind, 'Load balancer');
  assert.equal(request.duration, 15 * MINUTE);
  assert.equal(request.ticket, 'CHG-1');
  assert.equal(request.reason, 'INC-7: drain', "without our own mark in Azure's record");
  assert.ok(request.actions.length > 0);
  assert.equal(toDecide(alice)(), undefined, 'nobody decides about their own');
  assert.equal(allowed(), false);

  const answer = await passing(azure, ben.call('request.approve', { requestId: request.id, reason: 'She drains it' }));
  assert.ok(answer.ok, JSON.stringify(answer));
  assert.equal(ben.state.requests[request.id]?.state, 'approved');
  await eventually(azure, 'usable', () => Object.values(alice.state.grants).some(({ state }) => state === 'usable'));
  assert.equal(allowed(), true);
});

test('Ben denies, and Alice learns that nothing will come of it', async (t) => {
  const { azure, alice, ben, allowed } = await asked(t);
  const request = await eventually(azure, 'what Ben is asked', toDecide(ben));
  assert.ok((await passing(azure, ben.call('request.deny', { requestId: request.id, reason: 'Not today' }))).ok);
  await eventually(azure, 'the denial', () => Object.values(alice.state.requests).some(({ state }) => state === 'denied'));
  assert.deepEqual(Object.values(alice.state.grants), []);
  assert.equal(allowed(), false);
});

test('what Alice takes back is not there for Ben to decide', async (t) => {
  const { azure, alice, ben } = await asked(t);
  const request = await eventually(azure, 'what Ben is asked', toDecide(ben));
  const mine = Object.values(alice.state.requests).find(({ mine }) => mine);
  assert.ok(mine && (await passing(azure, alice.call('request.cancel', { requestId: mine.id }))).ok);
  await eventually(azure, 'the end', () => alice.state.requests[mine.id]?.state === 'cancelled');
  const late = await passing(azure, ben.call('request.approve', { requestId: request.id, reason: 'Yes' }));
  assert.equal(!late.ok && late.refusal.code, 'too-late', JSON.stringify(late));
  await eventually(azure, 'an empty list', () => !toDecide(ben)());
});
