import { ArmError } from './arm-error.ts';
import { type Scope, scopeOf } from './arm-id.ts';
import type { Assignments } from './assignments.ts';
import type { Eligibility } from './eligibilities.ts';
import { list, type Reply } from './exchange.ts';
import { expandedProperties, iso, prefix } from './expanded.ts';
import type { JsonObject } from './json.ts';
import { type Filter, parseFilter } from './odata-filter.ts';
import type { PimWorld } from './pim-requests.ts';
import type { Schedule } from './pim-schedules.ts';
import { roleDefinitionId } from './role-definitions.ts';
import type { Call, Route } from './router.ts';

const BASE = '{scope}/providers/Microsoft.Authorization';

interface Row {
  name: string;
  scope: Scope;
  roleGuid: string;
  principalId: string;
  body: JsonObject;
}

/** Lists of what is eligible and what is active: late after a grant, wrong for minutes after a release. */
export function pimListRoutes(world: PimWorld & { assignments: Assignments }): Route[] {
  return [
    ...routes(world, 'roleAssignmentScheduleInstances', () => instances(world)),
    ...routes(world, 'roleAssignmentSchedules', () => schedules(world)),
    ...routes(world, 'roleEligibilityScheduleInstances', () => eligible(world, 'RoleEligibilityScheduleInstances')),
    ...routes(world, 'roleEligibilitySchedules', () => eligible(world, 'RoleEligibilitySchedules')),
  ];
}

function routes(world: PimWorld, segment: string, rows: () => Row[]): Route[] {
  const action = `Microsoft.Authorization/${segment}/read`;
  return [
    {
      method: 'GET',
      path: `${BASE}/${segment}`,
      handle: (call): Reply => {
        const filter = parseFilter(call.query.get('$filter'));
        const own = filter.asTarget || filter.assignedTo === call.caller.oid.toLowerCase();
        if (!own) world.access.demand(call.caller, action, call.param('scope') || '/');
        return list(
          rows()
            .filter((row) => wanted(world, call, filter, row))
            .map(({ body }) => body),
        );
      },
    },
    {
      method: 'GET',
      path: `${BASE}/${segment}/{name}`,
      handle: (call): Reply => {
        const row = rows().find(({ name }) => name.toLowerCase() === call.param('name').toLowerCase());
        const own = row && world.directory.identities(call.caller.oid).has(row.principalId.toLowerCase());
        if (!own) world.access.demand(call.caller, action, call.param('scope') || '/');
        if (!row) throw new ArmError(404, 'RoleAssignmentScheduleNotFound', `'${call.param('name')}' is not found.`);
        return { status: 200, body: row.body };
      },
    },
  ];
}

function wanted(world: PimWorld, call: Call, filter: Filter, row: Row): boolean {
  const scope = scopeOf(call.param('scope'));
  const above = world.hierarchy.within(scope, row.scope);
  const here = filter.atScope ? above : above || world.hierarchy.within(row.scope, scope);
  const principal = row.principalId.toLowerCase();
  return (
    here &&
    (!filter.asTarget || world.directory.identities(call.caller.oid).has(principal)) &&
    (filter.assignedTo === undefined || world.directory.identities(filter.assignedTo).has(principal)) &&
    (filter.principalId === undefined || principal === filter.principalId) &&
    (filter.roleGuid === undefined || row.roleGuid.toLowerCase() === filter.roleGuid)
  );
}

function instances(world: PimWorld & { assignments: Assignments }): Row[] {
  const now = world.clock.now();
  const { listLag, ghost } = world.timing;
  const active = world.pim.schedules
    .all()
    .filter(({ state, startsAt }) => (state === 'active' || state === 'stuck') && now >= startsAt + listLag);
  const ghosts = world.pim.schedules.all().filter(({ state, endedAt }) => state === 'revoked' && now < (endedAt ?? 0) + ghost);
  const plain = world.assignments.standing().filter(({ origin }) => origin === 'plain');
  return [
    ...active.map((schedule) => instanceRow(world, schedule, schedule.kind, schedule.endsAt)),
    ...ghosts.map((schedule) => instanceRow(world, schedule, 'Assigned', undefined)),
    ...plain.map((one): Row => {
      const schedule = { ...one, name: one.name, instance: one.name, assignment: one.name, startsAt: one.createdAt };
      return instanceRow(world, schedule, 'Assigned', undefined);
    }),
  ];
}

