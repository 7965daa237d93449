import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePart, findGrant } from '../../../daemon/cli/names.ts';
import { UsageError } from '../../../daemon/cli/outcome.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { API, byId, EDGE, grant, PARTS, part, TWINS, uuid, WEB } from './estate.ts';
import { stage } from './stage.ts';

interface Named {
  resource: { id: string };
  error: { code: string; message: string; candidates: { id: string; name: string }[] };
}

test('a resource is named by name in any case, by part, by kind and part, or by id', async (t) => {
  const { run } = await stage(t);
  const cases: [string, string][] = [
    ['prod-edge', EDGE.id],
    ['PROD-API', API.id],
    ['prod-edge/web', WEB.id],
    ['prod-edge/WEB/vm-1', `${EDGE.id}/members/vm-1`],
    ['prod-edge/vm-1', `${EDGE.id}/members/vm-1`],
    ['prod-edge/probe/http', `${EDGE.id}/probes/http`],
    ['prod-edge/rule/http', `${EDGE.id}/rules/http`],
    [WEB.id, WEB.id],
    [WEB.id.toUpperCase(), WEB.id],
    [EDGE.id.replace('azure:', '').replace('resourcegroups', 'resourceGroups'), EDGE.id],
  ];
  for (const [typed, id] of cases) {
    const ran = await run('roles', typed, '--json');
    assert.equal(ran.status, 0, typed);
    assert.equal((ran.json as Named).resource.id, id, typed);
  }
});

test('a name that is not unique lists the candidates, and nothing is chosen', async (t) => {
  const { run, calls } = await stage(t);
  const twin = await run('roles', 'twin', '--json');
  assert.equal(twin.status, 2);
  assert.deepEqual(
    (twin.json as Named).error.candidates.map(({ id }) => id),
    TWINS.map(({ id }) => id),
  );
  const parts = await run('roles', 'prod-edge/http', '--json');
  assert.equal(parts.status, 2);
  assert.deepEqual(
    (parts.json as Named).error.candidates.map(({ name }) => name),
    ['prod-edge/probe/http', 'prod-edge/rule/http'],
  );
  assert.ok(!calls.some(([method]) => method === 'eligibility'));
});

test('a name that nothing has offers what is near, and an id that is none says why', async (t) => {
  const { run } = await stage(t);
  const near = await run('show', 'edge', '--json');
  assert.deepEqual([near.status, (near.json as Named).error.candidates[0]?.name], [2, 'prod-edge']);
  assert.match((await run('show', 'nowhere')).err, /No load balancer is called nowhere\n.*portcullis ls/);
  assert.match((await run('show', 'prod-edge/nothing')).err, /prod-edge has no part called nothing[\s\S]*portcullis show prod-edge/);
  for (const typed of ['', '/', 'prod-edge/', 'prod-edge//web', 'azure:has space', 'azure:']) {
    const ran = await run('show', typed);
    assert.equal(ran.status, 2, typed);
  }
  const unknown = await run('show', 'azure:/subscriptions/other');
  assert.deepEqual([unknown.status, unknown.err], [3, 'There is no such resource\n']);
});

test('parts that hang under each other in a circle do not hang the command line', () => {
  const a = part('rule', 'a');
  const b = { ...part('rule', 'b'), parentId: a.id };
  assert.equal(choosePart(EDGE, [...PARTS, { ...a, parentId: b.id }, b], ['rule', 'a']).name, 'a');
});

test('a grant is named by the beginning of its id, never by too little or by two', () => {
  const grants = byId(grant(), grant({ id: 'bbbbcccc-1111-4111-8111-111111111111' as GrantId }));
  assert.equal(findGrant(grants, 'BBBBB'), uuid('b'));
  assert.equal(findGrant(grants, uuid('9')), uuid('9'));
  for (const typed of ['', 'b', 'bbb', 'bbbb', 'cccc', '%', 'bbbbbbbb-1111-4111-8111-1111111111111']) {
    assert.throws(() => findGrant(grants, typed), UsageError, typed);
  }
});
