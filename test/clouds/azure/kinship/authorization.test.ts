import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PEOPLE } from '../estate.ts';
import { objectOf, objectsOf } from '../json.ts';
import { stage } from '../stage.ts';
import { address, bodyFor, bodyOf, example, same, scopePath, text } from './shapes.ts';
import { PERSON, ROLE, SUBID, tenant } from './tenant.ts';

const { dan } = PEOPLE;
const ASSIGNMENT = 'roleAssignments/{roleAssignmentName}';

test('the published assignment is made once and again', async (t) => {
  const scene = await stage(t, { estate: tenant() });
  const assignment = example('RoleAssignments_CreateForResource');
  const made = scopePath(assignment.parameters, 'roleAssignments/{roleAssignmentName}');
  same(assignment.responses['201']?.body, await scene.call(PERSON, 'PUT', made, bodyOf(assignment.parameters)), 201);
  same(assignment.responses['200']?.body, await scene.call(PERSON, 'PUT', made, bodyOf(assignment.parameters)), 200);
});

test('the published assignment is read, listed at its scope, and removed once', async (t) => {
  const { call } = await stage(t, { estate: tenant() });
  const get = example('RoleAssignments_Get');
  const path = scopePath(get.parameters, ASSIGNMENT);
  const { roleDefinitionId, principalId, principalType } = objectOf(bodyFor(get)['properties']);
  await call(PERSON, 'PUT', path, { properties: { roleDefinitionId, principalId, principalType } });
  same(bodyFor(get), await call(PERSON, 'GET', path), 200);
  const list = example('RoleAssignments_ListForScope');
  const listed = await call(PERSON, 'GET', scopePath(list.parameters, 'roleAssignments'));
  same(bodyFor(list), listed, 200);
  assert.ok(objectsOf(listed.body['value']).some(({ id }) => id === bodyFor(get)['id']));

  const remove = example('RoleAssignments_Delete');
  const elsewhere = scopePath({ ...remove.parameters, scope: `subscriptions/${SUBID}` }, ASSIGNMENT);
  assert.equal((await call(PERSON, 'DELETE', elsewhere)).status, 204, 'it is not there');
  const gone = scopePath(remove.parameters, ASSIGNMENT);
  assert.equal((await call(dan.oid, 'DELETE', gone)).status, 403);
  same(bodyFor(remove), await call(PERSON, 'DELETE', gone), 200);
  same(bodyFor(remove, '204'), await call(PERSON, 'DELETE', gone), 204);
});

test('the published role definition is read by its name, by its id, and in the list of its scope', async (t) => {
  const { call } = await stage(t, { estate: tenant() });
  const scope = `subscriptions/${SUBID}`;
  const [byName, byId, list] = ['GetRoleDefinitionByName', 'GetRoleDefinitionById', 'GetRoleDefinitionAtScope'].map(example);
  assert.ok(byName && byId && list);
  const named = await call(
    PERSON,
    'GET',
    scopePath({ ...byName.parameters, scope, roleDefinitionId: ROLE.guid }, 'roleDefinitions/{roleDefinitionId}'),
  );
  same(bodyFor(byName), named, 200);
  const { roleName, description, permissions } = objectOf(bodyFor(byName)['properties']);
  const ours = objectOf(named.body['properties']);
  assert.deepEqual([ours['roleName'], ours['description'], ours['permissions']], [roleName, description, permissions]);
  const roleId = `${scope}/providers/Microsoft.Authorization/roleDefinitions/${ROLE.guid}`;
  same(bodyFor(byId), await call(PERSON, 'GET', address({ ...byId.parameters, roleId }, '/{roleId}')), 200);
  const listed = await call(PERSON, 'GET', scopePath({ ...list.parameters, scope }, 'roleDefinitions'));
  same(bodyFor(list), listed, 200);
  assert.ok(objectsOf(listed.body['value']).some(({ name }) => name === ROLE.guid));
});

test('anybody reads their own permissions at the published resource', async (t) => {
  const { call } = await stage(t, { estate: tenant() });
  const { parameters, responses } = example('GetResourcePermissions');
  const resource =
    '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/{resourceProviderNamespace}/{parentResourcePath}/{resourceType}/{resourceName}';
  const path = address(parameters, `${resource}/providers/Microsoft.Authorization/permissions`);
  const held = await call(PERSON, 'GET', path);
  same(responses['200']?.body, held, 200);
  assert.deepEqual(
    objectsOf(held.body['value']).map(({ actions }) => actions),
    [['*']],
  );
  assert.deepEqual((await call(dan.oid, 'GET', path)).body['value'], []);
});

test('the published lock is set, read, listed at its scope and below, and removed once', async (t) => {
  const { call } = await stage(t, { estate: tenant() });
  const put = example('ManagementLocks_CreateOrUpdateAtScope');
  const path = scopePath(put.parameters, 'locks/{lockName}');
  assert.equal((await call(dan.oid, 'PUT', path, bodyOf(put.parameters))).status, 403);
  same(bodyFor(put, '201'), await call(PERSON, 'PUT', path, bodyOf(put.parameters)), 201);
  same(bodyFor(put), await call(PERSON, 'PUT', path, bodyOf(put.parameters)), 200);
  const get = example('ManagementLocks_GetAtScope');
  same(bodyFor(get), await call(PERSON, 'GET', scopePath(get.parameters, 'locks/{lockName}')), 200);
  const list = example('ManagementLocks_ListAtScope');
  const below = example('ManagementLocks_ListAtResourceLevel');
  const resource =
    '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/{resourceProviderNamespace}/{parentResourcePath}/{resourceType}/{resourceName}';
  for (const [published, from] of [
    [list, scopePath(list.parameters, 'locks')],
    [below, address(below.parameters, `${resource}/providers/Microsoft.Authorization/locks`)],
  ] as const) {
    const listed = await call(PERSON, 'GET', `${from}&$filter=atScope()`);
    same(bodyFor(published), listed, 200);
    assert.deepEqual(
      objectsOf(listed.body['value']).map(({ name }) => name),
      [text(put.parameters, 'lockName')],
    );
  }

  const remove = example('ManagementLocks_DeleteAtScope');
  const gone = scopePath(remove.parameters, 'locks/{lockName}');
  assert.equal((await call(dan.oid, 'DELETE', gone)).status, 403);
  same(bodyFor(remove), await call(PERSON, 'DELETE', gone), 200);
  same(bodyFor(remove, '204'), await call(PERSON, 'DELETE', gone), 204);
});
