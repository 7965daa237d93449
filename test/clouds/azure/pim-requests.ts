import { type Clock, sleep } from '../../../protocol/clock.ts';
import type { Access } from './access.ts';
import { badRequest } from './arm-error.ts';
import { GUID, scopeOf } from './arm-id.ts';
import type { Directory } from './directory.ts';
import { list, type Reply } from './exchange.ts';
import { expandedProperties, iso, prefix, type SubscriptionNames } from './expanded.ts';
import type { Hierarchy } from './hierarchy.ts';
import { formatDuration } from './iso-duration.ts';
import type { JsonObject } from './json.ts';
import { parseFilter } from './odata-filter.ts';
import type { PimModel, PimRequest } from './pim-model.ts';
import { type PimOrder, readOrder } from './pim-order.ts';
import { requestNotFound } from './pim-refusals.ts';
import { type RoleDefinitions, roleDefinitionId } from './role-definitions.ts';
import type { Call, Route } from './router.ts';
import type { Timing } from './timing.ts';

export interface PimWorld {
  clock: Clock;
  timing: Timing;
  pim: PimModel;
  access: Access;
  hierarchy: Hierarchy;
  directory: Directory;
  roles: RoleDefinitions;
  subscriptionNames: SubscriptionNames;
}

const TYPE = 'Microsoft.Authorization/RoleAssignmentScheduleRequests';
const PATH = '{scope}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests';

export function pimRequestRoutes(world: PimWorld): Route[] {
  return [
    {
      method: 'PUT',
      path: `${PATH}/{name}`,
      handle: async (call) => {
        const order = orderOf(world, call);
        // The answer is as slow as the real one; what it reports happens at its end.
        if (world.timing.answerDelay > 0) await sleep(world.clock, world.timing.answerDelay);
        world.pim.settle();
        const request = world.pim.take({ ...order, window: orderOf(world, call).window });
        return { status: 201, headers: { mspimslice: 'simulated' }, body: requestBody(world, request) };
      },
    },
    { method: 'GET', path: `${PATH}/{name}`, handle: (call) => one(world, call) },
    { method: 'GET', path: PATH, handle: (call) => all(world, call) },
    {
      method: 'POST',
      path: `${PATH}/{name}/cancel`,
      handle: (call) => {
        world.pim.cancel(call.param('name'), call.caller);
        return { status: 200 };
      },
    },
    {
      method: 'POST',
      path: `${PATH}/{name}/validate`,
      handle: (call) => {
        const order = orderOf(world, call);
        world.pim.validate(order);
        return { status: 200, body: requestBody(world, { order, status: 'Provisioned', createdAt: world.clock.now(), schedule: '' }) };
      },
    },
  ];
}

function orderOf(world: PimWorld, call: Call): PimOrder {
  const name = call.param('name');
  if (!GUID.test(name))
    throw badRequest(
      'InvalidRoleAssignmentScheduleRequestId',
      `The role assignment schedule request ID '${name}' is not valid. It must be a GUID.`,
    );
  return readOrder(name, scopeOf(call.param('scope')), call.body(), call.caller, world.clock.now());
}

function one(world: PimWorld, call: Call): Reply {
  const request = world.pim.request(call.param('name'));
  if (!request) throw requestNotFound(call.param('name'));
  const mine = [request.order.principalId, request.order.caller.oid].includes(call.caller.oid.toLowerCase());
  if (!mine) world.access.demand(call.caller, 'Microsoft.Authorization/roleAssignmentScheduleRequests/read', call.param('scope') || '/');
  return { status: 200, body: requestBody(world, request) };
}

function all(world: PimWorld, call: Call): Reply {
  const scope = scopeOf(call.param('scope'));
  const filter = parseFilter(call.query.get('$filter'));
  const { oid } = call.caller;
  if (!filter.asTarget && !filter.asRequestor && !filter.asApprover) {
    world.access.demand(call.caller, 'Microsoft.Authorization/roleAssignmentScheduleRequests/read', call.param('scope') || '/');
  }
  const rows = world.pim.requests().filter(({ order, approval, status }) => {
    const here = world.hierarchy.within(order.scope, scope) || (!filter.atScope && world.hierarchy.within(scope, order.scope));
    return (
      here &&
      (!filter.asTarget || order.principalId === oid.toLowerCase()) &&
      (!filter.asRequestor || order.caller.oid === oid) &&
      (!filter.asApprover || (approval !== undefined && world.pim.mayReview(approval, call.caller))) &&
      (filter.principalId === undefined || order.principalId === filter.principalId) &&
      (filter.assignedTo === undefined || order.principalId === filter.assignedTo) &&
      (filter.status === undefined || status.toLowerCase() === filter.status)
    );
  });
  return list(rows.map((request) => requestBody(world, request)));
}

function requestBody(world: PimWorld, { order, status, createdAt, approval, schedule }: PimRequest): JsonObject {
  const { window } = order;
  return {
    properties: {
      targetRoleAssignmentScheduleId: schedule || null,
      targetRoleAssignmentScheduleInstanceId: null,
      scope: order.scope,
      roleDefinitionId: roleDefinitionId(order.roleGuid, order.scope),
      principalId: order.principalId,
      principalType: world.directory.get(order.principalId)?.kind ?? 'User',
      requestType: order.type,
      status,
      approvalId: approval ? approvalPath(order, approval.id) : null,
      scheduleInfo: {
        startDateTime: iso(window.start),
        expiration: {
          type: window.type,
          endDateTime: window.type === 'AfterDateTime' && window.end !== undefined ? iso(window.end) : null,
          duration: window.type === 'AfterDuration' && window.duration !== undefined ? formatDuration(window.duration) : null,
        },
      },
      ticketInfo: { ticketNumber: order.ticketNumber ?? null, ticketSystem: order.ticketSystem ?? null },
      justification: order.justification ?? null,
      requestorId: order.caller.oid,
      createdOn: iso(createdAt),
      condition: order.condition ?? null,
      conditionVersion: order.conditionVersion ?? null,
      linkedRoleEligibilityScheduleId: order.linked ?? null,
      expandedProperties: expandedProperties(world, order),
    },
    name: order.name,
    id: `${prefix(order.scope)}/providers/${TYPE}/${order.name}`,
    type: TYPE,
  };
}

export const approvalPath = (order: PimOrder, approval: string): string =>
  `${prefix(order.scope)}/providers/Microsoft.Authorization/roleAssignmentApprovals/${approval}`;
