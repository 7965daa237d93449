import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestError } from '@azure/core-rest-pipeline';
import * as v from 'valibot';
import { type AzureError, azureErrorOf, codeOf, isDefinite, retryAfterOf } from '../../../cloud/azure/azure-error.ts';
import { faultOf, problemOf, ROWS } from '../../../cloud/azure/errors.ts';
import { Fault } from '../../../protocol/fault.ts';
import { RefusalCode } from '../../../protocol/refusal.ts';

const NOW = Date.UTC(2026, 10, 23, 9, 0, 0);
const scope = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/loadBalancers/lb-web';
const rules = (...names: string[]) => `The following policy rules failed: ${JSON.stringify(names)}`;

/** What Azure says, and what a person must find in our words: the code, a piece of the message, a piece of the way out. */
const TABLE: [status: number, code: string, message: string, refusal: RefusalCode, says: RegExp, wayOut: RegExp][] = [
  [400, 'RoleAssignmentExists', 'The Role assignment already exists.', 'already-elevated', /Already elevated/, /up to 5 minutes/],
  [409, 'RoleAssignmentExists', 'The role assignment already exists.', 'already-elevated', /Already elevated/, /still closing/],
  [400, 'BadRequest', 'The Role assignment already exists.', 'already-elevated', /Already elevated/, /still closing/],
  [400, 'RoleAssignmentDoesNotExist', 'The Role assignment does not exist.', 'too-late', /not finished starting/, /denies access/],
  [400, 'ActiveDurationTooShort', 'Miniumum Required is 5 minutes.', 'refused-by-policy', /first 5 minutes/, /as soon as/],
  [400, 'PendingRoleAssignmentRequest', 'There is already a pending request.', 'already-elevated', /already waits/, /cancel/],
  [400, 'RoleAssignmentRequestPolicyValidationFailed', rules('ExpirationRule'), 'bad-input', /less time/, /shorter/],
  [400, 'RoleAssignmentRequestPolicyValidationFailed', 'JustificationRule - Justification is required', 'bad-input', /reason/, /reason/],
  [400, 'RoleAssignmentRequestPolicyValidationFailed', rules('TicketingRule'), 'bad-input', /ticket/, /ticket/],
  [400, 'RoleAssignmentRequestPolicyValidationFailed', rules('MfaRule'), 'not-signed-in', /second factor/, /Sign in/],
  [
    400,
    'RoleAssignmentRequestPolicyValidationFailed',
    rules('EligibilityRule', 'MfaRule'),
    'not-eligible',
    /Not eligible.*second factor/,
    /administrator/,
  ],
  [400, 'RoleAssignmentRequestAcrsValidationFailed', '&claims=%7B%7D', 'not-signed-in', /stronger sign-in/, /Sign in/],
  [400, 'InvalidRoleAssignmentRequestSchedule', 'The duration PT1S is too short.', 'bad-input', /PT1S/, /another length/],
  [400, 'SubjectNotFound', 'The subject is not found.', 'not-found', /does not know this person/, /minutes/],
  [
    403,
    'AuthorizationFailed',
    `The client 'a@b' with object id 'x' does not have authorization to perform action 'Microsoft.Network/loadBalancers/write' over scope '${scope}' or the scope is invalid.`,
    'not-eligible',
    /Microsoft\.Network\/loadBalancers\/write on lb-web/,
    /Elevate on lb-web as "Full write"/,
  ],
  [
    403,
    'LinkedAuthorizationFailed',
    "The client has permission to perform action 'x' on scope 'y'; however, it does not have permission to perform action(s) 'join/action' on the linked scope(s) '/subscriptions/s/subnets/web' (respectively).",
    'not-eligible',
    /\/subscriptions\/s\/subnets\/web/,
    /Leave that part as it is, or ask an administrator/,
  ],
  [
    400,
    'ApplicationGatewayInsufficientPermissionOnSubnet',
    'No rights on /subscriptions/s/subnets/gw.',
    'not-eligible',
    /subnets\/gw/,
    /Leave that part/,
  ],
  [400, 'ScopeDoesNotMatchRoleDefinition', 'The scope is not valid for the role.', 'unsupported', /not set up/, /administrator/],
  [403, 'InsufficientPermissions', 'The requestor does not have permissions.', 'unsupported', /not set up/, /let Portcullis assign/],
  [400, 'RoleAssignmentLimitExceeded', 'No more role assignments can be created.', 'unsupported', /no room/, /administrator/],
  [
    409,
    'ScopeLocked',
    "because following scope(s) are locked: '/subscriptions/s'.",
    'locked',
    /lock.*\/subscriptions\/s/,
    /remove the lock/,
  ],
  [409, 'FailedAsResourceIsLocked', '', 'locked', /lock keeps Azure/, /does not end/],
  [412, 'PreconditionFailed', 'The etag does not match.', 'too-late', /changed this balancer/, /Read it again/],
  [429, 'TooManyRequests', 'Slow down.', 'rate-limited', /too often/, /minute/],
  [429, '', '', 'rate-limited', /too often/, /minute/],
  [401, 'ExpiredAuthenticationToken', 'The token has expired.', 'not-signed-in', /does not accept the sign-in/, /Sign in/],
  [401, '', '', 'not-signed-in', /does not accept/, /Sign in/],
  [404, 'ResourceNotFound', 'The resource was not found.', 'not-found', /does not find it/, /refresh/],
  [503, 'ServiceUnavailable', 'Try later.', 'unreachable', /does not answer \(503\)/, /Try again/],
];

