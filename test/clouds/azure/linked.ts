import type { Link } from './access.ts';
import { isObject, type JsonObject, objectOf, objectsOf, textOf } from './json.ts';

const NETWORK = 'Microsoft.Network';

const to = (action: string, target: JsonObject): Link[] => {
  const id = textOf(target['id']);
  return id === undefined ? [] : [{ action, id }];
};

function frontends(properties: JsonObject): Link[] {
  return objectsOf(properties['frontendIPConfigurations']).flatMap((frontend) => {
    const inner = objectOf(frontend['properties']);
    return [
      ...to(`${NETWORK}/virtualNetworks/subnets/join/action`, objectOf(inner['subnet'])),
      ...to(`${NETWORK}/publicIPAddresses/join/action`, objectOf(inner['publicIPAddress'])),
      ...to(`${NETWORK}/publicIPPrefixes/join/action`, objectOf(inner['publicIPPrefix'])),
    ];
  });
}

/** What a write of an address pool joins: the network of each address. */
export function poolLinks(properties: JsonObject): Link[] {
  const addresses = objectsOf(properties['loadBalancerBackendAddresses']).map((address) => objectOf(address['properties']));
  const networks = [properties, ...addresses].flatMap((holder) =>
    to(`${NETWORK}/virtualNetworks/joinLoadBalancer/action`, objectOf(holder['virtualNetwork'])),
  );
  const subnets = addresses.flatMap((address) => to(`${NETWORK}/virtualNetworks/subnets/join/action`, objectOf(address['subnet'])));
  return distinct([...networks, ...subnets]);
}

/** What a write of a whole load balancer joins, changed or not. */
export const balancerLinks = (properties: JsonObject): Link[] =>
  distinct([
    ...frontends(properties),
    ...objectsOf(properties['backendAddressPools']).flatMap((pool) => poolLinks(objectOf(pool['properties']))),
  ]);

/** What a write of a whole application gateway joins, changed or not. */
export function gatewayLinks(properties: JsonObject, identity: JsonObject | undefined): Link[] {
  const subnets = objectsOf(properties['gatewayIPConfigurations']).flatMap((one) =>
    to(`${NETWORK}/virtualNetworks/subnets/join/action`, objectOf(objectOf(one['properties'])['subnet'])),
  );
  const policies = [properties, ...objectsOf(properties['httpListeners']).map((listener) => objectOf(listener['properties']))].flatMap(
    (holder) => to(`${NETWORK}/ApplicationGatewayWebApplicationFirewallPolicies/join/action`, objectOf(holder['firewallPolicy'])),
  );
  const assigned = identity?.['userAssignedIdentities'];
  const identities = isObject(assigned) ? Object.keys(assigned) : [];
  return distinct([
    ...subnets,
    ...frontends(properties),
    ...policies,
    ...identities.map((id) => ({ action: 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action', id })),
  ]);
}

const distinct = (links: Link[]): Link[] => [...new Map(links.map((link) => [`${link.action} ${link.id}`.toLowerCase(), link])).values()];
