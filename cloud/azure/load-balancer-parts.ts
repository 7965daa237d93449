import type {
  BackendAddressPool,
  FrontendIPConfiguration,
  LoadBalancer,
  LoadBalancerBackendAddress,
  SubResource,
} from '@azure/arm-network';
import type { Part } from '../../protocol/model.ts';
import { type Draft, detail, lastName, partsOf, ports, protocol, seconds } from './part.ts';
import { MEMBERS } from './resource-id.ts';

/** The parts of a load balancer in tree order: what faces the caller first, then where calls go, then how. */
export function loadBalancerParts(balancer: LoadBalancer): Part[] {
  const pools = balancer.backendAddressPools ?? [];
  return partsOf(balancer.id, [
    ...(balancer.frontendIPConfigurations ?? []).map(
      (one): Draft => ({ kind: 'frontend', id: one.id, name: one.name, detail: address(one) }),
    ),
    ...(balancer.loadBalancingRules ?? []).map(
      (one): Draft => ({
        kind: 'rule',
        id: one.id,
        name: one.name,
        detail: detail(
          `${protocol(one.protocol)} ${ports(one.frontendPort, one.backendPort)}`,
          toPools(one.backendAddressPool, one.backendAddressPools),
        ),
      }),
    ),
    ...pools.flatMap(poolAndMembers),
    ...(balancer.probes ?? []).map(
      (one): Draft => ({
        kind: 'probe',
        id: one.id,
        name: one.name,
        detail: detail(
          `${protocol(one.protocol)} ${one.port ?? ''}${one.requestPath ? ` ${slashed(one.requestPath)}` : ''}`,
          every(one.intervalInSeconds),
        ),
      }),
    ),
    ...(balancer.inboundNatRules ?? []).map(
      (one): Draft => ({
        kind: 'nat-rule',
        id: one.id,
        name: one.name,
        detail: `${protocol(one.protocol)} ${ports(range(one) ?? one.frontendPort, one.backendPort)}`,
      }),
    ),
    ...(balancer.inboundNatPools ?? []).map(
      (one): Draft => ({
        kind: 'nat-rule',
        id: one.id,
        name: one.name,
        detail: `${protocol(one.protocol)} ${ports(range(one), one.backendPort)}`,
      }),
    ),
    ...(balancer.outboundRules ?? []).map(
      (one): Draft => ({
        kind: 'outbound-rule',
        id: one.id,
        name: one.name,
        detail: detail(protocol(one.protocol), one.backendAddressPool && `from ${lastName(one.backendAddressPool.id)}`),
      }),
    ),
  ]);
}

function poolAndMembers(pool: BackendAddressPool): Draft[] {
  const addresses = pool.loadBalancerBackendAddresses ?? [];
  // A pool by network interface lists its members under both names; one by address only under the first.
  const members = addresses.length > 0 ? addresses.map(byAddress) : (pool.backendIPConfigurations ?? []).map(byInterface);
  return [
    { kind: 'backend-pool', id: pool.id, name: pool.name, detail: members.length === 1 ? '1 member' : `${members.length} members` },
    ...members.map(
      (member): Draft => ({
        kind: 'member',
        id: `${pool.id}/${MEMBERS}/${member.key}`,
        parent: pool.id,
        name: member.name,
        detail: member.detail,
      }),
    ),
  ];
}

interface Member {
  key: string;
  name: string;
  detail: string;
}

function byAddress(one: LoadBalancerBackendAddress, at: number): Member {
  const name = one.name ?? one.ipAddress ?? lastName(one.networkInterfaceIPConfiguration?.id);
  const state = one.adminState === 'Down' || one.adminState === 'Up' ? `administratively ${one.adminState.toLowerCase()}` : undefined;
  const shown =
    one.ipAddress ?? interfaceName(one.networkInterfaceIPConfiguration?.id) ?? lastName(one.loadBalancerFrontendIPConfiguration?.id);
  return { key: name || String(at), name: name || String(at), detail: detail(shown === name ? undefined : shown, state) };
}

function byInterface(one: { id?: string | undefined; privateIPAddress?: string | undefined }, at: number): Member {
  const name = interfaceName(one.id) ?? String(at);
  // One interface may be in a pool with several of its addresses.
  return { key: `${name}-${lastName(one.id) || at}`, name, detail: detail(one.privateIPAddress) };
}

const interfaceName = (id: string | undefined): string | undefined => /\/networkinterfaces\/([^/]+)/i.exec(id ?? '')?.[1];

const slashed = (path: string): string => (path.startsWith('/') ? path : `/${path}`);

const every = (interval: number | undefined): string | undefined => (interval === undefined ? undefined : `every ${seconds(interval)}`);

const range = ({
  frontendPortRangeStart: from,
  frontendPortRangeEnd: to,
}: {
  frontendPortRangeStart?: number;
  frontendPortRangeEnd?: number;
}): string | undefined => (from === undefined || to === undefined ? undefined : `${from}-${to}`);

function toPools(one: SubResource | undefined, many: SubResource[] | undefined): string | undefined {
  const ids = new Set([one?.id, ...(many ?? []).map(({ id }) => id)].flatMap((id) => (id ? [id.toLowerCase()] : [])));
  const all = [one, ...(many ?? [])].flatMap((pool) => (pool?.id && ids.delete(pool.id.toLowerCase()) ? [lastName(pool.id)] : []));
  return all.length === 0 ? undefined : `to ${all.join(', ')}`;
}

function address(one: FrontendIPConfiguration): string {
  const open = one.publicIPAddress ?? one.publicIPPrefix;
  if (open) return detail('public', one.publicIPAddress?.ipAddress ?? lastName(open.id));
  return detail('internal', one.privateIPAddress);
}
