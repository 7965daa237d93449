import type { RoleTree } from '../../central/policy/roles.ts';
import type { CatalogueRole } from '../../cloud/provider.ts';
import type { ResourceId, RoleId } from '../../protocol/ids.ts';
import type { LoadBalancer } from '../../protocol/model.ts';

/** The roles that the example policy speaks of. */
export const ROLES = ['observe', 'backends', 'nat', 'health-checks', 'certificates', 'routes', 'operate', 'full'] as const;
export const ROLE_TREE: RoleTree = Object.fromEntries(ROLES.map((id) => [id, []]));

export const EXAMPLE_POLICY = new URL('../../central/policy/example', import.meta.url).pathname;

export const aRole = (id: string): CatalogueRole => ({
  id: id as RoleId,
  title: `${id.slice(0, 1).toUpperCase()}${id.slice(1)}`,
  enforcement: id === 'certificates' ? 'guarded' : 'native',
  allows: [`What ${id} allows`],
  actions: id === 'certificates' ? [] : [`Microsoft.Network/loadBalancers/${id}/write`],
});

export const balancerId = (name: string): ResourceId =>
  `azure:/subscriptions/s1/resourcegroups/rg/providers/microsoft.network/loadbalancers/${name}` as ResourceId;

export const aBalancer = (name: string, env: string | undefined): LoadBalancer => ({
  id: balancerId(name),
  provider: 'azure',
  kind: 'load-balancer',
  name,
  accountId: 's1',
  resourceGroup: 'rg',
  location: 'westeurope',
  sku: 'Standard',
  exposure: 'public',
  tags: env ? { env } : {},
  provisioningState: 'Succeeded',
  counts: { frontends: 1, pools: 1, rules: 1 },
});

/** As in the directory of the demo organisation, and somebody with two accounts. */
export const PEOPLE = {
  alice: { id: 'alice', name: 'Alice Novak', azureObjectId: '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a01', groups: ['edge-sre'] },
  ben: { id: 'ben', name: 'Ben Okafor', azureObjectId: '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a02', groups: ['edge-leads'] },
  carla: { id: 'carla', name: 'Carla Reyes', azureObjectId: '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a03', groups: ['auditors'] },
  dan: { id: 'dan', name: 'Dan Weiss', azureObjectId: '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a04', groups: [] },
  lee: { id: 'lee', name: 'Lee Sun', azureObjectId: '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a05', groups: ['edge-sre', 'edge-leads'] },
  leeAdmin: {
    id: 'lee-admin',
    name: 'Lee Sun (admin)',
    azureObjectId: '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a06',
    groups: ['edge-leads'],
    aliases: ['lee'],
  },
} as const;
export type PersonName = keyof typeof PEOPLE;
