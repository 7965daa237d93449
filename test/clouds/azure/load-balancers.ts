import { resourceNotFound } from './arm-error.ts';
import { groupOf, topOf } from './arm-id.ts';
import { balancerRoutes, found, type Kind, type Network } from './balancers.ts';
import { BALANCER_CHILDREN, childOf, refuseDangling } from './children.ts';
import { demandUnchanged } from './conditional.ts';
import type { Reply } from './exchange.ts';
import { list } from './exchange.ts';
import { type JsonObject, objectOf, objectsOf } from './json.ts';
import { balancerLinks, poolLinks } from './linked.ts';
import { renderChild } from './render.ts';
import type { Stored } from './resources.ts';
import type { Call, Route } from './router.ts';

const TYPE = 'Microsoft.Network/loadBalancers';
const ONE = `/subscriptions/{subscription}/resourceGroups/{group}/providers/${TYPE}/{name}`;

const KIND: Kind = {
  segment: 'loadBalancers',
  collections: BALANCER_CHILDREN,
  links: (body) => balancerLinks(objectOf(body['properties'])),
  demandLinks: ({ access }, call, action, id, links) => access.demandLinked(call.caller, action, id, links),
  defaultSku: { name: 'Basic', tier: 'Regional' },
  keep: (next, before) => ({
    ...next,
    frontendIPConfigurations: objectsOf(next['frontendIPConfigurations']).map(withAddress),
    backendAddressPools: keepMembers(next, before),
    loadBalancingRules: objectsOf(next['loadBalancingRules']).map((rule) => ({
      ...rule,
      properties: { disableOutboundSnat: false, ...objectOf(rule['properties']) },
    })),
  }),
};

/** A frontend in a subnet that names no address gets one. */
function withAddress(frontend: JsonObject): JsonObject {
  const properties = objectOf(frontend['properties']);
  const given = properties['subnet'] === undefined ? {} : { privateIPAddress: '10.0.1.4' };
  return { ...frontend, properties: { ...given, privateIPAllocationMethod: 'Dynamic', ...properties } };
}

/** Network interfaces join a pool from their own side: a write of the balancer cannot take them out. */
function keepMembers(next: JsonObject, before: JsonObject | undefined): JsonObject[] {
  const old = objectsOf(before?.['backendAddressPools']);
  return objectsOf(next['backendAddressPools']).map((pool) => {
    const { backendIPConfigurations: _, ...properties } = objectOf(pool['properties']);
    const same = old.find(({ name }) => String(name).toLowerCase() === String(pool['name']).toLowerCase());
    const members = objectOf(same?.['properties'])['backendIPConfigurations'];
    return { ...pool, properties: { ...properties, ...(members !== undefined && { backendIPConfigurations: members }) } };
  });
}

/** Load balancers, and the children that the service lets one write on their own. */
export function loadBalancerRoutes(network: Network): Route[] {
  return [
    ...balancerRoutes(network, KIND),
    ...BALANCER_CHILDREN.flatMap((collection) => readRoutes(network, collection)),
    ...['backendAddressPools', 'inboundNatRules'].flatMap((collection) => writeRoutes(network, collection)),
  ];
}

const look = (network: Network, stored: Stored) => ({ provisioningState: network.operations.provisioningState(stored.resource.id) });

function readRoutes(network: Network, collection: string): Route[] {
  return [
    {
      method: 'GET',
      path: `${ONE}/${collection}`,
      handle: (call) => {
        network.access.demand(call.caller, `${TYPE}/${collection}/read`, topOf(call.path));
        const stored = found(network, topOf(call.path), TYPE);
        return list(
          objectsOf(stored.resource.properties[collection]).map((child) => renderChild(stored, collection, child, look(network, stored))),
        );
      },
    },
    {
      method: 'GET',
      path: `${ONE}/${collection}/{child}`,
      handle: (call) => {
        network.access.demand(call.caller, `${TYPE}/${collection}/read`, call.path);
        const stored = found(network, topOf(call.path), TYPE);
        const child = childNamed(stored, collection, call.param('child'));
        if (!child) throw resourceNotFound(`${TYPE}/${collection}`, call.param('child'), groupOf(call.path) ?? '');
        return { status: 200, headers: { etag: stored.etag }, body: renderChild(stored, collection, child, look(network, stored)) };
      },
    },
  ];
}

function writeRoutes(network: Network, collection: string): Route[] {
  return [
    { method: 'PUT', path: `${ONE}/${collection}/{child}`, handle: (call) => writeChild(network, collection, call) },
    { method: 'DELETE', path: `${ONE}/${collection}/{child}`, handle: (call) => removeChild(network, collection, call) },
  ];
}

function writeChild(network: Network, collection: string, call: Call): Reply {
  const action = `${TYPE}/${collection}/write`;
  network.access.demand(call.caller, action, call.path);
  network.locks.refuseWrite(call.path);
  const stored = found(network, topOf(call.path), TYPE);
  const before = childNamed(stored, collection, call.param('child'));
  const name = String(before?.['name'] ?? call.param('child'));
  const sent = childOf(collection, { ...call.body(), name });
  if (collection === 'backendAddressPools')
    network.access.demandLinked(call.caller, action, call.path, poolLinks(objectOf(sent['properties'])));
  demandUnchanged(call.headers, call.path, before && stored.etag, network.faults);
  network.operations.refuseBusy(stored.resource.id);
  const others = objectsOf(stored.resource.properties[collection]);
  const children = before ? others.map((child) => (child === before ? sent : child)) : [...others, sent];
  const properties = KIND.keep({ ...stored.resource.properties, [collection]: children }, stored.resource.properties);
  refuseDangling(stored.resource.id, properties, BALANCER_CHILDREN);
  const next = network.resources.put({ ...stored.resource, properties });
  const { location: _, ...headers } = network.operations.start(call, stored.resource.id, stored.resource.location, { writes: true });
  const written = childNamed(next, collection, name) ?? sent;
  return { status: before ? 200 : 201, headers, body: renderChild(next, collection, written, look(network, next)) };
}

function removeChild(network: Network, collection: string, call: Call): Reply {
  network.access.demand(call.caller, `${TYPE}/${collection}/delete`, call.path);
  network.locks.refuseDelete(call.path);
  const stored = found(network, topOf(call.path), TYPE);
  const child = childNamed(stored, collection, call.param('child'));
  if (!child) return { status: 204 };
  demandUnchanged(call.headers, call.path, stored.etag, network.faults);
  network.operations.refuseBusy(stored.resource.id);
  const properties = {
    ...stored.resource.properties,
    [collection]: objectsOf(stored.resource.properties[collection]).filter((one) => one !== child),
  };
  refuseDangling(stored.resource.id, properties, BALANCER_CHILDREN);
  network.resources.put({ ...stored.resource, properties });
  return { status: 202, headers: network.operations.start(call, stored.resource.id, stored.resource.location, { writes: true }) };
}

const childNamed = (stored: Stored, collection: string, name: string): JsonObject | undefined =>
  objectsOf(stored.resource.properties[collection]).find((child) => String(child['name']).toLowerCase() === name.toLowerCase());
