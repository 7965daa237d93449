import { ArmError } from './arm-error.ts';
import { guidOf, type Scope, scopeOf, subscriptionOf } from './arm-id.ts';
import type { JsonObject } from './json.ts';

export interface Permission {
  actions: string[];
  notActions: string[];
  dataActions: string[];
  notDataActions: string[];
}

export interface RoleDefinition {
  guid: string;
  roleName: string;
  description: string;
  kind: 'BuiltInRole' | 'CustomRole';
  permissions: Permission[];
  /** Scopes at which it may be assigned: `/` for built-in ones. */
  assignableScopes: string[];
}

export const permission = (actions: string[], notActions: string[] = []): Permission => ({
  actions,
  notActions,
  dataActions: [],
  notDataActions: [],
});

const builtIn = (guid: string, roleName: string, description: string, actions: string[], notActions: string[] = []): RoleDefinition => ({
  guid,
  roleName,
  description,
  kind: 'BuiltInRole',
  permissions: [permission(actions, notActions)],
  assignableScopes: ['/'],
});

export const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
export const NETWORK_CONTRIBUTOR = '4d97b98b-1d4f-4787-a291-c67834d212e7';
export const CONTRIBUTOR = 'b24988ac-6180-42a0-ab88-20f7382dd24c';
export const OWNER = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';
export const USER_ACCESS_ADMINISTRATOR = '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9';

const BUILT_IN: readonly RoleDefinition[] = [
  builtIn(READER, 'Reader', 'View all resources, but does not allow you to make any changes.', ['*/read']),
  builtIn(NETWORK_CONTRIBUTOR, 'Network Contributor', 'Lets you manage networks, but not access to them.', [
    'Microsoft.Authorization/*/read',
    'Microsoft.Insights/alertRules/*',
    'Microsoft.Network/*',
    'Microsoft.ResourceHealth/availabilityStatuses/read',
    'Microsoft.Resources/deployments/*',
    'Microsoft.Resources/subscriptions/resourceGroups/read',
    'Microsoft.Support/*',
  ]),
  builtIn(
    CONTRIBUTOR,
    'Contributor',
    'Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC, manage assignments in Azure Blueprints, or share image galleries.',
    ['*'],
    [
      'Microsoft.Authorization/*/Delete',
      'Microsoft.Authorization/*/Write',
      'Microsoft.Authorization/elevateAccess/Action',
      'Microsoft.Blueprint/blueprintAssignments/write',
      'Microsoft.Blueprint/blueprintAssignments/delete',
      'Microsoft.Compute/galleries/share/action',
      'Microsoft.Purview/consents/write',
      'Microsoft.Purview/consents/delete',
    ],
  ),
  builtIn(OWNER, 'Owner', 'Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.', ['*']),
  builtIn(USER_ACCESS_ADMINISTRATOR, 'User Access Administrator', 'Lets you manage user access to Azure resources.', [
    '*/read',
    'Microsoft.Authorization/*',
    'Microsoft.Support/*',
  ]),
];

/** Built-in and custom roles, by GUID. */
export class RoleDefinitions {
  readonly #all: Map<string, RoleDefinition>;

  constructor(custom: readonly RoleDefinition[]) {
    this.#all = new Map([...BUILT_IN, ...custom].map((role) => [role.guid.toLowerCase(), role]));
  }

  get(guid: string): RoleDefinition | undefined {
    return this.#all.get(guid.toLowerCase());
  }

  all(): RoleDefinition[] {
    return [...this.#all.values()];
  }

  set(role: RoleDefinition): void {
    this.#all.set(role.guid.toLowerCase(), role);
  }

  /** The role that an id names, whatever scope it is prefixed with. */
  named(roleDefinitionId: string): RoleDefinition {
    const role = this.get(guidOf(roleDefinitionId));
    if (!role) {
      throw new ArmError(
        400,
        'RoleDefinitionDoesNotExist',
        `The specified role definition with ID '${guidOf(roleDefinitionId).replaceAll('-', '')}' does not exist.`,
      );
    }
    return role;
  }
}

/** A role's id as Azure writes it: under the subscription where it is seen, or at the root. */
export function roleDefinitionId(guid: string, scope: Scope): string {
  const subscription = subscriptionOf(scopeOf(scope));
  return `${subscription ? `/subscriptions/${subscription}` : ''}/providers/Microsoft.Authorization/roleDefinitions/${guid}`;
}

export function roleDefinitionBody(role: RoleDefinition, scope: Scope): JsonObject {
  return {
    id: roleDefinitionId(role.guid, scope),
    type: 'Microsoft.Authorization/roleDefinitions',
    name: role.guid,
    properties: {
      roleName: role.roleName,
      type: role.kind,
      description: role.description,
      assignableScopes: role.assignableScopes,
      permissions: role.permissions.map((one) => ({ ...one })),
      createdOn: '2015-02-02T21:55:09.8806423Z',
      updatedOn: '2021-11-11T20:13:24.6685012Z',
      createdBy: null,
      updatedBy: null,
    },
  };
}
