import { makeGateway } from './estate-gateway.ts';
import { makeLoadBalancer } from './estate-load-balancer.ts';
import { seededRandom } from './random.ts';
import type { Resource } from './resources.ts';

/** Where one balancer lives and what it is for. */
export interface Place {
  subscription: string;
  group: string;
  /** `checkout-prd-weu`, ends in a number where the plain name is taken. */
  stem: string;
  workload: string;
  env: 'prod' | 'staging' | 'shared';
  team: string;
  region: string;
  /** Second octet of its addresses. */
  network: number;
  public: boolean;
  random: () => number;
}

const WORKLOADS: readonly [string, string][] = [
  ['checkout', 'shop'],
  ['catalogue', 'shop'],
  ['search', 'discovery'],
  ['basket', 'shop'],
  ['payments', 'payments'],
  ['ledger', 'payments'],
  ['identity', 'platform'],
  ['media', 'discovery'],
  ['stock', 'logistics'],
  ['orders', 'logistics'],
  ['partners', 'b2b'],
];
const REGIONS: readonly [string, string][] = [
  ['westeurope', 'weu'],
  ['northeurope', 'neu'],
  ['swedencentral', 'sdc'],
];

/** Believable load balancers and application gateways, spread over the subscriptions. Every third is a gateway. */
export function makeBalancers(
  count: number,
  subscriptions: readonly { id: string; name: string }[],
  seed: number,
): { resources: Resource[]; down: string[] } {
  const random = seededRandom(seed);
  const taken = new Map<string, number>();
  const resources: Resource[] = [];
  for (let index = 0; index < count; index++) {
    const place = placeOf(index, subscriptions, taken, random);
    resources.push(index % 3 === 2 ? makeGateway(place) : makeLoadBalancer(place));
  }
  // A few backends are ill, so that health has something to tell.
  const addresses = resources.flatMap((resource) => JSON.stringify(resource.properties).match(/10\.\d+\.4\.\d+/g) ?? []);
  return { resources, down: addresses.filter((_, index) => index % 17 === 9) };
}

function placeOf(
  index: number,
  subscriptions: readonly { id: string; name: string }[],
  taken: Map<string, number>,
  random: () => number,
): Place {
  const subscription = subscriptions[index % subscriptions.length] ?? { id: '', name: '' };
  const [workload, team] = WORKLOADS[Math.floor(index / subscriptions.length) % WORKLOADS.length] ?? ['web', 'shop'];
  const [region, short] = REGIONS[Math.floor(index / 7) % REGIONS.length] ?? ['westeurope', 'weu'];
  const env = /staging/i.test(subscription.name) ? 'staging' : /platform/i.test(subscription.name) ? 'shared' : 'prod';
  const name = `${workload}-${{ prod: 'prd', staging: 'stg', shared: 'shr' }[env]}-${short}`;
  const key = `${subscription.id}/${name}`;
  const nth = (taken.get(key) ?? 0) + 1;
  taken.set(key, nth);
  return {
    subscription: subscription.id,
    group: `rg-${name}`,
    stem: nth === 1 ? name : `${name}-${String(nth).padStart(2, '0')}`,
    workload,
    env,
    team,
    region,
    network: 16 + (index % 200),
    public: index % 2 === 0,
    random,
  };
}

export const tagsOf = ({ env, team, workload }: Place): Record<string, string> => ({
  env,
  team,
  service: workload,
  costCentre: `cc-${team}`,
});

export const idOf = ({ subscription, group }: Pick<Place, 'subscription' | 'group'>, type: string, name: string): string =>
  `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Network/${type}/${name}`;
