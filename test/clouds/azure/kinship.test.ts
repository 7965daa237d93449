import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Estate, makeEstate, PEOPLE } from './estate.ts';
import type { Json, JsonObject } from './json.ts';
import { isObject, objectOf, objectsOf, textOf } from './json.ts';
import { defaultPolicy } from './pim-policy.ts';
import { OWNER, permission, type RoleDefinition } from './role-definitions.ts';
import { type Answered, type Stage, stage } from './stage.ts';

/** Microsoft's published examples, sent as they are to a tenant in which their people and resources exist. */
const SUBID = '0b1f6471-1bf0-4dda-aec3-cb9272f09590';
const PERSON = 'a3bb8764-cb92-4276-9d2a-ca1e895e55ea';
const REVIEWER = 'a6c7aecb-cbfd-4763-87ef-e91b4bd509d9';
const SUBSCRIPTIONS = [
  SUBID,
  'dfa2a084-766f-4003-8ae1-c4aeb893a99f',
  '129ff972-28f8-46b8-a726-e497be039368',
  '69356bc4-b3be-441a-b12f-503b745e0dea',
  'cfbbd179-59d2-4052-aa06-9270a38aa9d6',
  'a925f2f7-5c63-4b7b-8799-25a5f97bc3b2',
];

interface Example {
  parameters: JsonObject;
  responses: Record<string, { body?: JsonObject; headers?: JsonObject }>;
}

function example(name: string): Example {
  const text = readFileSync(new URL(`examples/${name}.json`, import.meta.url), 'utf8');
  return JSON.parse(text.replaceAll('subid', SUBID)) as Example;
}

function tenant(): Estate {
  const estate = makeEstate({ balancers: 0 });
  const root = `/providers/Microsoft.Management/managementGroups/${estate.managementGroup}`;
  const role = (guid: string, roleName: string): RoleDefinition => ({
    guid,
    roleName,
    description: '',
    kind: 'CustomRole',
    permissions: [permission(['*/read'])],
    assignableScopes: ['/'],
  });
  const scope = '/subscriptions/dfa2a084-766f-4003-8ae1-c4aeb893a99f';
  const roleGuid = 'c8d4ff99-41c3-41a8-9f60-21dfdad59608';
  return {
    ...estate,
    subscriptions: SUBSCRIPTIONS.map((id) => ({ id, name: 'Pay-As-You-Go' })),
    principals: [
      ...estate.principals,
      { oid: PERSON, kind: 'User', name: 'User Account', upn: 'user@my-tenant.com' },
      { oid: REVIEWER, kind: 'User', name: 'Shubham Gupta', upn: 'shugup@microsoft.com' },
      { oid: 'ce2ce14e-85d7-4629-bdbc-454d0519d987', kind: 'User', name: 'Somebody', upn: 'somebody@my-tenant.com' },
    ],
    roleDefinitions: [
      role(roleGuid, 'Contributor'),
      role('a1705bd2-3a8f-45a5-8683-466fcfd5cc24', 'FHIR Data Converter'),
      role('0b5fe924-9a61-425c-96af-cfe6e287ca2d', 'DocumentDB'),
    ],
    assignments: [
      { principalId: PERSON, roleGuid: OWNER, scope: root },
      { principalId: REVIEWER, roleGuid: OWNER, scope: root },
    ],
    eligibilities: [
      { name: 'b1477448-2cc6-4ceb-93b4-54a202a89413', principalId: PERSON, roleGuid, scope, startsAt: 0, endsAt: Date.UTC(2030, 0, 1) },
      {
        name: 'c1477448-2cc6-4ceb-93b4-54a202a89413',
        principalId: PERSON,
        roleGuid,
        scope: '/subscriptions/69356bc4-b3be-441a-b12f-503b745e0dea',
        startsAt: 0,
      },
    ],
    policies: [
      { ...defaultPolicy(roleGuid, scope), enabled: [] },
      { ...defaultPolicy(roleGuid, '/subscriptions/69356bc4-b3be-441a-b12f-503b745e0dea'), enabled: [], approvers: [REVIEWER] },
      {
        ...defaultPolicy('a1705bd2-3a8f-45a5-8683-466fcfd5cc24', '/subscriptions/129ff972-28f8-46b8-a726-e497be039368'),
        name: 'b959d571-f0b5-4042-88a7-01be6cb22db9',
        approvers: ['2385b0f3-5fa9-43cf-8ca4-b01dc97298cd'],
      },
    ],
  };
}

/** Members that our answer may have beyond a published one: the service documents them, the example leaves them out. */
const BEYOND = new Set(
  'etag type id resourceGuid tier sku tags zones linkedRoleEligibilityScheduleId identity publicCertData requireServerNameIndication keyVaultSecretId createdOn createdBy updatedOn updatedBy condition conditionVersion delegatedManagedIdentityResourceId description trustedRootCertificates sslProfiles rewriteRuleSets requestRoutingRules globalConfiguration inboundNatRules outboundRules networkInterfaceIPConfigurationId healthProbeLog'.split(
    ' ',
  ),
);

