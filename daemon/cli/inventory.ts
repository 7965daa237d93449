import { SECOND } from '../../protocol/clock.ts';
import type { Account, LoadBalancer } from '../../protocol/model.ts';
import type { DaemonState } from '../../protocol/state.ts';
import { Refused } from './outcome.ts';
import { type Session, slowly } from './session.ts';
import { placeName } from './views/sign-in.ts';
import { watch } from './watch.ts';

const FIRST_LIST_WITHIN = 60 * SECOND;

/**
 * Waits until a daemon that has just started knows its load balancers, or why it does not.
 * @throws Refused `not-signed-in` when there is nobody to ask as.
 */
export async function inventoryKnown(session: Session): Promise<void> {
  const { client, line } = session;
  await slowly(
    line,
    'Listing load balancers',
    watch(client, (state) => settled(state) || undefined, { clock: line.clock, within: FIRST_LIST_WITHIN }),
  );
  const { inventory, signIns } = session.state;
  if (inventory.fetchedAt !== undefined || signIns.some(({ state }) => state === 'signed in')) return;
  const failed = signIns.find(({ state }) => state === 'failed' || state === 'signed out');
  if (!failed) return;
  throw new Refused({
    code: 'not-signed-in',
    message: failed.problem ?? `You are not signed in to ${placeName(failed.to)}`,
    wayOut: `Run "portcullis sign-in ${failed.to}".`,
  });
}

/** A list, a problem, or nobody signed in and nobody about to be. */
function settled({ inventory, signIns }: DaemonState): boolean {
  if (inventory.refreshing) return false;
  if (inventory.fetchedAt !== undefined || inventory.problem !== undefined) return true;
  return signIns.length > 0 && signIns.every(({ state }) => state === 'signed out' || state === 'failed' || state === 'not used');
}

/** Has the list read anew, and waits for it. */
export async function refreshInventory(session: Session): Promise<void> {
  const before = session.state.inventory.fetchedAt;
  await session.ask('inventory.refresh', {});
  const fresh = (state: DaemonState) =>
    (!state.inventory.refreshing && (state.inventory.fetchedAt !== before || state.inventory.problem !== undefined)) || undefined;
  await slowly(
    session.line,
    'Listing load balancers',
    watch(session.client, fresh, { clock: session.line.clock, within: FIRST_LIST_WITHIN }),
  );
}

/** Every balancer of an account, page by page. */
export async function balancersOf(session: Session, account: Account): Promise<LoadBalancer[]> {
  const all: LoadBalancer[] = [];
  let cursor: string | undefined;
  do {
    const page = await session.ask('inventory.balancers', {
      provider: account.provider,
      accountId: account.id,
      ...(cursor === undefined ? {} : { cursor }),
    });
    all.push(...page.balancers);
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}