type InstanceOf = Pick<Schedule, 'name' | 'instance' | 'assignment' | 'scope' | 'roleGuid' | 'principalId' | 'startsAt' | 'eligibility'>;

function instanceRow(world: PimWorld, schedule: InstanceOf, assignmentType: 'Activated' | 'Assigned', endsAt: number | undefined): Row {
  const { instance, scope, roleGuid, principalId, startsAt } = schedule;
  const at = `${prefix(scope)}/providers/Microsoft.Authorization`;
  return row(
    world,
    'RoleAssignmentScheduleInstances',
    instance,
    { scope, roleGuid, principalId },
    {
      originRoleAssignmentId: `${at}/roleAssignments/${schedule.assignment}`,
      linkedRoleEligibilityScheduleId: schedule.eligibility ?? null,
      linkedRoleEligibilityScheduleInstanceId: schedule.eligibility ?? null,
      assignmentType,
      status: 'Provisioned',
      roleAssignmentScheduleId: `${at}/RoleAssignmentSchedules/${schedule.name}`,
      startDateTime: iso(startsAt),
      endDateTime: endsAt === undefined ? null : iso(endsAt),
      createdOn: iso(startsAt),
    },
  );
}

function schedules(world: PimWorld): Row[] {
  const now = world.clock.now();
  return world.pim.schedules
    .all()
    .filter(
      ({ state, startsAt }) => state === 'future' || state === 'stuck' || (state === 'active' && now >= startsAt + world.timing.listLag),
    )
    .map(({ name, scope, roleGuid, principalId, kind, request, startsAt, endsAt, state, eligibility }) =>
      row(
        world,
        'RoleAssignmentSchedules',
        name,
        { scope, roleGuid, principalId },
        {
          linkedRoleEligibilityScheduleId: eligibility ?? null,
          assignmentType: kind,
          status: state === 'future' ? 'Granted' : 'Provisioned',
          roleAssignmentScheduleRequestId: `${prefix(scope)}/providers/Microsoft.Authorization/RoleAssignmentScheduleRequests/${request}`,
          startDateTime: iso(startsAt),
          endDateTime: endsAt === undefined ? null : iso(endsAt),
          createdOn: iso(startsAt),
          updatedOn: iso(startsAt),
        },
      ),
    );
}

function eligible(world: PimWorld, type: 'RoleEligibilityScheduleInstances' | 'RoleEligibilitySchedules'): Row[] {
  return world.pim.eligibilities.all().map((one: Eligibility) => {
    const schedule = `${prefix(one.scope)}/providers/Microsoft.Authorization/RoleEligibilitySchedules/${one.name}`;
    const link = type === 'RoleEligibilityScheduleInstances' ? { roleEligibilityScheduleId: schedule } : { updatedOn: iso(one.startsAt) };
    return row(world, type, one.name, one, {
      status: 'Provisioned',
      ...link,
      startDateTime: iso(one.startsAt),
      endDateTime: one.endsAt === undefined ? null : iso(one.endsAt),
      createdOn: iso(one.startsAt),
    });
  });
}

function row(
  world: PimWorld,
  type: string,
  name: string,
  who: Pick<Row, 'scope' | 'roleGuid' | 'principalId'>,
  properties: JsonObject,
): Row {
  const principalType = world.directory.get(who.principalId)?.kind ?? 'User';
  return {
    name,
    scope: who.scope,
    roleGuid: who.roleGuid,
    principalId: who.principalId,
    body: {
      properties: {
        ...properties,
        scope: who.scope,
        roleDefinitionId: roleDefinitionId(who.roleGuid, who.scope),
        principalId: who.principalId,
        principalType,
        memberType: principalType === 'Group' ? 'Group' : 'Direct',
        condition: null,
        conditionVersion: null,
        expandedProperties: expandedProperties(world, who),
      },
      name,
      id: `${prefix(who.scope)}/providers/Microsoft.Authorization/${type}/${name}`,
      type: `Microsoft.Authorization/${type}`,
    },
  };
}
