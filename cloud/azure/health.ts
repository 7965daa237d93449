import type { ApplicationGatewayBackendHealth, LoadBalancer, LoadBalancerHealthPerRule, LoadBalancingRule } from '@azure/arm-network';
import type { ResourceId } from '../../protocol/ids.ts';
import type { Health } from '../../protocol/model.ts';
import { atMost } from './at-most.ts';
import { type AzureError, azureErrorOf } from './azure-error.ts';
import type { AzureClients } from './clients.ts';
import { type AzureResource, comparable, MEMBERS, resourceId } from './resource-id.ts';

/** Azure answers a health question as a long-running operation. */
const POLL = { updateIntervalInMs: 500 };
const ASKED_AT_ONCE = 4;

/** Of one pool: the state of each member that Azure named, by the name that the tree gives it. */
interface PoolHealth {
  poolId: string;
  members: { name: string; up: boolean; detail?: string | undefined }[];
}

/**
 * Health by part id. Empty where Azure does not offer it (basic balancers, stopped gateways, locks) or the identity may
 * not ask; throws when Azure does not answer.
 */
export async function healthOf(
  clients: AzureClients,
  resource: AzureResource,
  now: () => number,
  signal: AbortSignal,
): Promise<Map<ResourceId, Health>> {
  try {
    return await (resource.balancerKind === 'load-balancer'
      ? ofLoadBalancer(clients, resource, signal)
      : ofGateway(clients, resource, signal));
  } catch (error) {
    const answer = azureErrorOf(error, now());
    if (answer && isNotOffered(answer)) return new Map();
    throw error;
  }
}

/** Wrong tier, stopped, locked, not allowed, not there: all of them mean that there is no health to show. */
const isNotOffered = ({ status }: AzureError): boolean => [400, 403, 404, 405, 409, 412].includes(status);

async function ofGateway(clients: AzureClients, resource: AzureResource, signal: AbortSignal): Promise<Map<ResourceId, Health>> {
  const client = await clients.network(resource.subscriptionId);
  const poller = client.applicationGateways.backendHealth(resource.resourceGroup, resource.balancerName, { ...POLL, abortSignal: signal });
  return gatewayHealth(await poller.pollUntilDone({ abortSignal: signal }));
}

/** Pools, their members, and the settings under which they were probed. */
export function gatewayHealth(answer: ApplicationGatewayBackendHealth): Map<ResourceId, Health> {
  const pools = (answer.backendAddressPools ?? []).flatMap(({ backendAddressPool, backendHttpSettingsCollection }) =>
    (backendHttpSettingsCollection ?? []).map((settings) => ({
      poolId: backendAddressPool?.id ?? '',
      settingsId: settings.backendHttpSettings?.id ?? '',
      members: (settings.servers ?? []).map(({ address, health, healthProbeLog }) => ({
        name: address ?? '',
        // `Partial` and `Unknown` are not a member that serves.
        up: health === 'Up' || health === 'Draining',
        detail: healthProbeLog,
      })),
    })),
  );
  const health = healthByPart(pools);
  for (const [settingsId, ofSettings] of Map.groupBy(pools, (pool) => pool.settingsId)) {
    if (settingsId) health.set(resourceId(settingsId), summary(ofSettings.flatMap(({ members }) => members)));
  }
  return health;
}

async function ofLoadBalancer(clients: AzureClients, resource: AzureResource, signal: AbortSignal): Promise<Map<ResourceId, Health>> {
  const { resourceGroup, balancerName } = resource;
  const client = await clients.network(resource.subscriptionId);
  const balancer = await client.loadBalancers.get(resourceGroup, balancerName, { abortSignal: signal });
  const groups = [...Map.groupBy(balancer.loadBalancingRules ?? [], sameMembersAndProbe).values()];
  const found = await atMost(ASKED_AT_ONCE, groups, async (group) => {
    const options = { ...POLL, abortSignal: signal };
    const poller = client.loadBalancerLoadBalancingRules.health(resourceGroup, balancerName, group[0]?.name ?? '', options);
    return ruleHealth(balancer, group, await poller.pollUntilDone({ abortSignal: signal }));
  });
  return new Map(found.flatMap((some) => [...some]));
}

