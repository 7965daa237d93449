import { type Estate, makeEstate } from '../estate.ts';
import { defaultPolicy } from '../pim-policy.ts';
import { OWNER, permission, type RoleDefinition } from '../role-definitions.ts';

/** Stands for the published placeholders of a subscription's id. */
export const SUBID = '0b1f6471-1bf0-4dda-aec3-cb9272f09590';
export const PERSON = 'a3bb8764-cb92-4276-9d2a-ca1e895e55ea';
export const REVIEWER = 'a6c7aecb-cbfd-4763-87ef-e91b4bd509d9';
const SUBSCRIPTIONS = [
  SUBID,
  '00000000-0000-0000-0000-000000000000',
  'dfa2a084-766f-4003-8ae1-c4aeb893a99f',
  '129ff972-28f8-46b8-a726-e497be039368',
  '69356bc4-b3be-441a-b12f-503b745e0dea',
  'cfbbd179-59d2-4052-aa06-9270a38aa9d6',
  'a925f2f7-5c63-4b7b-8799-25a5f97bc3b2',
];

/** Where an activation waits for the reviewer; elsewhere it starts at once. */
export const REVIEWED = '/subscriptions/69356bc4-b3be-441a-b12f-503b745e0dea';

/** The role of the published role definitions, which give it no GUID. */
export const ROLE: RoleDefinition = {
  guid: '6f3d8a1e-2b7c-4c55-9e0f-4a1b2c3d4e5f',
  roleName: 'Role name',
  description: 'Role description',
  kind: 'CustomRole',
  permissions: [{ ...permission(['action']), dataActions: ['dataAction'] }],
  assignableScopes: [`/subscriptions/${SUBID}`],
};

/** A tenant in which the people, roles and subscriptions of the published examples exist. */
export function tenant(): Estate {
  const estate = makeEstate({ balancers: 0 });
  const root = `/providers/Microsoft.Management/managementGroups/${estate.managementGroup}`;
  const role = (guid: string, roleName: string): RoleDefinition => ({
    guid,
    roleName,
    description: '',
    kind: 'CustomRole',
    permissions: [permission(['*/read'])],
    assignableScopes: ['/'],
  });
  const scope = '/subscriptions/dfa2a084-766f-4003-8ae1-c4aeb893a99f';
  const roleGuid = 'c8d4ff99-41c3-41a8-9f60-21dfdad59608';
  return {
    ...estate,
    subscriptions: SUBSCRIPTIONS.map((id) => ({ id, name: 'Pay-As-You-Go' })),
    principals: [
      ...estate.principals,
      { oid: PERSON, kind: 'User', name: 'User Account', upn: 'user@my-tenant.com' },
      { oid: REVIEWER, kind: 'User', name: 'Shubham Gupta', upn: 'shugup@microsoft.com' },
      { oid: 'ce2ce14e-85d7-4629-bdbc-454d0519d987', kind: 'User', name: 'Somebody', upn: 'somebody@my-tenant.com' },
    ],
    roleDefinitions: [
      role(roleGuid, 'Contributor'),
      role('a1705bd2-3a8f-45a5-8683-466fcfd5cc24', 'FHIR Data Converter'),
      role('0b5fe924-9a61-425c-96af-cfe6e287ca2d', 'DocumentDB'),
      ROLE,
    ],
    assignments: [
      { principalId: PERSON, roleGuid: OWNER, scope: root },
      { principalId: REVIEWER, roleGuid: OWNER, scope: root },
    ],
    eligibilities: [
      { name: 'b1477448-2cc6-4ceb-93b4-54a202a89413', principalId: PERSON, roleGuid, scope, startsAt: 0, endsAt: Date.UTC(2030, 0, 1) },
      {
        name: 'c1477448-2cc6-4ceb-93b4-54a202a89413',
        principalId: PERSON,
        roleGuid,
        scope: REVIEWED,
        startsAt: 0,
      },
    ],
    policies: [
      { ...defaultPolicy(roleGuid, scope), enabled: [] },
      { ...defaultPolicy(roleGuid, REVIEWED), enabled: [], approvers: [REVIEWER] },
      {
        ...defaultPolicy('a1705bd2-3a8f-45a5-8683-466fcfd5cc24', '/subscriptions/129ff972-28f8-46b8-a726-e497be039368'),
        name: 'b959d571-f0b5-4042-88a7-01be6cb22db9',
        approvers: ['2385b0f3-5fa9-43cf-8ca4-b01dc97298cd'],
      },
    ],
  };
}