for (const [status, code, message, refusal, says, wayOut] of TABLE) {
  test(`${status} ${code || '(no code)'} ${message.slice(0, 40)}`, () => {
    const error: AzureError = { status, code, message };
    const problem = problemOf(error);
    assert.equal(problem.code, refusal);
    v.parse(RefusalCode, problem.code);
    assert.match(problem.message, says);
    assert.match(problem.wayOut ?? '', wayOut);
    assert.ok(!/!/.test(problem.message), 'no exclamation marks');
    const fault = faultOf(new RestError(message, { statusCode: status, ...(code && { code }) }), NOW);
    assert.equal(fault.message, problem.message);
    assert.equal(fault.wayOut, problem.wayOut);
    assert.ok(fault.cause instanceof RestError);
  });
}

test('every code of the table is tested here', () => {
  const tested = new Set(TABLE.map(([, code]) => code));
  const alike = ['PrincipalNotFound', 'RoleDefinitionDoesNotExist', 'RoleDefinitionNotFound'];
  const throttled = ['SubscriptionRequestsThrottled', 'RateLimiting', 'OperationThrottled'];
  const tokens = ['InvalidAuthenticationToken', 'InvalidAuthenticationTokenTenant', 'AuthenticationFailed'];
  const rest = ROWS.flatMap(({ codes }) => codes).filter((code) => !tested.has(code));
  assert.deepEqual(rest.sort(), [...alike, ...throttled, ...tokens].sort());
});

test('a code that nobody knows is shown as Azure said it', () => {
  const problem = problemOf({ status: 400, code: 'BrandNew', message: 'Something\n  new.' });
  assert.equal(problem.message, 'Azure refused: Something new. (BrandNew)');
  assert.match(problem.wayOut ?? '', /administrator/);
});

test('a rule that nobody knows has a way out too', () => {
  const problem = problemOf({ status: 400, code: 'RoleAssignmentRequestPolicyValidationFailed', message: rules('NewRule') });
  assert.match(problem.message, /NewRule/);
  assert.match(problem.wayOut ?? '', /administrator/);
});

test('what was found out meanwhile is named: the limit, and the locks', () => {
  const tooLong = { status: 400, code: 'RoleAssignmentRequestPolicyValidationFailed', message: rules('ExpirationRule') };
  const limited = problemOf(tooLong, { longest: 60 * 60_000 });
  assert.equal(limited.message, 'Azure allows at most 60 min for this role here.');
  assert.equal(limited.wayOut, 'Ask for 60 min or less.');
  const locks = ['CanNotDelete lock "keep" on lb-web', 'ReadOnly lock "freeze" on subscription s'];
  const locked = problemOf({ status: 409, code: 'FailedAsResourceIsLocked', message: '' }, { locks });
  assert.equal(locked.message, `A resource lock keeps Azure from removing the right: ${locks.join(', ')}.`);
});

test('a role that is not set up is named with its place, for the administrator who has to', () => {
  const elevation = { scope: scope.slice(1), roleGuid: '7f0a51d2-4f7e-4c5b-8d0b-0e5c2f6b9a02' };
  for (const code of ['InsufficientPermissions', 'ScopeDoesNotMatchRoleDefinition']) {
    const { message, wayOut } = problemOf({ status: 403, code, message: 'No.' }, { elevation });
    assert.equal(message, 'Azure is not set up for the role "Portcullis backends" (7f0a51d2-4f7e-4c5b-8d0b-0e5c2f6b9a02) on lb-web: No.');
    assert.ok(wayOut?.includes('"Portcullis backends"') && wayOut.endsWith(` at ${scope}.`), wayOut);
  }
  const other = problemOf(
    { status: 403, code: 'InsufficientPermissions', message: 'No.' },
    { elevation: { ...elevation, roleGuid: 'g-1' } },
  );
  assert.match(other.message, /the role g-1 on lb-web/, 'a role that is none of ours is known by its GUID');
});