/** Rules that share pools and probe share their health: one question answers for all of them. */
const sameMembersAndProbe = ({ backendAddressPool, backendAddressPools, probe }: LoadBalancingRule): string =>
  comparable([backendAddressPool?.id, ...(backendAddressPools ?? []).map(({ id }) => id), probe?.id].join('|'));

/** Health of the rules of one group, their probe, their pools and the pools' members. */
export function ruleHealth(
  balancer: LoadBalancer,
  rules: readonly LoadBalancingRule[],
  answer: LoadBalancerHealthPerRule,
): Map<ResourceId, Health> {
  const states = (answer.loadBalancerBackendAddresses ?? []).map((one) => ({
    name: one.ipAddress ?? '',
    networkInterface: one.networkInterfaceIPConfigurationId,
    up: one.state === 'Up',
    detail: one.reason,
  }));
  const health = new Map<ResourceId, Health>();
  const whole = summary(states);
  for (const rule of rules) {
    if (rule.id) health.set(resourceId(rule.id), whole);
    if (rule.probe?.id) health.set(resourceId(rule.probe.id), whole);
  }
  const [rule] = rules;
  const poolIds = new Set(
    [rule?.backendAddressPool, ...(rule?.backendAddressPools ?? [])].flatMap((pool) => (pool?.id ? [comparable(pool.id)] : [])),
  );
  const pools = (balancer.backendAddressPools ?? []).filter(({ id }) => id && poolIds.has(comparable(id)));
  const byPool = pools.map((pool): PoolHealth => {
    const byInterface = (pool.backendIPConfigurations ?? []).map(({ id }) => comparable(id ?? ''));
    const addresses = (pool.loadBalancerBackendAddresses ?? []).map((one, at) => ({
      key: one.name ?? one.ipAddress ?? String(at),
      ip: one.ipAddress,
      networkInterface: one.networkInterfaceIPConfiguration?.id,
    }));
    return {
      poolId: pool.id ?? '',
      members: states.flatMap((state) => {
        const named = addresses.find(
          ({ ip, networkInterface }) => (ip && ip === state.name) || isSame(networkInterface, state.networkInterface),
        );
        const attached = state.networkInterface !== undefined && byInterface.includes(comparable(state.networkInterface));
        // With one pool there is no doubt where a member belongs, whatever Azure calls it.
        if (!named && !attached && pools.length > 1) return [];
        return [{ name: named?.key ?? interfaceKey(state.networkInterface) ?? state.name, up: state.up, detail: state.detail }];
      }),
    };
  });
  for (const [id, one] of healthByPart(byPool)) health.set(id, one);
  return health;
}

const isSame = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && comparable(a) === comparable(b);

/** The key of a member by network interface: the interface and its IP configuration. */
function interfaceKey(id: string | undefined): string | undefined {
  const [, name, configuration] = /\/networkinterfaces\/([^/]+)\/ipconfigurations\/([^/]+)/i.exec(id ?? '') ?? [];
  return name && configuration && `${name}-${configuration}`;
}

/** A pool that is probed under several settings is as healthy as its members are under all of them. */
function healthByPart(pools: readonly PoolHealth[]): Map<ResourceId, Health> {
  const health = new Map<ResourceId, Health>();
  for (const [poolId, ofPool] of Map.groupBy(pools, (pool) => pool.poolId)) {
    if (!poolId) continue;
    const members = Map.groupBy(
      ofPool.flatMap((pool) => pool.members),
      ({ name }) => name,
    );
    const merged = [...members].map(([name, seen]) => ({
      name,
      up: seen.every(({ up }) => up),
      detail: seen.find(({ up, detail }) => !up && detail)?.detail,
    }));
    for (const { name, up, detail } of merged) {
      health.set(resourceId(`${poolId}/${MEMBERS}/${name}`), {
        state: up ? 'healthy' : 'unhealthy',
        ...(detail && { detail: detail.slice(0, 500) }),
      });
    }
    health.set(resourceId(poolId), summary(merged));
  }
  return health;
}

function summary(members: readonly { up: boolean }[]): Health {
  const total = members.length;
  const up = members.filter((member) => member.up).length;
  if (total === 0) return { state: 'unknown', up, total };
  return { state: up === total ? 'healthy' : up === 0 ? 'unhealthy' : 'degraded', up, total };
}
