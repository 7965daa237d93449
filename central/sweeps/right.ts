import type { GrantLife } from '../grants/life.ts';

/** Who holds what role where. */
interface Right {
  principalId: string;
  /** Ours, or the cloud's own name for one that is not ours. */
  roleId: string;
  resource: string;
}

/** As a key. Clouds do not mind the case of ids; the name of a role that is not ours must not pass for the id of one that is. */
export const rightOf = ({ principalId, roleId, resource }: Right): string =>
  JSON.stringify([principalId.toLowerCase(), roleId, resource.toLowerCase()]);

/** The same of a grant. */
export const grantedRight = ({ principalId, role, resource }: GrantLife): string =>
  rightOf({ principalId, roleId: role.id, resource: resource.id });
