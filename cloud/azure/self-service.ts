import type { RoleAssignmentScheduleRequest } from '@azure/arm-authorization';
import { type Clock, MINUTE, type Millis } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { ResourceId } from '../../protocol/ids.ts';
import type { RoleOption } from '../../protocol/model.ts';
import type { Order, SelfService, SelfServiceRules } from '../provider.ts';
import { atMost } from './at-most.ts';
import { azureClients } from './clients.ts';
import { type Elevation, elevationOf } from './elevation.ts';
import { definitionOf, type Eligibility, eligibilities, type RoleWords, wordsFor } from './eligibility.ts';
import { endElevation } from './end-elevation.ts';
import { faultOf } from './errors.ts';
import { isoDuration } from './iso-duration.ts';
import { locksAt } from './locks.ts';
import { ownElevations } from './own-elevations.ts';
import { onlyAs } from './person.ts';
import { rulesAt, stricter } from './pim-rules.ts';
import { meaningOf } from './request-status.ts';
import { type AzureResource, parseResource } from './resource-id.ts';
import { timeBoxed } from './schedule-list.ts';
import { ScheduleRequests } from './schedule-requests.ts';
import { type AzureSettings, PROPAGATION, SHORTEST_HOLD } from './settings.ts';
import type { SharedTokens } from './shared-tokens.ts';
import { boundBy, type Start, startElevation } from './start-elevation.ts';

/** What a person usually needs: enough for a change and a look at what it did. */
const USUAL: Millis = 15 * MINUTE;

/** Entra PIM throttles early, and does not say where. */
const ASKED_AT_ONCE = 4;

/** Mode A: the engineer activates, as themselves, a role that the tenant made them eligible for in Entra PIM. */
export function azureSelfService(tokens: SharedTokens, settings: AzureSettings, clock: Clock): SelfService {
  const clients = azureClients(tokens, settings);
  /** Who else is signed in meanwhile finds nothing of an order, and that would prove nothing: theirs only. */
  const requestsOf = ({ principalId }: Order): ScheduleRequests => {
    const theirs = onlyAs(tokens, principalId);
    return new ScheduleRequests(azureClients(theirs, settings), theirs, clock);
  };
  const shortestHold = settings.shortestHold ?? SHORTEST_HOLD;

  const orFault = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw faultOf(error, clock.now());
    }
  };

  /** The policies at the resource and where the eligibility is: policies are not inherited. */
  const rulesFor = async (resource: AzureResource, eligibility: Eligibility, signal: AbortSignal): Promise<SelfServiceRules> => {
    const { subscriptionId } = resource;
    const { roleGuid } = eligibility;
    const scopes = new Set([resource.armId.slice(1), eligibility.scope]);
    const found = await Promise.all([...scopes].map((scope) => rulesAt(clients, settings, { subscriptionId, scope, roleGuid }, signal)));
    const [first, ...others] = found.flat();
    if (!first) throw noPolicy();
    return others.reduce(stricter, first);
  };

  const eligibilityFor = async (resource: AzureResource, guid: string | undefined, signal: AbortSignal): Promise<Eligibility | undefined> =>
    (await eligibilities(clients, resource, clock.now(), signal)).find(({ roleGuid }) => roleGuid === guid);

  /** For what is said of a request that Azure has: that is true even when the policy cannot be read. */
  const rulesOf = async (order: Order, guid: string, signal: AbortSignal): Promise<SelfServiceRules | undefined> => {
    const resource = azureResource(order.resource);
    try {
      const eligibility = await eligibilityFor(resource, guid, signal);
      const rules = eligibility && (await rulesFor(resource, eligibility, signal));
      return rules && { ...rules, longest: longestOf(rules, eligibility, clock) };
    } catch {
      return undefined;
    }
  };

  const startOf = (order: Order, signal: AbortSignal): Start => {
    const at = elevationOf(order, definitionFor(order));
    return {
      at,
      body: () => body(at, clock),
      rows: () => timeBoxed(clients, at, 'asTarget()', signal),
      approvers: async () => (await rulesOf(order, at.roleGuid, signal))?.approvers ?? { needed: 1, people: [] },
      longest: async (soon) => (await rulesOf(order, at.roleGuid, soon))?.longest,
      shortestHold,
    };
  };

  return {
    propagation: settings.propagation ?? PROPAGATION,

    eligible: (resource, signal) =>
      orFault(async () => {
        const parsed = azureResource(resource.id);
        const found = await eligibilities(clients, parsed, clock.now(), signal);
        const options = await atMost(ASKED_AT_ONCE, found, async (eligibility) => {
          const words = await wordsFor(clients, parsed, eligibility, clock.now(), signal);
          return words ? [optionOf(words, await rulesFor(parsed, eligibility, signal), eligibility, clock)] : [];
        });
        return options.flat();
      }),

    rules: (resource, roleId, signal) =>
      orFault(async () => {
        const parsed = azureResource(resource);
        const guid = definitionOf(roleId);
        const eligibility = await eligibilityFor(parsed, guid, signal);
        if (!eligibility) throw new Fault('cloud-refused', 'Not eligible for this role here.', { detail: 'EligibilityRule' });
        const rules = await rulesFor(parsed, eligibility, signal);
        return { ...rules, longest: longestOf(rules, eligibility, clock) };
      }),

    activate: (order, signal) => orFault(() => startElevation(requestsOf(order), clock, startOf(order, signal), signal)),

    pending: (order, signal) =>
      orFault(async () => {
        const start = startOf(order, signal);
        const requests = requestsOf(order);
        const request = await requests.find(start.at, start.at.startName, signal);
        if (!request) return { state: 'refused', problem: NEVER_ARRIVED };
        if (request.status === 'TimedOut') return { state: 'lapsed' };
        const meaning = meaningOf(request.status);
        if (meaning.is === 'refused' && request.status !== 'Failed') return { state: 'denied', why: meaning.problem.message };
        return boundBy(requests, start, request, signal);
      }),

    cancel: (order, signal) =>
      orFault(async () => {
        const at = elevationOf(order, definitionFor(order));
        await requestsOf(order).cancel(at, at.startName, signal);
      }),

    deactivate: (order, signal) =>
      orFault(() => {
        const at = elevationOf(order, definitionFor(order));
        const locks = (soon: AbortSignal) => locksAt(clients, settings, order.resource, soon);
        const end = { at, grantId: order.grantId, requestType: 'SelfDeactivate', shortestHold, locks } as const;
        return endElevation(requestsOf(order), clock, end, signal);
      }),

    // What an administrator assigned, for a time or for good, is no elevation.
    standing: (order, signal) =>
      orFault(async () => {
        const theirs = azureClients(onlyAs(tokens, order.principalId), settings);
        const rows = await timeBoxed(theirs, elevationOf(order, definitionFor(order)), 'asTarget()', signal);
        return rows.some(({ assignmentType }) => assignmentType === 'Activated') ? 'standing' : 'absent';
      }),

    mine: (signal) => orFault(() => ownElevations(clients, clock, signal)),
  };
}