/** Where the shapes differ: names and types of members. Null stands for any type, an empty list for any list. */
function differences(published: Json, ours: Json | undefined, at = ''): string[] {
  if (ours === undefined) return [`${at} is missing`];
  if (published === null || ours === null) return [];
  if (Array.isArray(published)) {
    if (!Array.isArray(ours)) return [`${at} is not a list`];
    const [first] = published;
    const [mine] = ours;
    return first === undefined || mine === undefined ? [] : differences(first, mine, `${at}[0]`);
  }
  if (isObject(published)) {
    if (!isObject(ours)) return [`${at} is not an object`];
    const missing = Object.entries(published).flatMap(([name, value]) => differences(value ?? null, ours[name], `${at}.${name}`));
    const more = Object.keys(ours).filter((name) => !(name in published) && !BEYOND.has(name));
    return [...missing, ...more.map((name) => `${at}.${name} is not in the published answer`)];
  }
  return typeof published === typeof ours ? [] : [`${at} is ${typeof ours}, not ${typeof published}`];
}

function same(published: JsonObject | undefined, answered: Answered, status: number, without: readonly string[] = []): void {
  assert.equal(answered.status, status, JSON.stringify(answered.body));
  const found = differences(published ?? {}, answered.body).filter((one) => !without.some((name) => one.startsWith(name)));
  assert.deepEqual(found, []);
}

const text = (parameters: JsonObject, name: string): string => textOf(parameters[name]) ?? '';

function networkPath(parameters: JsonObject, tail: string): string {
  const group = text(parameters, 'resourceGroupName') || text(parameters, 'groupName');
  const base = `/subscriptions/${text(parameters, 'subscriptionId')}/resourceGroups/${group}/providers/Microsoft.Network`;
  return `${base}/${tail.replace(/\{(\w+)\}/g, (_, name: string) => text(parameters, name))}?api-version=${text(parameters, 'api-version')}`;
}

function scopePath(parameters: JsonObject, tail: string): string {
  const filter = text(parameters, '$filter');
  const query = `api-version=${text(parameters, 'api-version')}${filter && `&$filter=${encodeURIComponent(filter)}`}`;
  return `/${text(parameters, 'scope')}/providers/Microsoft.Authorization/${tail.replace(/\{(\w+)\}/g, (_, name: string) => text(parameters, name))}?${query}`;
}

const bodyOf = (parameters: JsonObject): JsonObject =>
  objectOf(parameters['parameters'] ?? parameters['body'] ?? parameters['inboundNatRuleParameters']);

async function settled({ call }: Stage, oid: string, started: Answered): Promise<Answered> {
  return call(oid, 'GET', started.headers['location'] ?? '');
}

test('the published load balancer is created, and its pool and NAT rule are written as their own resources', async (t) => {
  const scene = await stage(t, { estate: tenant() });
  const lb = example('LoadBalancerCreate');
  const created = await scene.call(PERSON, 'PUT', networkPath(lb.parameters, 'loadBalancers/{loadBalancerName}'), bodyOf(lb.parameters));
  same(lb.responses['201']?.body, created, 201);
  assert.match(
    created.headers['azure-asyncoperation'] ?? '',
    /\/subscriptions\/[^/]+\/providers\/Microsoft\.Network\/locations\/eastus\/operations\//,
  );

  const pool = example('LBBackendAddressPoolWithBackendAddressesPut');
  const inGroup = JSON.parse(
    JSON.stringify(bodyOf(lb.parameters)).replaceAll('resourceGroups/rg1', 'resourceGroups/testrg').replaceAll('be-lb', 'backend'),
  ) as JsonObject;
  await scene.call(
    PERSON,
    'PUT',
    networkPath({ ...lb.parameters, resourceGroupName: 'testrg' }, 'loadBalancers/{loadBalancerName}'),
    inGroup,
  );
  const written = await scene.call(
    PERSON,
    'PUT',
    networkPath(pool.parameters, 'loadBalancers/{loadBalancerName}/backendAddressPools/{backendAddressPoolName}'),
    bodyOf(pool.parameters),
  );
  same(pool.responses['200']?.body, written, 200);

  const nat = example('InboundNatRuleCreate');
  const lb1 = JSON.parse(
    JSON.stringify(inGroup).replaceAll('loadBalancers/lb/', 'loadBalancers/lb1/').replaceAll('fe-lb', 'ip1'),
  ) as JsonObject;
  await scene.call(
    PERSON,
    'PUT',
    networkPath({ ...lb.parameters, resourceGroupName: 'testrg', loadBalancerName: 'lb1' }, 'loadBalancers/{loadBalancerName}'),
    lb1,
  );
  const rule = await scene.call(
    PERSON,
    'PUT',
    networkPath(nat.parameters, 'loadBalancers/{loadBalancerName}/inboundNatRules/{inboundNatRuleName}'),
    bodyOf(nat.parameters),
  );
  // A network interface binds itself to a rule from its own side, which no body of this request can do.
  same(nat.responses['201']?.body, rule, 201, ['.properties.backendIPConfiguration']);

  const health = example('LoadBalancerHealth');
  const parameters = { ...health.parameters, groupName: 'testrg', loadBalancerName: 'lb' };
  const started = await scene.call(
    PERSON,
    'POST',
    networkPath(parameters, 'loadBalancers/{loadBalancerName}/loadBalancingRules/{loadBalancingRuleName}/health'),
  );
  assert.equal(started.status, 202);
  same(health.responses['200']?.body, await settled(scene, PERSON, started), 200, [
    '.loadBalancerBackendAddresses[0].networkInterfaceIPConfigurationId',
  ]);
});

