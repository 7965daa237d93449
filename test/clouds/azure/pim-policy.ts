import { HOUR, type Millis } from '../../../protocol/clock.ts';
import type { Scope } from './arm-id.ts';
import { scopeOf } from './arm-id.ts';
import type { Principal } from './directory.ts';
import { formatDuration } from './iso-duration.ts';
import type { JsonObject } from './json.ts';

export type Enablement = 'Justification' | 'Ticketing' | 'MultiFactorAuthentication';

/** A tenant's rules for one role at one scope. Never inherited: below and above, other rules hold. */
export interface Policy {
  /** GUID. */
  name: string;
  roleGuid: string;
  scope: Scope;
  /** Longest activation. */
  longest: Millis;
  enabled: Enablement[];
  /** Object ids of those who may approve; none needed when empty. */
  approvers: string[];
  /** Authentication context that an activation needs, such as `c1`. */
  context?: string | undefined;
  /** For assignments by an administrator. */
  adminLongest: Millis;
  adminExpirationRequired: boolean;
  adminEnabled: Enablement[];
}

/** What holds where nobody has set anything: Microsoft's own defaults. */
export const defaultPolicy = (roleGuid: string, scope: Scope): Policy => ({
  name: `00000000-0000-4000-8000-${roleGuid.slice(-12)}`,
  roleGuid,
  scope,
  longest: 8 * HOUR,
  enabled: ['MultiFactorAuthentication', 'Justification'],
  approvers: [],
  adminLongest: 180 * 24 * HOUR,
  adminExpirationRequired: false,
  adminEnabled: ['Justification'],
});

export class Policies {
  #all: Policy[];

  constructor(policies: readonly Policy[]) {
    this.#all = policies.map((policy) => ({ ...policy, scope: scopeOf(policy.scope), roleGuid: policy.roleGuid.toLowerCase() }));
  }

  at(roleGuid: string, scope: Scope): Policy {
    const guid = roleGuid.toLowerCase();
    return this.#all.find((policy) => policy.roleGuid === guid && policy.scope === scope) ?? defaultPolicy(guid, scope);
  }

  /** Replaces the rules of one role at one scope. */
  set(roleGuid: string, scope: string, change: Partial<Policy>): void {
    const next = { ...this.at(roleGuid, scopeOf(scope)), ...change };
    this.#all = [...this.#all.filter((policy) => !(policy.roleGuid === next.roleGuid && policy.scope === next.scope)), next];
  }

  /** Those that were set at exactly this scope. */
  setAt(scope: Scope): Policy[] {
    return this.#all.filter((policy) => policy.scope === scope);
  }
}

const target = (caller: 'EndUser' | 'Admin', level: 'Assignment' | 'Eligibility'): JsonObject => ({
  caller,
  operations: ['All'],
  level,
  targetObjects: null,
  inheritableSettings: null,
  enforcedSettings: null,
});

const enablement = (id: string, enabledRules: Enablement[], caller: 'EndUser' | 'Admin'): JsonObject => ({
  enabledRules,
  id,
  ruleType: 'RoleManagementPolicyEnablementRule',
  target: target(caller, 'Assignment'),
});

const expiration = (id: string, isExpirationRequired: boolean, longest: Millis, caller: 'EndUser' | 'Admin'): JsonObject => ({
  isExpirationRequired,
  maximumDuration: formatDuration(longest),
  id,
  ruleType: 'RoleManagementPolicyExpirationRule',
  target: target(caller, 'Assignment'),
});

/** @param known Who an approver's object id stands for. Azure gives their name as the description. */
export function effectiveRules(policy: Policy, known: (oid: string) => Pick<Principal, 'name' | 'kind'> | undefined): JsonObject[] {
  const primaryApprovers = policy.approvers.map((id) => ({
    id,
    description: known(id)?.name ?? id,
    isBackup: false,
    userType: known(id)?.kind === 'Group' ? 'Group' : 'User',
  }));
  return [
    enablement('Enablement_Admin_Assignment', policy.adminEnabled, 'Admin'),
    expiration('Expiration_Admin_Assignment', policy.adminExpirationRequired, policy.adminLongest, 'Admin'),
    {
      setting: {
        isApprovalRequired: policy.approvers.length > 0,
        isApprovalRequiredForExtension: false,
        isRequestorJustificationRequired: true,
        approvalMode: 'SingleStage',
        approvalStages: [
          {
            approvalStageTimeOutInDays: 1,
            isApproverJustificationRequired: true,
            escalationTimeInMinutes: 0,
            primaryApprovers,
            isEscalationEnabled: false,
            escalationApprovers: null,
          },
        ],
      },
      id: 'Approval_EndUser_Assignment',
      ruleType: 'RoleManagementPolicyApprovalRule',
      target: target('EndUser', 'Assignment'),
    },
    {
      isEnabled: policy.context !== undefined,
      claimValue: policy.context ?? '',
      id: 'AuthenticationContext_EndUser_Assignment',
      ruleType: 'RoleManagementPolicyAuthenticationContextRule',
      target: target('EndUser', 'Assignment'),
    },
    enablement('Enablement_EndUser_Assignment', policy.enabled, 'EndUser'),
    expiration('Expiration_EndUser_Assignment', true, policy.longest, 'EndUser'),
  ];
}
