import type { Caller } from './access.ts';
import { ArmError, badRequest } from './arm-error.ts';
import type { Faults } from './faults.ts';
import type { PimOrder } from './pim-order.ts';
import type { Policy } from './pim-policy.ts';

/** The refusals of PIM, in the codes and words that were met on live tenants. */
export const exists = ({ saysExistsInWords }: Faults): ArmError =>
  badRequest(saysExistsInWords ? 'BadRequest' : 'RoleAssignmentExists', 'The Role assignment already exists.');

export const absent = (): ArmError => badRequest('RoleAssignmentDoesNotExist', 'The Role assignment does not exist.');

export const pending = (): ArmError =>
  badRequest('PendingRoleAssignmentRequest', 'There is already an existing pending Role assignment request.');

export const tooShort = (): ArmError =>
  badRequest('ActiveDurationTooShort', 'The active duration is too short. Miniumum Required is 5 minutes.');

export const nameTaken = (name: string): ArmError =>
  badRequest('RoleAssignmentScheduleRequestExists', `A role assignment schedule request with the name '${name}' already exists.`);

export const ruleFailed = (rules: readonly string[]): ArmError =>
  badRequest('RoleAssignmentRequestPolicyValidationFailed', `The following policy rules failed: ${JSON.stringify(rules)}`);

export const notYours = (caller: Caller): ArmError =>
  new ArmError(403, 'InsufficientPermissions', `The requestor ${caller.oid} does not have permissions for this request.`);

export const requestNotFound = (name: string): ArmError =>
  new ArmError(404, 'RoleAssignmentScheduleRequestNotFound', `The role assignment schedule request '${name}' is not found.`);

export function contextNeeded(context: string): ArmError {
  const claims = encodeURIComponent(JSON.stringify({ access_token: { acrs: { essential: true, value: context } } }));
  return badRequest(
    'RoleAssignmentRequestAcrsValidationFailed',
    `The role assignment request needs an authentication context. &claims=${claims}`,
  );
}

/** The rules of a policy that an order breaks, beside its length. */
export function broken(enabled: Policy['enabled'], order: PimOrder): string[] {
  return [
    ...(enabled.includes('Justification') && !order.justification ? ['JustificationRule'] : []),
    ...(enabled.includes('Ticketing') && !order.ticketNumber ? ['TicketingRule'] : []),
    ...(enabled.includes('MultiFactorAuthentication') && !order.caller.multiFactor ? ['MfaRule'] : []),
  ];
}
