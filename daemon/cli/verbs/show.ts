import { mayStand } from '../../../protocol/lifecycle.ts';
import type { Part } from '../../../protocol/model.ts';
import { type Block, gap } from '../blocks.ts';
import { findResource } from '../names.ts';
import { done, type Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';
import { balancerFields, partTable } from '../views/balancer.ts';
import { believed, grantTable } from '../views/grant.ts';
import type { Verb } from './verb.ts';

export const show: Verb = (program, on) =>
  program
    .command('show')
    .description('show one load balancer or part: what it has, how healthy it is, who is elevated on it')
    .argument('<resource>', 'a name, "balancer/part", or an id')
    .action(on.daemon(showOne));

async function showOne(session: Session, typed: string): Promise<Outcome> {
  const { ref } = await findResource(session, typed);
  const [{ parts }, { balancers }, { accounts }] = await Promise.all([
    session.want('inventory.parts', { resourceId: ref.balancerId }),
    session.ask('inventory.find', { text: ref.balancerId, limit: 1 }),
    session.ask('inventory.accounts', {}),
  ]);
  const balancer = balancers.find(({ id }) => id === ref.balancerId);
  const shown = ref.id === ref.balancerId ? parts : within(parts, ref.id);
  const { line, state } = session;
  const grants = Object.values(state.grants)
    .filter((grant) => grant.resource.balancerId === ref.balancerId && mayStand(grant.state))
    .map((grant) => believed(grant, state));
  const screen: Block[] = [];
  if (balancer) screen.push(balancerFields(balancer, accounts.find(({ id }) => id === balancer.accountId)?.name ?? balancer.accountId));
  if (shown.length > 0) screen.push(gap, partTable(shown));
  if (grants.length > 0) screen.push(gap, grantTable(grants, { now: line.clock.now(), zone: line.zone }));
  return done({ resource: ref, balancer, parts: shown, grants }, screen);
}

/** The part and what hangs under it. */
function within(parts: readonly Part[], id: string): Part[] {
  const taken = new Set<string>([id]);
  // Tree order: a part comes after the one it hangs under.
  for (const part of parts) if (taken.has(part.parentId)) taken.add(part.id);
  return parts.filter((part) => taken.has(part.id));
}