test('the published application gateway is created, started, and asked for the health of its backends', async (t) => {
  const scene = await stage(t, { estate: tenant() });
  const gateway = example('ApplicationGatewayCreate');
  const created = await scene.call(
    PERSON,
    'PUT',
    networkPath(gateway.parameters, 'applicationGateways/{applicationGatewayName}'),
    bodyOf(gateway.parameters),
  );
  same(gateway.responses['201']?.body, created, 201);
  const certificates = JSON.stringify(objectOf(created.body['properties'])['sslCertificates']);
  assert.doesNotMatch(certificates, /"data"|"password"/, 'the key of a certificate is never given back');

  const start = example('ApplicationGatewayStart');
  const started = await scene.call(PERSON, 'POST', networkPath(start.parameters, 'applicationGateways/{applicationGatewayName}/start'));
  assert.equal(started.status, 202);
  assert.match(
    started.headers['location'] ?? '',
    /\/subscriptions\/[^/]+\/providers\/Microsoft\.Network\/locations\/[^/]+\/operationResults\/[0-9a-f-]{36}\?api-version=2024-07-01$/,
  );

  const health = example('ApplicationGatewayBackendHealthGet');
  const parameters = { ...health.parameters, resourceGroupName: 'rg1' };
  const asked = await scene.call(PERSON, 'POST', networkPath(parameters, 'applicationGateways/{applicationGatewayName}/backendhealth'));
  assert.equal(asked.status, 202);
  same(health.responses['200']?.body, await settled(scene, PERSON, asked), 200);
});

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
  const created = await scene.call(
    PERSON,
    'PUT',
    scopePath(put.parameters, 'roleAssignmentScheduleRequests/{roleAssignmentScheduleRequestName}'),
    bodyOf(put.parameters),
  );
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

test('the published rules, approvals and assignment have the published shapes', async (t) => {
  const scene = await stage(t, { estate: tenant() });
  const rules = example('GetRoleManagementPolicyAssignmentByScope');
  const answered = await scene.call(PERSON, 'GET', scopePath(rules.parameters, 'roleManagementPolicyAssignments'));
  same(rules.responses['200']?.body, answered, 200);
  const shapes = (body: JsonObject | undefined) =>
    objectsOf(objectOf(objectsOf(body?.['value'])[0]?.['properties'])['effectiveRules']).map((rule) => [rule['id'], rule]);
  const ours = new Map(shapes(answered.body) as [string, JsonObject][]);
  for (const [id, rule] of shapes(rules.responses['200']?.body) as [string, JsonObject][])
    assert.deepEqual(differences(rule, ours.get(id)), [], id);

  const scope = 'subscriptions/69356bc4-b3be-441a-b12f-503b745e0dea';
  const put = example('PutRoleAssignmentScheduleRequest');
  const ask = objectOf(bodyOf(put.parameters)['properties']);
  const { linkedRoleEligibilityScheduleId: _, ...properties } = ask;
  const asked = await scene.call(
    PERSON,
    'PUT',
    scopePath({ ...put.parameters, scope }, 'roleAssignmentScheduleRequests/{roleAssignmentScheduleRequestName}'),
    { properties },
  );
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

  const assignment = example('RoleAssignments_CreateForResource');
  const made = scopePath(assignment.parameters, 'roleAssignments/{roleAssignmentName}');
  same(assignment.responses['201']?.body, await scene.call(PERSON, 'PUT', made, bodyOf(assignment.parameters)), 201);
  same(assignment.responses['200']?.body, await scene.call(PERSON, 'PUT', made, bodyOf(assignment.parameters)), 200);
});

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
    same(responses['200']?.body, answered, 200, name === 'ResourcesBasicQuery' ? ['.data[0].tags'] : []);
    assert.equal(answered.body['count'], 3);
  }
});
