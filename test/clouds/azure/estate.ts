import { randomUUID } from 'node:crypto';
import { HOUR } from '../../../protocol/clock.ts';
import { catalogueDefinitions } from '../../../roles/catalogue.ts';
import type { Principal } from './directory.ts';
import type { Eligibility } from './eligibilities.ts';
import { makeBalancers } from './estate-balancers.ts';
import type { Lock } from './locks.ts';
import { defaultPolicy, type Policy } from './pim-policy.ts';
import type { Resource } from './resources.ts';
import { NETWORK_CONTRIBUTOR, permission, READER, type RoleDefinition, USER_ACCESS_ADMINISTRATOR } from './role-definitions.ts';
import type { Subscription } from './subscriptions.ts';

interface Person {
  oid: string;
  name: string;
  upn: string;
}

export const PEOPLE = {
  /** Engineer: reads everything, may join existing networks, is eligible for more. */
  alice: { oid: '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a01', name: 'Alice Novak', upn: 'alice.novak@fjordretail.example' },
  /** Approver: reads everything. */
  ben: { oid: '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a02', name: 'Ben Okafor', upn: 'ben.okafor@fjordretail.example' },
  /** Auditor: reads everything. */
  carla: { oid: '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a03', name: 'Carla Reyes', upn: 'carla.reyes@fjordretail.example' },
  /** Has an account and no rights. */
  dan: { oid: '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a04', name: 'Dan Weiss', upn: 'dan.weiss@fjordretail.example' },
} as const satisfies Record<string, Person>;

/** An application with an identity of its own. */
export interface App {
  clientId: string;
  clientSecret: string;
  oid: string;
}

/** Portcullis central: may assign any role and read everything. */
export const CENTRAL_APP: App = {
  clientId: '7c9e6679-7425-40de-944b-e07fc1f90a11',
  clientSecret: 'central-secret-of-the-simulated-tenant',
  oid: '7c9e6679-7425-40de-944b-e07fc1f90a12',
};

export const NETWORK_ENGINEERS = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';

const principals = (): Principal[] => [
  ...Object.values(PEOPLE).map((person): Principal => ({ ...person, kind: 'User' })),
  {
    oid: CENTRAL_APP.oid,
    kind: 'ServicePrincipal',
    name: 'Portcullis central',
    clientId: CENTRAL_APP.clientId,
    clientSecret: CENTRAL_APP.clientSecret,
  },
  { oid: NETWORK_ENGINEERS, kind: 'Group', name: 'Network engineers', members: [PEOPLE.alice.oid] },
];

/** A whole organisation, as data: what the simulated Azure starts with. */
export interface Estate {
  tenantId: string;
  managementGroup: string;
  subscriptions: Subscription[];
  principals: Principal[];
  /** Custom roles of the tenant. */
  roleDefinitions: RoleDefinition[];
  /** Standing assignments. */
  assignments: { principalId: string; roleGuid: string; scope: string }[];
  eligibilities: Eligibility[];
  policies: Policy[];
  locks: Lock[];
  resources: Resource[];
  /** Backend addresses that do not answer their probe. */
  down: string[];
}

/** Joins existing networks, public addresses and firewall policies, and writes nothing: harmless to hold all day. */
export const NETWORK_JOIN = '0d6a1c52-7f3b-4e0a-9c55-2f7e8b1a9d10';

const NAMES = ['Shop production', 'Shop staging', 'Payments production', 'Platform'];

/** Everything about one number is the same at every run. @param options.balancers How many load balancers and gateways. */
export function makeEstate(options: { balancers: number; seed?: number }): Estate {
  const count = Math.max(NAMES.length, Math.ceil(options.balancers / 60));
  const subscriptions = Array.from({ length: count }, (_, index) => ({
    id: `b0a8b2d4-6c1e-4f7a-9d20-${(index + 1).toString(16).padStart(12, '0')}`,
    name: NAMES[index] ?? `Business unit ${index + 1}`,
  }));
  const managementGroup = 'fjord-retail';
  const root = `/providers/Microsoft.Management/managementGroups/${managementGroup}`;
  const { resources, down } = makeBalancers(options.balancers, subscriptions, options.seed ?? 1);
  const engineers = [PEOPLE.alice, PEOPLE.ben, PEOPLE.carla];
  return {
    tenantId: '9f4c2b1a-0d3e-4c5b-8a7f-6e5d4c3b2a10',
    managementGroup,
    subscriptions,
    principals: principals(),
    roleDefinitions: [networkJoin(root), ...catalogueRoles(root)],
    assignments: [
      ...engineers.map(({ oid }) => ({ principalId: oid, roleGuid: READER, scope: root })),
      { principalId: NETWORK_ENGINEERS, roleGuid: NETWORK_JOIN, scope: root },
      { principalId: CENTRAL_APP.oid, roleGuid: READER, scope: root },
      { principalId: CENTRAL_APP.oid, roleGuid: USER_ACCESS_ADMINISTRATOR, scope: root },
    ],
    ...justInTime(subscriptions.map(({ id }) => `/subscriptions/${id}`)),
    locks: [],
    resources,
    down,
  };
}

/** What the tenant's own administrators set up in PIM. */
function justInTime([production = '', staging = '', payments = '']: string[]): Pick<Estate, 'eligibilities' | 'policies'> {
  const backends = catalogueDefinitions('azure').find(({ roleId }) => roleId === 'backends')?.guid ?? NETWORK_CONTRIBUTOR;
  const eligible = (principalId: string, roleGuid: string, scope: string): Eligibility => ({
    name: randomUUID(),
    principalId,
    roleGuid,
    scope,
    startsAt: Date.UTC(2024, 0, 8),
  });
  const policy = (roleGuid: string, scope: string, change: Partial<Policy>): Policy => ({
    ...defaultPolicy(roleGuid, scope.toLowerCase()),
    name: randomUUID(),
    ...change,
  });
  return {
    eligibilities: [
      eligible(NETWORK_ENGINEERS, backends, production),
      eligible(PEOPLE.alice.oid, NETWORK_CONTRIBUTOR, staging),
      eligible(PEOPLE.alice.oid, NETWORK_CONTRIBUTOR, payments),
    ],
    policies: [
      policy(backends, production, { longest: 2 * HOUR }),
      policy(NETWORK_CONTRIBUTOR, staging, { longest: 4 * HOUR, enabled: ['Justification'] }),
      policy(NETWORK_CONTRIBUTOR, payments, {
        longest: HOUR,
        enabled: ['Justification', 'Ticketing', 'MultiFactorAuthentication'],
        approvers: [PEOPLE.ben.oid],
      }),
    ],
  };
}

const custom = (root: string, guid: string, roleName: string, description: string, actions: string[]): RoleDefinition => ({
  guid,
  roleName,
  description,
  kind: 'CustomRole',
  permissions: [permission(actions)],
  assignableScopes: [root],
});

const catalogueRoles = (root: string): RoleDefinition[] =>
  catalogueDefinitions('azure').map(({ guid, name, description, actions }) => custom(root, guid, name, description, actions));

const networkJoin = (root: string): RoleDefinition =>
  custom(root, NETWORK_JOIN, 'Network join', 'Attach balancers to existing networks, public addresses and firewall policies.', [
    'Microsoft.Network/virtualNetworks/joinLoadBalancer/action',
    'Microsoft.Network/virtualNetworks/subnets/join/action',
    'Microsoft.Network/publicIPAddresses/join/action',
    'Microsoft.Network/publicIPPrefixes/join/action',
    'Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies/join/action',
    'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action',
  ]);
