import { idOf, type Place, tagsOf } from './estate-balancers.ts';
import type { JsonObject } from './json.ts';
import type { Resource } from './resources.ts';

/** A standard load balancer: frontends, pools by address or by network interface, rules, probes, and what goes with them. */
export function makeLoadBalancer(place: Place): Resource {
  const name = `lb-${place.stem}`;
  const id = idOf(place, 'loadBalancers', name);
  const child = (collection: string, one: string): JsonObject => ({ id: `${id}/${collection}/${one}` });
  const byInterface = place.random() < 0.25;
  const pools = place.random() < 0.4 ? ['web', 'api'] : ['web'];
  const ports = pools.length === 1 ? [443] : [443, 8443];
  const outbound = place.public && place.random() < 0.6;
  return {
    id,
    name,
    type: 'Microsoft.Network/loadBalancers',
    location: place.region,
    tags: tagsOf(place),
    sku: { name: 'Standard', tier: 'Regional' },
    properties: {
      frontendIPConfigurations: [frontend(place)],
      backendAddressPools: pools.map((pool, index) => ({ name: pool, properties: members(place, pool, index, byInterface) })),
      loadBalancingRules: pools.map((pool, index) => ({
        name: `${pool}-tls`,
        properties: {
          frontendIPConfiguration: child('frontendIPConfigurations', frontendName(place)),
          backendAddressPool: child('backendAddressPools', pool),
          backendAddressPools: [child('backendAddressPools', pool)],
          probe: child('probes', 'health'),
          protocol: 'Tcp',
          frontendPort: ports[index] ?? 443,
          backendPort: 8443,
          idleTimeoutInMinutes: 4,
          enableFloatingIP: false,
          enableTcpReset: true,
          disableOutboundSnat: outbound,
          loadDistribution: 'Default',
        },
      })),
      probes: [
        {
          name: 'health',
          properties: {
            protocol: 'Https',
            port: 8443,
            requestPath: '/healthz',
            intervalInSeconds: 5,
            numberOfProbes: 2,
            probeThreshold: 2,
          },
        },
      ],
      inboundNatRules: place.env === 'staging' ? [natRule(place, child)] : [],
      outboundRules: outbound
        ? [
            {
              name: 'egress',
              properties: {
                frontendIPConfigurations: [child('frontendIPConfigurations', frontendName(place))],
                backendAddressPool: child('backendAddressPools', 'web'),
                protocol: 'All',
                allocatedOutboundPorts: 1024,
                idleTimeoutInMinutes: 15,
                enableTcpReset: true,
              },
            },
          ]
        : [],
      inboundNatPools: [],
    },
  };
}

const frontendName = (place: Place): string => (place.public ? 'public' : 'internal');

export const networkId = (place: Place): string => idOf(place, 'virtualNetworks', `vnet-${place.stem}`);

function frontend(place: Place): JsonObject {
  const properties: JsonObject = place.public
    ? { privateIPAllocationMethod: 'Dynamic', publicIPAddress: { id: idOf(place, 'publicIPAddresses', `pip-${place.stem}`) } }
    : {
        privateIPAddress: `10.${place.network}.0.10`,
        privateIPAllocationMethod: 'Static',
        privateIPAddressVersion: 'IPv4',
        subnet: { id: `${networkId(place)}/subnets/frontend` },
      };
  return { name: frontendName(place), ...(!place.public && { zones: ['1', '2', '3'] }), properties };
}

function members(place: Place, pool: string, index: number, byInterface: boolean): JsonObject {
  const count = 2 + Math.floor(place.random() * 3);
  const numbers = Array.from({ length: count }, (_, member) => member + 1);
  if (byInterface) {
    return {
      backendIPConfigurations: numbers.map((number) => ({
        id: `${idOf(place, 'networkInterfaces', `nic-${place.workload}-${pool}-${number}`)}/ipConfigurations/primary`,
      })),
    };
  }
  return {
    loadBalancerBackendAddresses: numbers.map((number) => ({
      name: `${place.workload}-${pool}-${number}`,
      properties: { ipAddress: `10.${place.network}.4.${index * 20 + number + 3}`, virtualNetwork: { id: networkId(place) } },
    })),
  };
}

const natRule = (place: Place, child: (collection: string, one: string) => JsonObject): JsonObject => ({
  name: 'ssh-jump',
  properties: {
    frontendIPConfiguration: child('frontendIPConfigurations', frontendName(place)),
    frontendPort: 50_022,
    backendPort: 22,
    protocol: 'Tcp',
    idleTimeoutInMinutes: 4,
    enableFloatingIP: false,
    enableTcpReset: false,
  },
});
