import { mayStand } from '../../../protocol/lifecycle.ts';
import type { Account, LoadBalancer } from '../../../protocol/model.ts';
import type { DaemonState } from '../../../protocol/state.ts';
import { type Block, line } from '../blocks.ts';
import { balancersOf, inventoryKnown, refreshInventory } from '../inventory.ts';
import { done, type Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';
import { accountProblems, balancerTable } from '../views/balancer.ts';
import { clockTime, type Now } from '../views/time.ts';
import type { Verb } from './verb.ts';

const MOST_FOUND = 200;

export const ls: Verb = (program, on) =>
  program
    .command('ls')
    .description('list load balancers, and who is elevated on them now')
    .argument('[text]', 'only those whose name, group, tag or id contains this')
    .option('--refresh', 'ask the cloud again first')
    .action(on.daemon(list));

async function list(session: Session, text: string | undefined, options: { refresh?: boolean }): Promise<Outcome> {
  await inventoryKnown(session);
  if (options.refresh) await refreshInventory(session);
  const { accounts, fetchedAt, problem } = await session.ask('inventory.accounts', {});
  const { balancers, more } =
    text === undefined ? await everyOne(session, accounts) : await session.ask('inventory.find', { text, limit: MOST_FOUND });
  const { line: commandLine, state } = session;
  const at = { now: commandLine.clock.now(), zone: commandLine.zone };
  const names = new Map(accounts.map(({ id, name }) => [id, name]));
  const listed = balancers.map((balancer) => ({
    balancer,
    account: names.get(balancer.accountId) ?? balancer.accountId,
    elevated: elevatedOn(state, balancer, at),
  }));
  const screen: Block[] =
    listed.length > 0 ? [balancerTable(listed)] : [line(text === undefined ? 'No load balancers.' : 'No load balancer matches.')];
  if (more) screen.push(line({ text: `Only the first ${MOST_FOUND} are shown.`, tone: 'dim' }));
  if (problem) screen.push(line({ text: `The list may be old: ${problem}`, tone: 'warn' }));
  return done({ accounts, balancers, more, fetchedAt, problem }, [...screen, ...accountProblems(accounts)]);
}

async function everyOne(session: Session, accounts: readonly Account[]): Promise<{ balancers: LoadBalancer[]; more: boolean }> {
  const balancers: LoadBalancer[] = [];
  for (const account of accounts) balancers.push(...(await balancersOf(session, account)));
  return { balancers, more: false };
}

function elevatedOn(state: DaemonState, balancer: LoadBalancer, at: Now): string {
  return Object.values(state.grants)
    .filter((grant) => grant.resource.balancerId === balancer.id && mayStand(grant.state))
    .map((grant) => `${grant.mine ? 'you' : grant.holder.name} until ${clockTime(grant.notAfter, at)}`)
    .join(', ');
}
