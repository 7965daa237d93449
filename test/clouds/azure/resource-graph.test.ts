import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SECOND } from '../../../protocol/clock.ts';
import { ArmError } from './arm-error.ts';
import { scopeOf } from './arm-id.ts';
import { makeEstate, PEOPLE } from './estate.ts';
import { type JsonObject, objectsOf } from './json.ts';
import { runKql } from './kql-run.ts';
import { parseKql } from './kql-syntax.ts';
import { READER } from './role-definitions.ts';
import { refusal, stage } from './stage.ts';

const { alice, dan } = PEOPLE;
const QUERY = `resources
| where type in~ ('microsoft.network/loadbalancers', 'Microsoft.Network/applicationGateways') // both kinds
| project id, name, type, location, resourceGroup, subscriptionId, sku, tags, prov = tostring(properties.provisioningState),
    fe = array_length(properties.frontendIPConfigurations), rules = array_length(coalesce(properties.loadBalancingRules, properties.requestRoutingRules))
| order by id asc`;

type Row = Record<string, unknown>;

test('an organisation of 5,000 balancers is read in pages of 1,000, each once', async (t) => {
  const { graph } = await stage(t, { estate: makeEstate({ balancers: 5_000 }) });
  const ids = new Set<unknown>();
  let skipToken: string | undefined;
  let pages = 0;
  do {
    const page = await graph(alice.oid).resources({
      query: QUERY,
      options: { resultFormat: 'objectArray', top: 5_000, ...(skipToken && { skipToken }) },
    });
    for (const row of page.data as Row[]) ids.add(row['id']);
    assert.ok((page.count ?? 0) <= 1_000);
    skipToken = page.skipToken;
    pages += 1;
  } while (skipToken);
  assert.deepEqual([ids.size, pages], [5_000, 5]);
});

test('rows are those that the caller may read, in the cases that the index uses', async (t) => {
  const { graph, world, clock, balancer } = await stage(t);
  world.assignments.add({
    name: crypto.randomUUID(),
    principalId: dan.oid,
    principalType: 'User',
    roleGuid: READER,
    scope: scopeOf(balancer.id),
    origin: 'plain',
    createdAt: clock.now(),
    createdBy: '',
  });
  const { data } = await graph(dan.oid).resources({ query: QUERY });
  assert.deepEqual(
    (data as Row[]).map(({ id, type }) => [id, type]),
    [[balancer.id, 'microsoft.network/loadbalancers']],
  );
  assert.equal((data as Row[])[0]?.['fe'], 1);
});

test('the index is late', async (t) => {
  const { graph, world, clock, balancer } = await stage(t, { timing: { indexLag: 30 * SECOND } });
  world.resources.put({ ...balancer, tags: { env: 'changed' } });
  world.resources.delete(world.estate.resources.find(({ id }) => id !== balancer.id)?.id ?? '');
  const tags = async () => {
    const { data } = await graph(alice.oid).resources({ query: QUERY });
    return [(data as Row[]).length, ((data as Row[]).find(({ id }) => id === balancer.id)?.['tags'] as { env?: string } | undefined)?.env];
  };
  assert.deepEqual(await tags(), [24, 'prod']);
  await clock.advance(30 * SECOND);
  assert.deepEqual(await tags(), [23, 'changed']);
});

test('fifteen queries in five seconds, and then the words and headers of throttling', async (t) => {
  const { call, clock } = await stage(t, { timing: { queryWindow: 5 * SECOND } });
  const query = () =>
    call(alice.oid, 'POST', '/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01', { query: 'resources | project id' });
  assert.equal((await query()).headers['x-ms-user-quota-remaining'], '14');
  for (let sent = 1; sent < 15; sent++) assert.equal((await query()).status, 200);
  const refused = await query();
  assert.equal(refused.status, 429);
  assert.deepEqual(
    [refused.headers['retry-after'], refused.headers['x-ms-user-quota-remaining'], refused.headers['x-ms-user-quota-resets-after']],
    ['5', '0', '00:00:05'],
  );
  assert.match(JSON.stringify(refused.body), /"code":"RateLimiting"/);
  await clock.advance(5 * SECOND);
  assert.equal((await query()).status, 200);
});

