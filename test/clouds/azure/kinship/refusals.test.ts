import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../json.ts';
import { isObject, objectOf, objectsOf } from '../json.ts';
import { type Answered, stage } from '../stage.ts';
import { bodyFor, bodyOf, example, networkPath, scopePath, sendable } from './shapes.ts';
import { PERSON, REVIEWER, tenant } from './tenant.ts';

/**
 * Microsoft publishes no example of a refusal for what Portcullis calls. It publishes the schema of every refusal:
 * `ErrorDetail` of common-types/resource-management, of whose members the network's `CloudErrorBody` has the first four.
 */
const MEMBERS = ['code', 'message', 'target', 'details', 'additionalInfo'];

function assertErrorDetail(error: Json | undefined, at: string): void {
  assert.ok(isObject(error), at);
  assert.deepEqual(
    Object.keys(error).filter((name) => !MEMBERS.includes(name)),
    [],
    at,
  );
  for (const name of ['code', 'message']) assert.equal(typeof error[name], 'string', `${at}.${name}`);
  for (const [index, one] of objectsOf(error['details']).entries()) assertErrorDetail(one, `${at}.details[${index}]`);
}

/** @param words As the documentation named at each call prints them, with its placeholders open. */
function assertRefused({ status, body }: Answered, expected: number, code: string, words: RegExp): void {
  assert.deepEqual([status, objectOf(body['error'])['code']], [expected, code]);
  assert.deepEqual(Object.keys(body), ['error']);
  assertErrorDetail(body['error'], 'error');
  assert.match(String(objectOf(body['error'])['message']), words);
}

const get = example('LoadBalancerGet');
const path = networkPath(get.parameters, 'loadBalancers/{loadBalancerName}');
const body = sendable(bodyFor(get));

test('who has no right is refused in the documented words', async (t) => {
  const { call } = await stage(t, { estate: { ...tenant(), assignments: [] } });
  // learn.microsoft.com/azure/role-based-access-control/troubleshooting, in the form of a caller without a condition.
  const words =
    /^The client '\S+' with object id '\S+' does not have authorization .*to perform action 'Microsoft\.Network\/loadBalancers\/read' over scope '\S+' or the scope is invalid\. If access was recently granted, please refresh your credentials\.$/;
  assertRefused(await call(PERSON, 'GET', path), 403, 'AuthorizationFailed', words);
});

test('what is not there is refused in the documented words', async (t) => {
  const { call } = await stage(t, { estate: tenant() });
  // learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found; the service quotes the group as well.
  const words = /^The Resource 'Microsoft\.Network\/loadBalancers\/lb' under resource group '?rg1'? was not found\./;
  assertRefused(await call(PERSON, 'GET', path), 404, 'ResourceNotFound', words);
});

test('what a lock holds is refused in the documented words', async (t) => {
  const { call } = await stage(t, { estate: tenant() });
  await call(PERSON, 'PUT', path, body);
  const lock = example('ManagementLocks_CreateOrUpdateAtScope');
  const scope = `subscriptions/${String(get.parameters['subscriptionId'])}`;
  await call(PERSON, 'PUT', scopePath({ ...lock.parameters, scope }, 'locks/{lockName}'), bodyOf(lock.parameters));
  // learn.microsoft.com/azure-stack/hci, "Troubleshoot deployment validation issues", prints the words for a deletion.
  const words = (act: string) =>
    new RegExp(
      `^The scope '\\S+' cannot perform ${act} operation because following scope\\(s\\) are locked: '\\S+'\\. Please remove the lock and try again\\.$`,
    );
  assertRefused(await call(PERSON, 'DELETE', path), 409, 'ScopeLocked', words('delete'));
  assertRefused(await call(PERSON, 'PUT', path, body), 409, 'ScopeLocked', words('write'));
});

test('a write on a condition that does not hold names both etags', async (t) => {
  const { call } = await stage(t, { estate: tenant() });
  await call(PERSON, 'PUT', path, body);
  const refused = await call(PERSON, 'PUT', path, body, { 'if-match': 'W/"old"' });
  // Not documented: met in hashicorp/terraform-provider-azurerm#13886 and kubernetes-sigs/cloud-provider-azure#9729.
  assertRefused(refused, 412, 'PreconditionFailed', /^Precondition failed\.$/);
  const [detail] = objectsOf(objectOf(refused.body['error'])['details']);
  assert.equal(detail?.['code'], 'PreconditionFailedEtagMismatch');
  assert.match(
    String(detail?.['message']),
    /^Etag provided in if-match header W\/"old" does not match etag W\/"\S+" of resource \/subscriptions\/\S+ in NRP data store\.$/,
  );
});

test('who asks too often is told how long to wait', async (t) => {
  const { call, world } = await stage(t, { estate: tenant() });
  world.faults.add({ call: /loadBalancers/, times: 1, oid: REVIEWER, trouble: { kind: 'throttle', retryAfter: '17' } });
  const refused = await call(REVIEWER, 'GET', path);
  // learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling has the status and the header.
  assertRefused(refused, 429, 'TooManyRequests', /throttled/);
  assert.equal(refused.headers['retry-after'], '17');
});
