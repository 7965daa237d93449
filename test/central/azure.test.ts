import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { catalogueTree } from '../../central/policy/catalogue.ts';
import { azureGranting } from '../../cloud/azure/granting.ts';
import { azureProvider } from '../../cloud/azure/provider.ts';
import { resourceId } from '../../cloud/azure/resource-id.ts';
import { sharedTokens } from '../../cloud/azure/shared-tokens.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import type { ResourceId } from '../../protocol/ids.ts';
import { CENTRAL_APP, makeEstate } from '../clouds/azure/estate.ts';
import { type AzureCloud, startAzure } from '../clouds/azure/start.ts';
import type { Timing } from '../clouds/azure/timing.ts';
import { PEOPLE } from './samples.ts';
import { accepted, Stage } from './stage.ts';

const NO_SIGNAL = new AbortController().signal;

async function withAzure(t: TestContext, timing: Partial<Timing> = {}) {
  let azure: AzureCloud | undefined;
  const estate = makeEstate({ balancers: 24 });
  const stage = await Stage.open(t, {}, async (clock) => {
    azure = await startAzure({ clock, estate, timing });
    const settings = {
      resourceManagerEndpoint: azure.endpoint,
      authorityHost: azure.authorityHost,
      ca: azure.ca,
      propagation: 2 * MINUTE,
      shortestHold: timing.minActive ?? 0,
    };
    const tokens = sharedTokens(azure.credential(CENTRAL_APP.clientId), clock);
    return {
      provider: azureProvider(tokens, settings, clock),
      granting: azureGranting(tokens, settings, clock),
      roles: catalogueTree('azure'),
    };
  });
  const cloud = azure as unknown as AzureCloud;
  t.after(() => cloud.close());
  const resource = estate.resources.find(({ type, tags }) => /loadBalancers$/i.test(type) && tags?.['env'] === 'prod');
  const balancer = resourceId(resource?.id ?? '');
  const settings = { resourceManagerEndpoint: cloud.endpoint, authorityHost: cloud.authorityHost, ca: cloud.ca };
  const alice = azureProvider(sharedTokens(cloud.credential(PEOPLE.alice.azureObjectId), stage.clock), settings, stage.clock);
  return { stage, balancer, may: (actions: string[]) => settled(stage, alice.access.check(balancer as ResourceId, actions, NO_SIGNAL)) };
}

/** The adapter waits on the clock that this test moves. */
async function settled<T>(stage: Stage, promise: Promise<T>): Promise<T> {
  let done = false;
  const outcome = promise.finally(() => {
    done = true;
  });
  outcome.catch(() => undefined);
  while (!done) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await stage.clock.advance(SECOND / 4);
  }
  return outcome;
}

async function until(stage: Stage, id: string, state: string): Promise<void> {
  for (let each = 0; each < 400; each++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    await stage.clock.advance(SECOND);
    if ((await stage.grant('alice', id)).state === state) return;
  }
  throw new Error(`Still ${JSON.stringify(await stage.grant('alice', id))}`);
}

test('through the real adapter: what the engineer may do in Azure follows the grant, and its end', async (t) => {
  const { stage, balancer, may } = await withAzure(t, {
    usableLag: 2 * SECOND,
    goneLag: 3 * SECOND,
    materialise: 5 * SECOND,
    minActive: 20 * SECOND,
  });
  const request = accepted(await settled(stage, stage.ask('alice', { resourceId: balancer })));
  assert.equal(request.state, 'approved');
  assert.ok(request.actions.length > 0);
  const id = request.grantId ?? '';
  await until(stage, id, 'assigned');
  await stage.clock.advance(5 * SECOND);
  assert.equal(await may(request.actions), 'allowed');
  await stage.observe('alice', id, 'allowed');

  accepted(await stage.call('alice', 'revoke', { id, body: { because: 'revoked' } }));
  await until(stage, id, 'gone');
  const gone = await stage.grant('alice', id);
  assert.equal(gone.proof, 'absent');
  assert.equal(await may(request.actions), 'denied');
});

test('through the real adapter: an extension has no gap, and its end takes the right', async (t) => {
  const { stage, balancer, may } = await withAzure(t);
  const first = accepted(await settled(stage, stage.ask('alice', { resourceId: balancer })));
  await until(stage, first.grantId ?? '', 'assigned');
  await stage.clock.advance(MINUTE);
  const next = accepted(await settled(stage, stage.ask('alice', { resourceId: balancer, follows: first.grantId })));
  await until(stage, next.grantId ?? '', 'assigned');
  assert.equal((await stage.grant('alice', first.grantId)).endReason, 'superseded');
  assert.equal(await may(next.actions), 'allowed');
  accepted(await stage.call('alice', 'revoke', { id: next.grantId ?? '', body: { because: 'revoked' } }));
  await until(stage, next.grantId ?? '', 'gone');
  assert.equal(await may(next.actions), 'denied');
});
