import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeEstate } from '../estate.ts';
import { objectOf, objectsOf, textOf } from '../json.ts';
import { stage } from '../stage.ts';
import { address, bodyFor, example, same, text } from './shapes.ts';
import { PERSON, tenant } from './tenant.ts';

test('the published Resource Graph queries are answered in their shape', async (t) => {
  const estate = tenant();
  const { resources } = makeEstate({ balancers: 9 });
  const moved = resources.map((one) => ({
    ...one,
    id: one.id.replace(/subscriptions\/[^/]+/, 'subscriptions/cfbbd179-59d2-4052-aa06-9270a38aa9d6').replace(/\/(lb|agw)-/, '/test-$1-'),
    name: `test-${one.name}`,
  }));
  const scene = await stage(t, { estate: { ...estate, resources: moved } });
  for (const name of ['ResourcesFirstPageQuery', 'ResourcesBasicQuery']) {
    const { parameters, responses } = example(name);
    const path = `/providers/Microsoft.ResourceGraph/resources?api-version=${text(parameters, 'api-version')}`;
    const answered = await scene.call(PERSON, 'POST', path, objectOf(parameters['query']));
    // Whoever owns a resource names its tags.
    same(
      responses['200']?.body,
      answered,
      200,
      [0, 1, 2].map((row) => `.data[${row}].tags.`),
    );
    assert.equal(answered.body['count'], 3);
  }
});

test('the published subscriptions are listed with their tags and managing tenants, a page at a time', async (t) => {
  const list = example('GetSubscriptions');
  const published = objectsOf(bodyFor(list)['value']);
  const subscriptions = published.map((one) => ({
    id: textOf(one['subscriptionId']) ?? '',
    name: textOf(one['displayName']) ?? '',
    tags: objectOf(one['tags']) as Record<string, string>,
    managedBy: objectsOf(one['managedByTenants']).map(({ tenantId }) => textOf(tenantId) ?? ''),
  }));
  const more = { id: '3c2d1e0f-1a2b-4c3d-8e4f-5a6b7c8d9e0f', name: 'On the next page' };
  const estate = { ...tenant(), subscriptions: [...subscriptions, more] };
  const { call } = await stage(t, { estate, limits: { pageSize: published.length } });
  const first = await call(PERSON, 'GET', address(list.parameters, '/subscriptions'));
  same(bodyFor(list), first, 200);
  const shared = (one: (typeof published)[number]) => [one['id'], one['displayName'], one['tags'], one['managedByTenants']];
  assert.deepEqual(objectsOf(first.body['value']).map(shared), published.map(shared));
  const { body } = await call(PERSON, 'GET', textOf(first.body['nextLink']) ?? '');
  assert.deepEqual(
    objectsOf(body['value']).map(({ displayName }) => displayName),
    [more.name],
  );
  assert.equal(body['nextLink'], undefined, 'nothing comes after the last page');
});
