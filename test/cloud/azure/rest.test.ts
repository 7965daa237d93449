import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { azureClients } from '../../../cloud/azure/clients.ts';
import { call } from '../../../cloud/azure/rest.ts';
import { Fault } from '../../../protocol/fault.ts';
import { PEOPLE } from '../../clouds/azure/estate.ts';
import { signal, startStage } from './stage.ts';

const locks = (subscription: string) => `/subscriptions/${subscription}/providers/Microsoft.Authorization/locks`;
const query = { 'api-version': '2020-05-01' };

test('the token does not follow a link to another host', async (t) => {
  const stage = await startStage(t);
  const clients = azureClients(stage.azure.credential(PEOPLE.alice.oid), stage.settings);
  for (const path of ['https://evil.example/x', '//evil.example/x', 'http://localhost/x']) {
    await assert.rejects(
      call(clients, stage.settings, { method: 'GET', path, query, answer: v.unknown() }, signal()),
      (error) => error instanceof Fault && error.code === 'protocol-violation',
    );
  }
});

test('an answer of another shape is said to be one', async (t) => {
  const stage = await startStage(t);
  const clients = azureClients(stage.azure.credential(PEOPLE.alice.oid), stage.settings);
  const [subscription] = stage.azure.world.estate.subscriptions;
  const answer = v.object({ nothingLikeThis: v.string() });
  await assert.rejects(
    call(clients, stage.settings, { method: 'GET', path: locks(subscription?.id ?? ''), query, answer }, signal()),
    (error) => error instanceof Fault && /not understood/.test(error.message),
  );
});

test('paths go out with single slashes, whatever the client writes', async (t) => {
  const stage = await startStage(t);
  const balancer = await stage.balancer('Shop production');
  await stage.provider().access.check(balancer.id, ['Microsoft.Network/loadBalancers/read'], signal());
  await stage.selfService().eligible({ id: balancer.id, name: '', kind: '', balancerId: balancer.id, balancerName: '' }, signal());
  for (const { url } of stage.azure.world.calls.all()) assert.ok(!url.split('?')[0]?.includes('//'), url);
});

test('settings of a sovereign cloud reach every client', async (t) => {
  const stage = await startStage(t);
  const scopes = new Set<string>();
  const { getToken } = stage.azure.credential(PEOPLE.alice.oid);
  const settings = { ...stage.settings, audience: 'https://management.core.windows.net/' };
  const credential = {
    getToken: (scope: string | string[], options?: Parameters<typeof getToken>[1]) => {
      scopes.add([scope].flat().join());
      return getToken(scope, options);
    },
  };
  const clients = azureClients(credential, settings);
  const [subscription] = stage.azure.world.estate.subscriptions;
  const list = (await clients.subscriptions()).subscriptions.list();
  for await (const _ of list);
  for await (const _ of (await clients.network(subscription?.id ?? '')).loadBalancers.listAll());
  await (await clients.graph()).resources({ query: 'resources | project id' });
  await call(clients, settings, { method: 'GET', path: locks(subscription?.id ?? ''), query, answer: v.unknown() }, signal());
  assert.deepEqual([...scopes], ['https://management.core.windows.net/.default']);
});
