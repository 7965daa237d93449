import * as v from 'valibot';
import { HOUR, type Millis } from '../../protocol/clock.ts';
import type { PersonId } from '../../protocol/ids.ts';
import type { Approvers } from '../../protocol/model.ts';
import type { SelfServiceRules } from '../provider.ts';
import type { AzureClients } from './clients.ts';
import { millisOf } from './iso-duration.ts';
import { comparable, roleDefinitionId } from './resource-id.ts';
import { call } from './rest.ts';
import type { AzureSettings } from './settings.ts';

const Approver = v.object({ id: v.nullish(v.string()), description: v.nullish(v.string()), userType: v.nullish(v.string()) });
const Rule = v.object({
  id: v.string(),
  enabledRules: v.nullish(v.array(v.string())),
  maximumDuration: v.nullish(v.string()),
  setting: v.nullish(
    v.object({
      isApprovalRequired: v.nullish(v.boolean()),
      approvalStages: v.nullish(v.array(v.object({ primaryApprovers: v.nullish(v.array(Approver)) }))),
    }),
  ),
});
const PolicyAssignment = v.object({
  id: v.string(),
  properties: v.object({ scope: v.nullish(v.string()), policyId: v.nullish(v.string()), effectiveRules: v.nullish(v.array(Rule), []) }),
});
const Page = v.object({ value: v.array(PolicyAssignment), nextLink: v.nullish(v.string()) });

/** Entra's own default where a policy does not say. */
const LONGEST: Millis = 8 * HOUR;

export interface RulesAt {
  subscriptionId: string;
  scope: string;
  roleGuid: string;
}

/** What the policies of one role at exactly one scope ask of somebody who activates it. */
export async function rulesAt(
  clients: AzureClients,
  settings: AzureSettings,
  at: RulesAt,
  signal: AbortSignal,
): Promise<SelfServiceRules[]> {
  return (await policiesAt(clients, settings, at, signal)).map(rulesOf);
}

/** The longest assignment that an administrator may make of one role at one scope; undefined where no policy says. */
export async function longestAssignmentAt(
  clients: AzureClients,
  settings: AzureSettings,
  at: RulesAt,
  signal: AbortSignal,
): Promise<Millis | undefined> {
  const found = await policiesAt(clients, settings, at, signal);
  const longest = found.flatMap((policy) => longestBy('Expiration_Admin_Assignment', policy) ?? []);
  return longest.length > 0 ? Math.min(...longest) : undefined;
}

/** Asked with a filter, which the client does not have: without it the answer is the rules of every role there is. */
async function policiesAt(
  clients: AzureClients,
  settings: AzureSettings,
  at: RulesAt,
  signal: AbortSignal,
): Promise<v.InferOutput<typeof PolicyAssignment>[]> {
  const found: v.InferOutput<typeof PolicyAssignment>[] = [];
  const query = { 'api-version': '2020-10-01', $filter: `roleDefinitionId eq '${roleDefinitionId(at.subscriptionId, at.roleGuid)}'` };
  let path: string | undefined = `${comparable(at.scope)}/providers/Microsoft.Authorization/roleManagementPolicyAssignments`;
  while (path) {
    const page: v.InferOutput<typeof Page> = await call(clients, settings, { method: 'GET', path, query, answer: Page }, signal);
    found.push(...page.value.filter(({ properties }) => comparable(properties.scope ?? at.scope) === comparable(at.scope)));
    path = page.nextLink ?? undefined;
  }
  return found;
}

function longestBy(rule: string, { properties }: v.InferOutput<typeof PolicyAssignment>): Millis | undefined {
  const longest = properties.effectiveRules?.find(({ id }) => id === rule)?.maximumDuration;
  return longest ? millisOf(longest) : undefined;
}

function rulesOf(policy: v.InferOutput<typeof PolicyAssignment>): SelfServiceRules {
  const { id, properties } = policy;
  const rules = new Map(properties.effectiveRules?.map((rule) => [rule.id, rule]));
  const enabled = rules.get('Enablement_EndUser_Assignment')?.enabledRules ?? [];
  const approvers = approversOf(rules.get('Approval_EndUser_Assignment'));
  return {
    longest: longestBy('Expiration_EndUser_Assignment', policy) ?? LONGEST,
    reasonRequired: enabled.includes('Justification'),
    ticketRequired: enabled.includes('Ticketing'),
    ...(approvers && { approvers }),
    policyId: properties.policyId ?? id,
  };
}

/**
 * Both policies at once: which of them Azure applies to an activation below the scope of the eligibility is not
 * documented, and a promise must hold either way.
 */
export function stricter(a: SelfServiceRules, b: SelfServiceRules): SelfServiceRules {
  const approvers = a.approvers ?? b.approvers;
  return {
    longest: Math.min(a.longest, b.longest),
    reasonRequired: a.reasonRequired || b.reasonRequired,
    ticketRequired: a.ticketRequired || b.ticketRequired,
    ...(approvers && { approvers }),
    policyId: a.policyId === b.policyId ? a.policyId : `${a.policyId} ${b.policyId}`,
  };
}

function approversOf(rule: v.InferOutput<typeof Rule> | undefined): Approvers | undefined {
  if (!rule?.setting?.isApprovalRequired) return undefined;
  // One of them is enough: Entra has no "n of m".
  const all = (rule.setting.approvalStages ?? []).flatMap(({ primaryApprovers }) => primaryApprovers ?? []);
  const groups = all.filter(({ userType }) => userType === 'Group').flatMap(({ description, id }) => description ?? id ?? []);
  const people = all
    .filter(({ userType }) => userType !== 'Group')
    .flatMap(({ id, description }) => (id ? [{ id: id.toLowerCase() as PersonId, name: (description ?? id).slice(0, 200) }] : []));
  return { needed: 1, people, ...(groups.length > 0 && { group: groups.join(', ').slice(0, 200) }) };
}
