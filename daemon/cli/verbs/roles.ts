import { line } from '../blocks.ts';
import { findResource } from '../names.ts';
import { done, type Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';
import { roleTable } from '../views/balancer.ts';
import { resourceName } from '../views/grant.ts';
import type { Verb } from './verb.ts';

export const roles: Verb = (program, on) =>
  program
    .command('roles')
    .description('list the roles that you might ask for on a resource')
    .argument('<resource>', 'a name, "balancer/part", or an id')
    .action(on.daemon(listRoles));

async function listRoles(session: Session, typed: string): Promise<Outcome> {
  const { ref } = await findResource(session, typed);
  const eligible = await session.want('eligibility', { resourceId: ref.id });
  const screen = eligible.roles.length > 0 ? roleTable(eligible.roles) : line(`You may not ask for any role on ${resourceName(ref)}.`);
  return done({ resource: ref, roles: eligible.roles }, [screen]);
}
