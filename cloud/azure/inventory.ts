import type { Subscription } from '@azure/arm-resources-subscriptions';
import * as v from 'valibot';
import { type Clock, SECOND, sleep } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { Account, LoadBalancer } from '../../protocol/model.ts';
import type { InventoryPage } from '../provider.ts';
import { balancerOf, balancerOfRow, InventoryRow } from './balancer.ts';
import type { AzureClients } from './clients.ts';
import { faultOf } from './errors.ts';
import { INVENTORY_QUERY } from './inventory-query.ts';

/** Resource Graph takes 300 subscriptions and gives 1,000 rows at a time. */
const SUBSCRIPTIONS_PER_QUERY = 300;
const ROWS_PER_PAGE = 1_000;
const LISTED_AT_ONCE = 8;

/**
 * Every balancer that the identity may read: by Resource Graph, and subscription by subscription where that is refused,
 * does not answer or leaves subscriptions out. The query names its subscriptions: for all of a tenant at once Azure reads
 * the first 10,000 and no more. Accounts come first without balancers and again with how many they have: the last one counts.
 */
export async function* inventory(clients: AzureClients, clock: Clock, signal: AbortSignal): AsyncGenerator<InventoryPage> {
  const accounts = await accountsOf(clients, signal).catch((error) => {
    throw faultOf(error, clock.now());
  });
  yield { accounts: [...accounts.values()], balancers: [] };
  const waiting = [...accounts.keys()];
  while (waiting.length > 0) {
    const some = waiting.splice(0, SUBSCRIPTIONS_PER_QUERY);
    try {
      for await (const balancers of queried(clients, clock, some, signal)) yield { accounts: counted(accounts, balancers), balancers };
    } catch (error) {
      if (signal.aborted) throw faultOf(error, clock.now());
      for (const id of some) accounts.set(id, { ...(accounts.get(id) as Account), balancers: 0 });
      yield* listed(clients, clock, accounts, some, signal);
    }
  }
}

async function accountsOf(clients: AzureClients, signal: AbortSignal): Promise<Map<string, Account>> {
  const client = await clients.subscriptions();
  const found = new Map<string, Account>();
  for await (const subscription of client.subscriptions.list({ abortSignal: signal })) {
    const account = accountOf(subscription);
    if (account) found.set(account.id, account);
  }
  return found;
}

function accountOf({ subscriptionId, displayName, state }: Subscription): Account | undefined {
  if (!subscriptionId || state === 'Deleted') return undefined;
  return { provider: 'azure', id: subscriptionId.toLowerCase(), name: (displayName ?? subscriptionId).slice(0, 200), balancers: 0 };
}

function counted(accounts: Map<string, Account>, balancers: LoadBalancer[]): Account[] {
  const touched = new Set<string>();
  for (const { accountId } of balancers) {
    const account = accounts.get(accountId);
    if (!account) continue;
    accounts.set(accountId, { ...account, balancers: account.balancers + 1 });
    touched.add(accountId);
  }
  return [...touched].flatMap((id) => accounts.get(id) ?? []);
}

const Answer = v.object({
  data: v.array(InventoryRow),
  skipToken: v.nullish(v.string()),
});

async function* queried(clients: AzureClients, clock: Clock, subscriptions: string[], signal: AbortSignal): AsyncGenerator<LoadBalancer[]> {
  const client = await clients.graph();
  let skipToken: string | undefined;
  do {
    let quota: Quota = {};
    let isCut = false;
    const onResponse = ({ headers }: { headers: { get(name: string): string | undefined } }) => {
      quota = quotaOf((name) => headers.get(name));
      isCut = headers.get('x-ms-tenant-subscription-limit-hit')?.toLowerCase() === 'true';
    };
    const answer = await client.resources(
      {
        subscriptions,
        query: INVENTORY_QUERY,
        options: { resultFormat: 'objectArray', top: ROWS_PER_PAGE, allowPartialScopes: true, ...(skipToken && { skipToken }) },
      },
      { abortSignal: signal, onResponse },
    );
    // It does not say which ones: nothing of such an answer may pass for the whole.
    if (isCut) throw new Fault('cloud-refused', 'Resource Graph left subscriptions out.');
    const page = v.safeParse(Answer, answer);
    if (!page.success) throw new Fault('protocol-violation', `Azure's list is not understood: ${v.summarize(page.issues)}`);
    yield page.output.data.map(balancerOfRow);
    skipToken = page.output.skipToken ?? undefined;
    if (skipToken && quota.remaining === 0 && quota.resetsAfter) await sleep(clock, quota.resetsAfter, signal);
  } while (skipToken);
}

interface Quota {
  remaining?: number;
  resetsAfter?: number;
}

/** Resource Graph says how many queries are left, and when (`hh:mm:ss`) there are more. */
export function quotaOf(header: (name: string) => string | undefined): Quota {
  const remaining = Number(header('x-ms-user-quota-remaining') ?? Number.NaN);
  const [, hours, minutes, seconds] = /^(\d+):(\d+):(\d+)/.exec(header('x-ms-user-quota-resets-after') ?? '') ?? [];
  return {
    ...(Number.isFinite(remaining) && { remaining }),
    ...(seconds !== undefined && { resetsAfter: (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * SECOND }),
  };
}

/** Some subscriptions at once; each page is one subscription, in the order in which they answer. */
async function* listed(
  clients: AzureClients,
  clock: Clock,
  accounts: Map<string, Account>,
  subscriptions: string[],
  signal: AbortSignal,
): AsyncGenerator<InventoryPage> {
  const running = new Map<string, Promise<{ id: string; page: InventoryPage }>>();
  const waiting = [...subscriptions];
  const start = () => {
    const id = waiting.shift();
    const account = id === undefined ? undefined : accounts.get(id);
    if (account)
      running.set(
        account.id,
        listOne(clients, clock, account, signal).then((page) => ({ id: account.id, page })),
      );
  };
  for (let at = 0; at < LISTED_AT_ONCE; at++) start();
  while (running.size > 0) {
    const { id, page } = await Promise.race(running.values());
    if (signal.aborted) throw faultOf(signal.reason, clock.now());
    running.delete(id);
    start();
    yield page;
  }
}

/** One subscription. That it cannot be listed is its own problem and no one else's. */
async function listOne(clients: AzureClients, clock: Clock, account: Account, signal: AbortSignal): Promise<InventoryPage> {
  try {
    const client = await clients.network(account.id);
    const balancers: LoadBalancer[] = [];
    for await (const one of client.loadBalancers.listAll({ abortSignal: signal }))
      balancers.push(...present(balancerOf('load-balancer', one)));
    for await (const one of client.applicationGateways.listAll({ abortSignal: signal })) {
      balancers.push(...present(balancerOf('application-gateway', one)));
    }
    return { accounts: [{ ...account, balancers: balancers.length }], balancers };
  } catch (error) {
    const { message, wayOut } = faultOf(error, clock.now());
    return { accounts: [{ ...account, problem: [message, wayOut].filter(Boolean).join(' ') }], balancers: [] };
  }
}

const present = <T>(value: T | undefined): T[] => (value === undefined ? [] : [value]);
