import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PEOPLE } from '../estate.ts';
import type { JsonObject } from '../json.ts';
import { objectOf, objectsOf } from '../json.ts';
import { type Answered, type Stage, stage } from '../stage.ts';
import { bodyFor, bodyOf, differences, example, same, scopePath } from './shapes.ts';
import { PERSON, REVIEWED, REVIEWER, tenant } from './tenant.ts';

const REQUEST = 'roleAssignmentScheduleRequests/{roleAssignmentScheduleRequestName}';

/** The published activation, asked for where a reviewer decides. */
async function askReviewed({ call }: Stage): Promise<Answered> {
  const put = example('PutRoleAssignmentScheduleRequest');
  const { linkedRoleEligibilityScheduleId: _, ...properties } = objectOf(bodyOf(put.parameters)['properties']);
  return call(PERSON, 'PUT', scopePath({ ...put.parameters, scope: REVIEWED.slice(1) }, REQUEST), { properties });
}

test('the published activation is provisioned and appears in the published lists', async (t) => {
  const scene = await stage(t, { estate: tenant() });
  const eligible = example('GetRoleEligibilityScheduleInstancesByScope');
  same(
    eligible.responses['200']?.body,
    await scene.call(PERSON, 'GET', scopePath(eligible.parameters, 'roleEligibilityScheduleInstances')),
    200,
  );

  const validate = example('ValidateRoleAssignmentScheduleRequestByName');
  const dry = await scene.call(
    PERSON,
    'POST',
    scopePath(validate.parameters, 'roleAssignmentScheduleRequests/{roleAssignmentScheduleRequestName}/validate'),
    bodyOf(validate.parameters),
  );
  same(validate.responses['200']?.body, dry, 200);

  const put = example('PutRoleAssignmentScheduleRequest');
  const created = await scene.call(PERSON, 'PUT', scopePath(put.parameters, REQUEST), bodyOf(put.parameters));
  same(put.responses['201']?.body, created, 201);
  assert.equal(objectOf(created.body['properties'])['status'], 'Provisioned');

  for (const [name, segment] of [
    ['GetRoleAssignmentScheduleInstancesByScope', 'roleAssignmentScheduleInstances'],
    ['GetRoleAssignmentSchedulesByScope', 'roleAssignmentSchedules'],
  ] as const) {
    const list = example(name);
    const answered = await scene.call(PERSON, 'GET', scopePath(list.parameters, segment));
    same(list.responses['200']?.body, answered, 200);
    assert.ok(objectsOf(answered.body['value']).length > 0, `${segment} lists the activation`);
  }
});

test('the published request is read by its name and listed at its scope', async (t) => {
  const scene = await stage(t, { estate: tenant() });
  const { call } = scene;
  const put = example('PutRoleAssignmentScheduleRequest');
  assert.equal((await call(PERSON, 'PUT', scopePath(put.parameters, REQUEST), bodyOf(put.parameters))).status, 201);
  const get = example('GetRoleAssignmentScheduleRequestByName');
  same(bodyFor(get), await call(PERSON, 'GET', scopePath(get.parameters, REQUEST)), 200);
  assert.equal((await call(PEOPLE.dan.oid, 'GET', scopePath(get.parameters, REQUEST))).status, 403);
  const list = example('GetRoleAssignmentScheduleRequestByScope');
  const listed = await call(PERSON, 'GET', scopePath(list.parameters, 'roleAssignmentScheduleRequests'));
  same(bodyFor(list), listed, 200);
  assert.deepEqual(
    objectsOf(listed.body['value']).map(({ name }) => name),
    [bodyFor(get)['name']],
  );
});

test('the published request is canceled while it waits for its approval, by whom it concerns', async (t) => {
  const scene = await stage(t, { estate: tenant() });
  const statusOf = ({ body }: Answered) => objectOf(body['properties'])['status'];
  assert.equal(statusOf(await askReviewed(scene)), 'PendingApproval');
  const cancel = example('CancelRoleAssignmentScheduleRequestByName');
  const parameters = { ...cancel.parameters, scope: REVIEWED.slice(1) };
  const path = scopePath(parameters, `${REQUEST}/cancel`);
  assert.equal((await scene.call(PEOPLE.dan.oid, 'POST', path)).status, 403);
  const { status, body } = await scene.call(PERSON, 'POST', path);
  assert.deepEqual([status, body], [200, bodyFor(cancel)]);
  assert.equal(statusOf(await scene.call(PERSON, 'GET', scopePath(parameters, REQUEST))), 'Canceled');
});

test('the published rules are read, and the published approval is given by its approver alone', async (t) => {
  const scene = await stage(t, { estate: tenant() });
  const rules = example('GetRoleManagementPolicyAssignmentByScope');
  const answered = await scene.call(PERSON, 'GET', scopePath(rules.parameters, 'roleManagementPolicyAssignments'));
  same(rules.responses['200']?.body, answered, 200);
  const shapes = (body: JsonObject | undefined) =>
    objectsOf(objectOf(objectsOf(body?.['value'])[0]?.['properties'])['effectiveRules']).map((rule) => [rule['id'], rule]);
  const ours = new Map(shapes(answered.body) as [string, JsonObject][]);
  for (const [id, rule] of shapes(rules.responses['200']?.body) as [string, JsonObject][])
    assert.deepEqual(differences(rule, ours.get(id)), [], id);

  const asked = await askReviewed(scene);
  assert.equal(objectOf(asked.body['properties'])['status'], 'PendingApproval');

  const approvals = example('ScopeGetRoleAssignmentApprovals');
  const waiting = await scene.call(REVIEWER, 'GET', `${scopePath(approvals.parameters, 'roleAssignmentApprovals')}&$filter=asApprover()`);
  same(approvals.responses['200']?.body, waiting, 200);
  const [approval] = objectsOf(waiting.body['value']);
  const [first] = objectsOf(objectOf(approval?.['properties'])['stages']);
  const patch = example('ScopePatchRoleAssignmentApprovalStepById');
  const approvalId = String(approval?.['name']);
  const stageId = String(first?.['name']);
  const path = scopePath({ ...patch.parameters, approvalId, stageId }, 'roleAssignmentApprovals/{approvalId}/stages/{stageId}');
  assert.equal((await scene.call(PEOPLE.dan.oid, 'PATCH', path, bodyOf(patch.parameters))).status, 403, 'only an approver acts');
  same(patch.responses['200']?.body, await scene.call(REVIEWER, 'PATCH', path, bodyOf(patch.parameters)), 200);
});
