import { catalogueDefinitions } from '../../roles/catalogue.ts';

/** A custom role as Resource Manager takes it: `PUT {scope}/providers/Microsoft.Authorization/roleDefinitions/{name}`. */
export interface CustomRole {
  name: string;
  properties: {
    roleName: string;
    description: string;
    type: 'CustomRole';
    permissions: { actions: string[]; notActions: string[]; dataActions: string[]; notDataActions: string[] }[];
    assignableScopes: string[];
  };
}

/**
 * The catalogue's native roles, for an operator to create in a tenant.
 * @param assignableScopes Where they may be assigned, such as `/subscriptions/<id>` or a management group.
 */
export const customRoles = (assignableScopes: readonly string[]): CustomRole[] =>
  catalogueDefinitions('azure').map(({ guid, name, description, actions }) => ({
    name: guid,
    properties: {
      roleName: name,
      description,
      type: 'CustomRole',
      permissions: [{ actions, notActions: [], dataActions: [], notDataActions: [] }],
      assignableScopes: [...assignableScopes],
    },
  }));