test('a missing right is answered with the smallest role that has it there', () => {
  const wayOut = (action: string, at: string) =>
    problemOf({ status: 403, code: 'AuthorizationFailed', message: `perform action '${action}' over scope '${at}' or` }).wayOut ?? '';
  const gateway = scope.replace('loadBalancers/lb-web', 'applicationGateways/agw-web');
  const network = 'Microsoft.Network/loadBalancers';
  for (const [action, at, on, role] of [
    [`${network}/backendAddressPools/write`, `${scope}/backendAddressPools/web`, 'web', 'Backends'],
    [`${network}/backendAddressPools/updateAdminState/action`, scope, 'lb-web', 'Backends'],
    [`${network}/inboundNatRules/delete`, `${scope}/inboundNatRules/ssh`, 'ssh', 'Inbound NAT rules'],
    [`${network}/write`, `${scope}/probes/http`, 'lb-web', 'Full write'],
    [`${network}/probes/read`, scope, 'lb-web', 'Observe'],
    ['Microsoft.Network/applicationGateways/stop/action', gateway, 'agw-web', 'Start and stop'],
  ] as const)
    assert.match(wayOut(action, at), new RegExp(`^Elevate on ${on} as "${role}"`), action);
  assert.match(wayOut(`${network}/delete`, scope), /^No role of Portcullis has this right: ask an administrator/);
  for (const at of ['/subscriptions/s', '/subscriptions/s/resourceGroups/g'])
    assert.match(wayOut(`${network}/write`, at), /^Ask an administrator for it/);
});

test('what could be tried again is said so', () => {
  const retryable = (status: number) => faultOf(new RestError('', { statusCode: status }), NOW).retryable;
  assert.ok(retryable(429) && retryable(503) && retryable(500) && retryable(408));
  assert.ok(!retryable(400) && !retryable(403) && !retryable(404));
});

test('only a 4xx says that nothing was done', () => {
  const definite = (status: number) => isDefinite({ status, code: '', message: '' });
  assert.ok([400, 401, 403, 404, 409, 412, 429].every(definite));
  assert.ok(![408, 500, 502, 503, 504].some(definite));
});

test('a broken connection, a timeout, a missing sign-in and a fault of ours are told apart', () => {
  const named = (name: string, message = '') => Object.assign(new Error(message), { name });
  assert.equal(faultOf(new RestError('', { code: 'ECONNRESET' }), NOW).code, 'cloud-unreachable');
  assert.equal(faultOf(named('AbortError'), NOW).code, 'timed-out');
  assert.equal(faultOf(named('TimeoutError'), NOW).code, 'timed-out');
  assert.equal(faultOf(named('CredentialUnavailableError'), NOW).code, 'sign-in-failed');
  assert.equal(faultOf(named('AuthenticationRequiredError'), NOW).code, 'sign-in-failed');
  assert.equal(faultOf('a string', NOW).code, 'cloud-unreachable');
  const own = new Fault('protocol-violation', 'Odd.');
  assert.equal(faultOf(own, NOW), own);
});

test('the command of the Azure CLI that meets a claims challenge is the way out', () => {
  const command = 'az login --claims-challenge eyJ4IjoxfQ== --scope https://management.azure.com/.default';
  const error = Object.assign(new Error(`Failed to get token. Claims challenges are not supported. Please run: ${command}`), {
    name: 'CredentialUnavailableError',
  });
  assert.equal(faultOf(error, NOW).wayOut, `Run "${command}" in a terminal, then ask again.`);
});

test('Retry-After is read in seconds and as a date; zero is a number', () => {
  assert.equal(retryAfterOf('0', NOW), 0);
  assert.equal(retryAfterOf('17', NOW), 17_000);
  assert.equal(retryAfterOf(new Date(NOW + 5_000).toUTCString(), NOW), 5_000);
  assert.equal(retryAfterOf(new Date(NOW - 5_000).toUTCString(), NOW), 0);
  assert.equal(retryAfterOf('soon', NOW), undefined);
  assert.equal(retryAfterOf('', NOW), undefined);
  assert.equal(retryAfterOf(undefined, NOW), undefined);
});

test('what is not an answer of Azure is not taken for one', () => {
  for (const error of [undefined, null, 'x', new Error('x'), { statusCode: 200 }, { statusCode: '500' }]) {
    assert.equal(azureErrorOf(error, NOW), undefined);
  }
  assert.equal(codeOf({ status: 400, code: 'BadRequest', message: 'Something else.' }), 'BadRequest');
});
