import type { RoleAssignmentScheduleRequest } from '@azure/arm-authorization';
import type { TokenCredential } from '@azure/identity';
import * as v from 'valibot';
import type { Clock, Instant, Millis } from '../../protocol/clock.ts';
import type { PersonId } from '../../protocol/ids.ts';
import type { Person } from '../../protocol/model.ts';
import { type Answer, no, RefusalCode, yes } from '../../protocol/refusal.ts';
import { azureErrorOf, isDefinite } from './azure-error.ts';
import { type AzureClients, azureClients } from './clients.ts';
import { faultOf, problemOf } from './errors.ts';
import { millisOf } from './iso-duration.ts';
import { comparable, roleGuid } from './resource-id.ts';
import { call } from './rest.ts';
import type { AzureSettings } from './settings.ts';

const API = { 'api-version': '2021-01-01-preview' };

const Stage = v.object({
  id: v.string(),
  properties: v.object({ assignedToMe: v.nullish(v.boolean()), status: v.nullish(v.string()), reviewResult: v.nullish(v.string()) }),
});
const Approval = v.object({ id: v.string(), name: v.string(), properties: v.object({ stages: v.nullish(v.array(Stage), []) }) });
const Page = v.object({ value: v.array(Approval), nextLink: v.nullish(v.string()) });

/** A request in Entra PIM that waits for the person who looks. */
export interface AzureApproval {
  /** Its full id; a request names it as `approvalId`. */
  id: string;
  /** Scope of what is asked. */
  scope: string;
  /** The stage to decide. */
  stageId: string;
  /** Exactly what is asked. Undefined when Azure does not show the request to its approver (yet). */
  asked?: AskedInAzure | undefined;
}

export interface AskedInAzure {
  requester: Person;
  /** GUID of the role definition, and the name that Azure has for it. */
  roleGuid: string;
  roleName: string;
  /** From the approval on; undefined when it ends at a fixed instant. */
  duration?: Millis | undefined;
  reason: string;
  ticket?: string | undefined;
  askedAt: Instant;
}

/** The person's own decisions in Entra PIM, with the person's own sign-in: Azure takes them from nobody else. */
export interface AzureApprovals {
  /** @param scope Where to look, and below; the whole tenant when empty. */
  list(scope: string, signal: AbortSignal): Promise<AzureApproval[]>;
  approve(approval: AzureApproval, reason: string, signal: AbortSignal): Promise<Answer<void>>;
  deny(approval: AzureApproval, reason: string, signal: AbortSignal): Promise<Answer<void>>;
}

export function azureApprovals(credential: TokenCredential, settings: AzureSettings, clock: Clock): AzureApprovals {
  const clients = azureClients(credential, settings);
  const review = (reviewResult: 'Approve' | 'Deny') => (approval: AzureApproval, justification: string, signal: AbortSignal) =>
    decide(clients, settings, clock, { approval, reviewResult, justification }, signal);
  return {
    async list(scope, signal) {
      const found: AzureApproval[] = [];
      let path: string | undefined = `${scope === '' ? '' : comparable(scope)}/providers/Microsoft.Authorization/roleAssignmentApprovals`;
      try {
        while (path) {
          const page: v.InferOutput<typeof Page> = await call(
            clients,
            settings,
            { method: 'GET', path, query: { ...API, $filter: 'asApprover()' }, answer: Page },
            signal,
          );
          found.push(...page.value.flatMap(waiting));
          path = page.nextLink ?? undefined;
        }
        if (found.length === 0) return [];
        const asked = await askedOf(clients, scope, signal);
        return found.map((approval) => ({ ...approval, asked: asked.get(comparable(approval.id)) }));
      } catch (error) {
        throw faultOf(error, clock.now());
      }
    },
    approve: review('Approve'),
    deny: review('Deny'),
  };
}

function waiting({ id, properties }: v.InferOutput<typeof Approval>): AzureApproval[] {
  const stage = properties.stages?.find((one) => one.properties.assignedToMe && one.properties.status === 'InProgress');
  return stage
    ? [
        {
          id,
          scope: comparable(id.replace(/\/providers\/microsoft\.authorization\/roleassignmentapprovals\/[^/]+$/i, '')),
          stageId: stage.id,
        },
      ]
    : [];
}

/** An approval says nothing of what it is for: the requests do, each with the id of its approval. */
async function askedOf(clients: AzureClients, scope: string, signal: AbortSignal): Promise<Map<string, AskedInAzure>> {
  const client = await clients.authorization();
  const found = new Map<string, AskedInAzure>();
  const list = client.roleAssignmentScheduleRequests.listForScope(scope.replace(/^\/+/, ''), {
    filter: 'asApprover()',
    abortSignal: signal,
  });
  for await (const request of list) if (request.approvalId) found.set(comparable(request.approvalId), asked(request));
  return found;
}

function asked({ principalId = '', roleDefinitionId = '', expandedProperties, ...request }: RoleAssignmentScheduleRequest): AskedInAzure {
  const { principal, roleDefinition } = expandedProperties ?? {};
  const duration = millisOf(request.scheduleInfo?.expiration?.duration ?? '');
  const ticket = request.ticketInfo?.ticketNumber;
  return {
    requester: {
      id: principalId.toLowerCase() as PersonId,
      name: (principal?.displayName ?? principalId).slice(0, 200),
      ...(principal?.email && { email: principal.email.slice(0, 320) }),
    },
    roleGuid: roleGuid(roleDefinitionId),
    roleName: roleDefinition?.displayName ?? roleGuid(roleDefinitionId),
    ...(duration !== undefined && { duration }),
    reason: request.justification ?? '',
    ...(ticket && { ticket }),
    askedAt: request.createdOn?.getTime() ?? 0,
  };
}

async function decide(
  clients: AzureClients,
  settings: AzureSettings,
  clock: Clock,
  { approval, reviewResult, justification }: { approval: AzureApproval; reviewResult: 'Approve' | 'Deny'; justification: string },
  signal: AbortSignal,
): Promise<Answer<void>> {
  try {
    const body = { properties: { reviewResult, justification } };
    await call(clients, settings, { method: 'PATCH', path: approval.stageId, query: API, body, answer: v.unknown() }, signal);
    return yes(undefined);
  } catch (error) {
    const answer = azureErrorOf(error, clock.now());
    if (!answer || !isDefinite(answer)) throw faultOf(error, clock.now());
    const { code, message, wayOut } = problemOf(answer);
    return no(v.parse(RefusalCode, code), message, { ...(wayOut && { wayOut }) });
  }
}
