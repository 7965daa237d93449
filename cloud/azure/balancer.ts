import type { ApplicationGateway, LoadBalancer as AzureLoadBalancer } from '@azure/arm-network';
import * as v from 'valibot';
import type { BalancerKind, LoadBalancer } from '../../protocol/model.ts';
import { comparable, resourceId } from './resource-id.ts';

const count = v.nullish(v.number(), 0);
const name = v.nullish(v.string(), '');

/** One row of the inventory query. */
export const InventoryRow = v.object({
  id: v.string(),
  name: v.string(),
  type: v.string(),
  location: name,
  resourceGroup: name,
  subscriptionId: v.string(),
  sku: v.nullish(v.object({ name: v.nullish(v.string()), tier: v.nullish(v.string()) })),
  appSku: name,
  // Azure leaves a tag's value out when it is empty.
  tags: v.nullish(v.record(v.string(), v.nullish(v.string(), '')), {}),
  prov: name,
  exposed: v.nullish(v.union([v.boolean(), v.number()])),
  fe: count,
  pools: count,
  rules: count,
});
export type InventoryRow = v.InferOutput<typeof InventoryRow>;

const kindOfType = (type: string): BalancerKind =>
  type.toLowerCase().endsWith('/applicationgateways') ? 'application-gateway' : 'load-balancer';

const sku = (...words: (string | null | undefined)[]): string => [...new Set(words.filter(Boolean))].join(' ').slice(0, 100);

export function balancerOfRow(row: InventoryRow): LoadBalancer {
  return {
    id: resourceId(row.id),
    provider: 'azure',
    kind: kindOfType(row.type),
    name: row.name,
    accountId: row.subscriptionId.toLowerCase(),
    resourceGroup: groupOf(row.id) ?? row.resourceGroup,
    location: row.location,
    sku: row.appSku || sku(row.sku?.name, regional(row.sku?.tier)),
    exposure: row.fe === 0 ? 'unknown' : row.exposed ? 'public' : 'internal',
    tags: row.tags,
    provisioningState: row.prov,
    counts: { frontends: row.fe, pools: row.pools, rules: row.rules },
  };
}

type Resource = AzureLoadBalancer | ApplicationGateway;

/** A balancer as the network provider gives it. Undefined when it has no id, which Azure never sends. */
export function balancerOf(kind: BalancerKind, resource: Resource): LoadBalancer | undefined {
  const { id } = resource;
  if (!id) return undefined;
  const frontends = resource.frontendIPConfigurations ?? [];
  const rules = 'requestRoutingRules' in resource || 'routingRules' in resource ? routesOf(resource) : rulesOf(resource);
  const tier = kind === 'load-balancer' ? regional(resource.sku?.tier) : undefined;
  return {
    id: resourceId(id),
    provider: 'azure',
    kind,
    name: resource.name ?? id.slice(id.lastIndexOf('/') + 1),
    accountId: comparable(id).split('/')[2] ?? '',
    resourceGroup: groupOf(id) ?? '',
    location: resource.location ?? '',
    sku: sku(resource.sku?.name, tier),
    exposure: frontends.length === 0 ? 'unknown' : frontends.some(isPublic) ? 'public' : 'internal',
    tags: Object.fromEntries(Object.entries(resource.tags ?? {}).map(([key, value]) => [key, value ?? ''])),
    provisioningState: resource.provisioningState ?? '',
    counts: { frontends: frontends.length, pools: resource.backendAddressPools?.length ?? 0, rules },
  };
}

/** The tier `Regional` is the usual one and says nothing. */
const regional = (tier: string | null | undefined): string | undefined => (tier === 'Regional' || !tier ? undefined : tier);

const groupOf = (id: string): string | undefined => /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)/i.exec(id)?.[1];

const rulesOf = (resource: AzureLoadBalancer): number => resource.loadBalancingRules?.length ?? 0;
const routesOf = (resource: ApplicationGateway): number =>
  (resource.requestRoutingRules?.length ?? 0) + (resource.routingRules?.length ?? 0);

const isPublic = (frontend: { publicIPAddress?: unknown; publicIPPrefix?: unknown }): boolean =>
  frontend.publicIPAddress !== undefined || frontend.publicIPPrefix !== undefined;
