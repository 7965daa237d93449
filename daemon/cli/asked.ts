import { type Command, Option } from 'commander';
import type { AuthorityId, ResourceRef, RoleOption } from '../../protocol/model.ts';
import { parseDuration } from './duration.ts';
import { findResource } from './names.ts';
import { Refused, UsageError } from './outcome.ts';
import type { Session } from './session.ts';
import { resourceName } from './views/grant.ts';

/** What `preview` and `elevate` ask about. */
export interface Asked {
  role: string;
  for: string;
  authority?: AuthorityId | undefined;
}

export const asking = (command: Command): Command =>
  command
    .argument('<resource>', 'a name, "balancer/part", or an id')
    .requiredOption('--role <role>', 'role, as "portcullis roles" lists it')
    .requiredOption('--for <duration>', 'how long: 15m, 1h, 90s, PT15M')
    .addOption(new Option('--authority <authority>', 'who decides, when both offer the role').choices(['central', 'pim']));

export interface Chosen {
  ref: ResourceRef;
  role: RoleOption;
  /** The wire's names. */
  ask: { resourceId: ResourceRef['id']; roleId: RoleOption['id']; authority: AuthorityId; duration: number };
}

/** @throws UsageError when the role is not offered; Refused `not-eligible` when none is. */
export async function choose(session: Session, typed: string, asked: Asked): Promise<Chosen> {
  const duration = parseDuration(asked.for);
  const { ref } = await findResource(session, typed);
  const { roles } = await session.want('eligibility', { resourceId: ref.id });
  const role = pickRole(roles, asked, resourceName(ref));
  return { ref, role, ask: { resourceId: ref.id, roleId: role.id, authority: role.authority, duration } };
}

/** The role from the authority that was named, else from the first that would take the request. */
export function pickRole(roles: readonly RoleOption[], asked: Pick<Asked, 'role' | 'authority'>, where: string): RoleOption {
  if (roles.length === 0) {
    throw new Refused({
      code: 'not-eligible',
      message: `You may not ask for any role on ${where}`,
      wayOut: 'Ask whoever writes the policy.',
    });
  }
  const offered = roles.filter(
    ({ id, authority }) => id === asked.role.toLowerCase() && (!asked.authority || authority === asked.authority),
  );
  const role = offered.find(({ unavailable }) => unavailable === undefined) ?? offered[0];
  if (role) return role;
  const from = asked.authority ? ` from ${asked.authority}` : '';
  throw new UsageError(`There is no role "${asked.role}"${from} on ${where}`, {
    candidates: roles.map(({ id, title, authority }) => ({ id: `${title} (${authority})`, name: id })),
  });
}
