import * as v from 'valibot';
import type { Instant, Millis } from '../../../protocol/clock.ts';
import type { Caller } from './access.ts';
import { ArmError, badRequest } from './arm-error.ts';
import { guidOf, type Scope } from './arm-id.ts';
import { parseDuration } from './iso-duration.ts';
import type { JsonObject } from './json.ts';

const REQUEST_TYPES = [
  'AdminAssign',
  'AdminRemove',
  'AdminUpdate',
  'AdminExtend',
  'AdminRenew',
  'SelfActivate',
  'SelfDeactivate',
  'SelfExtend',
  'SelfRenew',
] as const;
export type RequestType = (typeof REQUEST_TYPES)[number];

const Body = v.object({
  properties: v.object({
    principalId: v.pipe(v.string(), v.uuid()),
    roleDefinitionId: v.string(),
    requestType: v.picklist(REQUEST_TYPES),
    linkedRoleEligibilityScheduleId: v.nullish(v.string()),
    targetRoleAssignmentScheduleId: v.nullish(v.string()),
    justification: v.nullish(v.string()),
    ticketInfo: v.nullish(v.object({ ticketNumber: v.nullish(v.string()), ticketSystem: v.nullish(v.string()) })),
    scheduleInfo: v.nullish(
      v.object({
        startDateTime: v.nullish(v.string()),
        expiration: v.nullish(
          v.object({
            type: v.nullish(v.picklist(['AfterDuration', 'AfterDateTime', 'NoExpiration'])),
            endDateTime: v.nullish(v.string()),
            duration: v.nullish(v.string()),
          }),
        ),
      }),
    ),
    condition: v.nullish(v.string()),
    conditionVersion: v.nullish(v.string()),
  }),
});

/** When it shall begin and end. `end` is undefined for ever. */
export interface Window {
  start: Instant;
  end: Instant | undefined;
  type: 'AfterDuration' | 'AfterDateTime' | 'NoExpiration';
  duration: Millis | undefined;
}

/** One request to PIM as it came in. */
export interface PimOrder {
  name: string;
  scope: Scope;
  type: RequestType;
  principalId: string;
  roleGuid: string;
  linked?: string | undefined;
  justification?: string | undefined;
  ticketNumber?: string | undefined;
  ticketSystem?: string | undefined;
  condition?: string | undefined;
  conditionVersion?: string | undefined;
  window: Window;
  caller: Caller;
}

export function readOrder(name: string, scope: Scope, body: JsonObject, caller: Caller, now: Instant): PimOrder {
  const parsed = v.safeParse(Body, body);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw badRequest(
      'InvalidRoleAssignmentRequest',
      `The request is not valid: ${issue.path?.map(({ key }) => String(key)).join('.')}: ${issue.message}`,
    );
  }
  const { properties } = parsed.output;
  return {
    name: name.toLowerCase(),
    scope,
    type: properties.requestType,
    principalId: properties.principalId.toLowerCase(),
    roleGuid: guidOf(properties.roleDefinitionId),
    linked: properties.linkedRoleEligibilityScheduleId ? guidOf(properties.linkedRoleEligibilityScheduleId) : undefined,
    justification: properties.justification || undefined,
    ticketNumber: properties.ticketInfo?.ticketNumber || undefined,
    ticketSystem: properties.ticketInfo?.ticketSystem || undefined,
    condition: properties.condition || undefined,
    conditionVersion: properties.conditionVersion || undefined,
    window: windowOf(properties.scheduleInfo ?? {}, now),
    caller,
  };
}

type ScheduleInfo = NonNullable<v.InferOutput<typeof Body>['properties']['scheduleInfo']>;

function windowOf(info: ScheduleInfo, now: Instant): Window {
  const asked = info.startDateTime ? instant('startDateTime', info.startDateTime) : now;
  // A start that has passed means now.
  const start = Math.max(asked, now);
  const type = info.expiration?.type ?? 'NoExpiration';
  if (type === 'NoExpiration') return { start, end: undefined, type, duration: undefined };
  if (type === 'AfterDateTime') {
    const end = instant('endDateTime', info.expiration?.endDateTime ?? '');
    if (end <= start) throw badSchedule(`The end ${info.expiration?.endDateTime} is not after the start.`);
    return { start, end, type, duration: end - start };
  }
  const duration = parseDuration(info.expiration?.duration ?? '');
  if (!duration) throw badSchedule(`The duration '${info.expiration?.duration ?? ''}' is not valid.`);
  return { start, end: start + duration, type, duration };
}

function instant(field: string, text: string): Instant {
  const value = Date.parse(text);
  if (Number.isNaN(value)) throw badSchedule(`The ${field} '${text}' is not valid.`);
  return value;
}

const badSchedule = (why: string): ArmError =>
  new ArmError(400, 'InvalidRoleAssignmentRequestSchedule', `The schedule of the role assignment request is invalid. ${why}`);
