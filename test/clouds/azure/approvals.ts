import * as v from 'valibot';
import type { Caller } from './access.ts';
import { ArmError, badRequest } from './arm-error.ts';
import { scopeOf } from './arm-id.ts';
import { list, type Reply } from './exchange.ts';
import { iso } from './expanded.ts';
import type { JsonObject } from './json.ts';
import { parseFilter } from './odata-filter.ts';
import type { Approval, PimRequest } from './pim-model.ts';
import { isDecidable } from './pim-moves.ts';
import { approvalPath, type PimWorld } from './pim-requests.ts';
import type { Call, Route } from './router.ts';

const PATH = '{scope}/providers/Microsoft.Authorization/roleAssignmentApprovals';
const STAGES = 'Microsoft.Authorization/roleAssignmentApprovals/stages';

const Review = v.object({
  properties: v.object({ reviewResult: v.picklist(['Approve', 'Deny']), justification: v.nullish(v.string(), '') }),
});

interface Waiting {
  request: PimRequest;
  approval: Approval;
}

/** The approvals of PIM, api-version 2021-01-01-preview. Only an approver's own token may act. */
export function approvalRoutes(world: PimWorld): Route[] {
  const review = (call: Call): Reply => {
    const { request, approval } = find(world, call);
    demandStage(call, approval);
    const body = v.safeParse(Review, call.body());
    if (!body.success) throw badRequest('InvalidRequestContent', "reviewResult must be 'Approve' or 'Deny'.");
    const { reviewResult, justification } = body.output.properties;
    if (justification === '')
      throw badRequest('RoleAssignmentRequestPolicyValidationFailed', 'The following policy rules failed: ["ApproverJustificationRule"]');
    world.pim.review(request, call.caller, reviewResult, justification);
    return { status: 200, body: stage(world, call.caller, { request, approval }) };
  };
  return [
    {
      method: 'GET',
      path: PATH,
      handle: (call) => {
        const { asApprover } = parseFilter(call.query.get('$filter'));
        const scope = scopeOf(call.param('scope'));
        const rows = waiting(world).filter(
          ({ request, approval }) =>
            world.hierarchy.within(request.order.scope, scope) &&
            isDecidable(request.status) &&
            (world.pim.mayReview(approval, call.caller) || (!asApprover && mayRead(world, call.caller, request))),
        );
        return list(rows.map((one) => approvalBody(world, call.caller, one)));
      },
    },
    {
      method: 'GET',
      path: `${PATH}/{approval}`,
      handle: (call) => ({ status: 200, body: approvalBody(world, call.caller, find(world, call)) }),
    },
    { method: 'GET', path: `${PATH}/{approval}/stages`, handle: (call) => list([stage(world, call.caller, find(world, call))]) },
    {
      method: 'GET',
      path: `${PATH}/{approval}/stages/{stage}`,
      handle: (call) => {
        const found = find(world, call);
        demandStage(call, found.approval);
        return { status: 200, body: stage(world, call.caller, found) };
      },
    },
    { method: 'PATCH', path: `${PATH}/{approval}/stages/{stage}`, handle: review },
    { method: 'PUT', path: `${PATH}/{approval}/stages/{stage}`, handle: review },
  ];
}

const waiting = (world: PimWorld): Waiting[] =>
  world.pim.requests().flatMap((request) => (request.approval ? [{ request, approval: request.approval }] : []));

const mayRead = (world: PimWorld, caller: Caller, { order }: PimRequest): boolean =>
  order.caller.oid === caller.oid || world.access.allows(caller, 'Microsoft.Authorization/roleAssignmentApprovals/read', order.scope);

function find(world: PimWorld, call: Call): Waiting {
  const id = call.param('approval').toLowerCase();
  const found = waiting(world).find(({ approval }) => approval.id === id);
  if (!found) throw new ArmError(404, 'ApprovalNotFound', `The approval '${id}' is not found.`);
  if (!world.pim.mayReview(found.approval, call.caller) && !mayRead(world, call.caller, found.request)) {
    throw new ArmError(403, 'AccessDenied', `The requestor ${call.caller.oid} may not read the approval '${id}'.`);
  }
  return found;
}

function demandStage(call: Call, approval: Approval): void {
  if (call.param('stage').toLowerCase() === approval.stage) return;
  throw new ArmError(404, 'ApprovalStageNotFound', `The stage '${call.param('stage')}' is not found.`);
}

function approvalBody(world: PimWorld, caller: Caller, one: Waiting): JsonObject {
  return {
    id: approvalPath(one.request.order, one.approval.id),
    type: 'Microsoft.Authorization/roleAssignmentApprovals',
    name: one.approval.id,
    properties: { stages: [stage(world, caller, one)] },
  };
}

function stage(world: PimWorld, caller: Caller, { request, approval }: Waiting): JsonObject {
  const { reviewed } = approval;
  const reviewer = reviewed && world.directory.get(reviewed.by);
  return {
    id: `${approvalPath(request.order, approval.id)}/stages/${approval.stage}`,
    type: STAGES,
    name: approval.stage,
    properties: {
      displayName: '',
      assignedToMe: world.pim.mayReview(approval, caller),
      status: reviewed ? 'Completed' : isDecidable(request.status) ? 'InProgress' : 'Expired',
      reviewedBy: reviewed
        ? { principalType: 'user', principalId: reviewed.by, principalName: reviewer?.name ?? '', userPrincipalName: reviewer?.upn ?? '' }
        : null,
      reviewedDateTime: reviewed ? iso(reviewed.at) : null,
      reviewResult: reviewed?.result ?? 'NotReviewed',
      justification: reviewed?.justification ?? '',
    },
  };
}