const NEVER_ARRIVED = { code: 'not-found', message: 'Azure has no such request.', wayOut: 'Ask again.' };

const noPolicy = (): Fault =>
  new Fault('cloud-refused', 'Entra PIM has no policy for this role.', {
    wayOut: 'An administrator must open the role in Entra PIM once.',
  });

/** A length of time, computed at the moment of sending, so that the end is the order's whenever it is sent. */
function body(at: Elevation, clock: Clock): RoleAssignmentScheduleRequest {
  return {
    principalId: at.principalId,
    roleDefinitionId: at.roleDefinitionId,
    requestType: 'SelfActivate',
    justification: at.justification,
    ...(at.ticketInfo && { ticketInfo: at.ticketInfo }),
    scheduleInfo: { expiration: { type: 'AfterDuration', duration: isoDuration(at.notAfter - clock.now()) } },
  };
}

function definitionFor({ roleId }: Order): string {
  const guid = definitionOf(roleId);
  if (!guid) throw new Fault('not-supported-here', `Azure has no role "${roleId}".`);
  return guid;
}

function azureResource(id: ResourceId): AzureResource {
  const parsed = parseResource(id);
  if (!parsed) throw new Fault('not-supported-here', 'This resource is not a load balancer of Azure.');
  return parsed;
}

const longestOf = ({ longest }: SelfServiceRules, { endsAt }: Eligibility, clock: Clock): Millis =>
  endsAt === undefined ? longest : Math.min(longest, Math.max(0, endsAt - clock.now()));

function optionOf(words: RoleWords, rules: SelfServiceRules, eligibility: Eligibility, clock: Clock): RoleOption {
  const longest = longestOf(rules, eligibility, clock);
  return {
    ...words,
    authority: 'pim',
    longest,
    usual: Math.min(USUAL, longest),
    reasonRequired: rules.reasonRequired,
    ticketRequired: rules.ticketRequired,
  };
}