test('a query that is not understood is refused with an explanation, never half run', async (t) => {
  const { graph, call } = await stage(t);
  for (const query of [
    'resources | join kind=inner x on id',
    'resources | where nonsense == 1',
    'resources | where type = 3',
    'secrets',
    'resources | project a = frobnicate(id)',
    'resources | where name == "unfinished',
    '',
  ]) {
    assert.equal(await refusal(graph(alice.oid).resources({ query })), '400 BadRequest', query);
  }
  const { body } = await call(alice.oid, 'POST', '/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01', {
    query: 'resources | nonsense',
  });
  assert.match(JSON.stringify(body), /InvalidQuery/);
});

test('any text is either read or refused in the words of the service', () => {
  const piece = fc.constantFrom(
    'resources',
    '|',
    'where',
    'project',
    'order by',
    'id',
    'asc',
    '(',
    ')',
    ',',
    "'x'",
    '==',
    'in~',
    'and',
    'tostring',
    '.',
    '1',
    '"',
    '#',
    'limit',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((pieces) => pieces.join(' ')),
      ),
      (query) => {
        try {
          runKql(parseKql(query), [{ id: 'a' }, { id: 'b' }]);
        } catch (error) {
          assert.ok(error instanceof ArmError, `${query}: ${String(error)}`);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test('of a tenant with more subscriptions than the limit the first are read, and only a header says so', async (t) => {
  const { call, world } = await stage(t, { limits: { graphSubscriptionLimit: 2 } });
  const ids = world.estate.subscriptions.map(({ id }) => id);
  const read = async (more: JsonObject) => {
    const path = '/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01';
    const query = 'resources | project id, subscriptionId | order by id asc';
    const { body, headers } = await call(alice.oid, 'POST', path, { query, options: { resultFormat: 'objectArray' }, ...more });
    const seen = new Set(objectsOf(body['data']).map(({ subscriptionId }) => subscriptionId));
    return { seen: seen.size, truncated: body['resultTruncated'], hit: headers['x-ms-tenant-subscription-limit-hit'] };
  };
  assert.ok(ids.length > 2);
  const cut = { seen: 2, truncated: 'false', hit: 'true' };
  const whole = { seen: ids.length, truncated: 'false', hit: undefined };
  assert.deepEqual(await read({}), cut);
  assert.deepEqual(await read({ managementGroups: [world.estate.managementGroup] }), cut);
  assert.deepEqual(await read({ subscriptions: ids }), whole, 'who names them gets them');
  world.faults.cutsNamedSubscriptions = true;
  assert.deepEqual(await read({ subscriptions: ids }), cut);
});

test('filters, order and limits do what the query language says', () => {
  const row = fc.record({ name: fc.string(), rank: fc.integer(), tag: fc.constantFrom('a', 'A', 'b') });
  fc.assert(
    fc.property(fc.array(row), fc.nat(10), (rows, count) => {
      const sorted = runKql(parseKql(`resources | where tag =~ 'a' | order by rank asc | limit ${count}`), rows);
      const expected = rows
        .filter(({ tag }) => tag.toLowerCase() === 'a')
        .sort((one, two) => one.rank - two.rank)
        .slice(0, count);
      assert.deepEqual(
        sorted.map(({ rank }) => rank),
        expected.map(({ rank }) => rank),
      );
      assert.deepEqual(
        runKql(parseKql("resources | where not(tag in ('a', 'b')) | project tag"), rows),
        rows.filter(({ tag }) => tag === 'A').map(({ tag }) => ({ tag })),
      );
    }),
  );
});
