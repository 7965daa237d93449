import type { Access, Link } from './access.ts';
import { badRequest, resourceNotFound } from './arm-error.ts';
import { groupOf, scopeOf } from './arm-id.ts';
import { refuseDangling, settable } from './children.ts';
import { demandUnchanged } from './conditional.ts';
import type { Reply } from './exchange.ts';
import type { Faults } from './faults.ts';
import { isObject, type JsonObject, objectOf, textOf } from './json.ts';
import type { Locks } from './locks.ts';
import type { Operations } from './operations.ts';
import { nextPage } from './paging.ts';
import { render } from './render.ts';
import type { Resource, Resources, Stored } from './resources.ts';
import type { Call, Route } from './router.ts';

export interface Network {
  access: Access;
  resources: Resources;
  operations: Operations;
  locks: Locks;
  faults: Faults;
  /** Rows per page of a list. */
  pageSize: number;
}

/** What differs between a load balancer and an application gateway. */
export interface Kind {
  /** `loadBalancers`. */
  segment: string;
  collections: readonly string[];
  /** Beside the properties, where a body names none. */
  defaultSku: JsonObject | undefined;
  links(body: JsonObject): Link[];
  /** Throws the refusal of a write that joins what the caller may not. */
  demandLinks(network: Network, call: Call, action: string, id: string, links: Link[]): void;
  /** What the service keeps from before although a body leaves it out. */
  keep(next: JsonObject, before: JsonObject | undefined): JsonObject;
}

/** Get, lists, create or update, tags and delete of one kind of balancer. */
export function balancerRoutes(network: Network, kind: Kind): Route[] {
  const group = '/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network';
  const type = `Microsoft.Network/${kind.segment}`;
  const one = `${group}/${kind.segment}/{name}`;
  const show = (stored: Stored, call: Call): JsonObject =>
    render(stored, kind.collections, {
      provisioningState: network.operations.provisioningState(stored.resource.id),
      reduced: call.query.get('detailLevel')?.toLowerCase() === 'reduced',
    });
  const listed = (call: Call, scope: string): Reply => {
    network.access.demand(call.caller, `${type}/read`, scope);
    const found = network.resources.ofType(type).filter(({ resource }) => scopeOf(resource.id).startsWith(`${scopeOf(scope)}/`));
    return nextPage(call, found, network.pageSize, (stored) => show(stored, call));
  };
  return [
    {
      method: 'GET',
      path: `/subscriptions/{subscription}/providers/${type}`,
      handle: (call) => listed(call, `/subscriptions/${call.param('subscription')}`),
    },
    {
      method: 'GET',
      path: `${group}/${kind.segment}`,
      handle: (call) => listed(call, `/subscriptions/${call.param('subscription')}/resourceGroups/${call.param('group')}`),
    },
    {
      method: 'GET',
      path: one,
      handle: (call) => {
        network.access.demand(call.caller, `${type}/read`, call.path);
        const stored = found(network, call.path, type);
        return { status: 200, headers: { etag: stored.etag }, body: show(stored, call) };
      },
    },
    { method: 'PUT', path: one, handle: (call) => write(network, kind, type, call, show) },
    { method: 'PATCH', path: one, handle: (call) => writeTags(network, type, call, show) },
    { method: 'DELETE', path: one, handle: (call) => remove(network, type, call) },
  ];
}

/** The stored balancer, or the 404 of Resource Manager. */
export function found(network: Network, id: string, type: string): Stored {
  const stored = network.resources.get(id);
  if (!stored) throw resourceNotFound(type, id.slice(id.lastIndexOf('/') + 1), groupOf(id) ?? '');
  return stored;
}

function write(network: Network, kind: Kind, type: string, call: Call, show: (stored: Stored, call: Call) => JsonObject): Reply {
  const action = `${type}/write`;
  network.access.demand(call.caller, action, call.path);
  network.locks.refuseWrite(call.path);
  const body = call.body();
  const before = network.resources.get(call.path);
  const resource = read(call.path, type, kind, body, before?.resource);
  kind.demandLinks(network, call, action, call.path, kind.links({ ...body, properties: resource.properties }));
  demandUnchanged(call.headers, call.path, before?.etag, network.faults);
  network.operations.refuseBusy(call.path);
  const stored = network.resources.put(resource);
  const { location: _, ...headers } = network.operations.start(call, resource.id, resource.location, { writes: true });
  return { status: before ? 200 : 201, headers, body: show(stored, call) };
}

function read(path: string, type: string, kind: Kind, body: JsonObject, before: Resource | undefined): Resource {
  const location = textOf(body['location'])?.toLowerCase().replaceAll(' ', '');
  if (!location) throw badRequest('LocationRequired', 'The location property is required for this definition.');
  if (before && before.location !== location) {
    throw badRequest(
      'InvalidResourceLocation',
      `The resource '${before.name}' already exists in location '${before.location}' in resource group '${groupOf(before.id)}'. A resource with the same name cannot be created in location '${location}'. Please select a new resource name.`,
    );
  }
  // An application gateway carries its SKU inside properties, a load balancer beside them.
  const sku = isObject(body['sku']) ? body['sku'] : (before?.sku ?? kind.defaultSku);
  const properties = kind.keep(settable(objectOf(body['properties']), kind.collections), before?.properties);
  const id = before?.id ?? path;
  refuseDangling(id, properties, kind.collections);
  return {
    id,
    name: before?.name ?? path.slice(path.lastIndexOf('/') + 1),
    type,
    location,
    tags: tagsOf(body['tags']),
    sku: isObject(properties['sku']) ? undefined : sku,
    zones: Array.isArray(body['zones']) ? body['zones'].filter((zone) => typeof zone === 'string') : undefined,
    identity: isObject(body['identity']) ? body['identity'] : undefined,
    properties,
  };
}

function writeTags(network: Network, type: string, call: Call, show: (stored: Stored, call: Call) => JsonObject): Reply {
  network.access.demand(call.caller, `${type}/write`, call.path);
  network.locks.refuseWrite(call.path);
  const { resource } = found(network, call.path, type);
  return { status: 200, body: show(network.resources.put({ ...resource, tags: tagsOf(call.body()['tags']) }), call) };
}

function remove(network: Network, type: string, call: Call): Reply {
  network.access.demand(call.caller, `${type}/delete`, call.path);
  network.locks.refuseDelete(call.path);
  const stored = network.resources.get(call.path);
  if (!stored) return { status: 204 };
  const headers = network.operations.start(call, call.path, stored.resource.location);
  network.resources.delete(call.path);
  return { status: 202, headers };
}

function tagsOf(tags: unknown): Record<string, string> | undefined {
  if (typeof tags !== 'object' || tags === null) return undefined;
  return Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, String(value)]));
}
