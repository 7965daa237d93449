import { groupOf, scopeOf, subscriptionOf } from './arm-id.ts';
import { BACK_REFERENCES, GRANDCHILDREN } from './children.ts';
import { type JsonObject, objectOf, objectsOf } from './json.ts';
import type { Stored } from './resources.ts';

export interface Look {
  provisioningState: string;
  /** Without the read-only back-references. */
  reduced?: boolean | undefined;
}

/** A resource as a GET answers it: with ids, types, etags and states that the service computes. */
export function render({ resource, etag, resourceGuid }: Stored, collections: readonly string[], look: Look): JsonObject {
  const properties: JsonObject = { provisioningState: look.provisioningState, resourceGuid };
  for (const [key, value] of Object.entries(resource.properties)) {
    properties[key] = collections.includes(key)
      ? objectsOf(value).map((child) => renderChild({ resource, etag, resourceGuid }, key, child, look))
      : value;
  }
  return {
    name: resource.name,
    id: resource.id,
    etag,
    type: resource.type,
    location: resource.location,
    ...(resource.tags && { tags: { ...resource.tags } }),
    ...(resource.zones && { zones: [...resource.zones] }),
    ...(resource.identity && { identity: resource.identity }),
    properties,
    ...(resource.sku && resource.type.toLowerCase() !== 'microsoft.network/applicationgateways' && { sku: resource.sku }),
  };
}

export function renderChild(stored: Stored, collection: string, child: JsonObject, look: Look): JsonObject {
  const { resource, etag } = stored;
  const id = `${resource.id}/${collection}/${String(child['name'])}`;
  const back = look.reduced ? {} : backReferences(stored, collection, id);
  const type = `${resource.type}/${collection}`;
  return {
    name: child['name'],
    id,
    etag,
    type,
    ...(child['zones'] !== undefined && { zones: child['zones'] }),
    properties: {
      provisioningState: look.provisioningState,
      ...withGrandchildren(collection, withoutSecrets(collection, objectOf(child['properties'])), { id, type, etag }, look),
      ...back,
    },
  };
}

function withoutSecrets(collection: string, properties: JsonObject): JsonObject {
  if (collection !== 'sslCertificates') return properties;
  const { data: _data, password: _password, ...shown } = properties;
  return shown;
}

interface Parent {
  id: string;
  type: string;
  etag: string;
}

function withGrandchildren(collection: string, properties: JsonObject, { id, type, etag }: Parent, look: Look): JsonObject {
  const inner = GRANDCHILDREN[collection];
  if (!inner) return properties;
  const shown = objectsOf(properties[inner.segment]).map((one) => ({
    name: one['name'],
    id: `${id}/${inner.segment}/${String(one['name'])}`,
    etag,
    type: `${type}/${inner.segment}`,
    // The state is the service's own, whatever a client sent back.
    properties: { ...objectOf(one['properties']), ...(inner.hasState && { provisioningState: look.provisioningState }) },
  }));
  return { ...properties, [inner.segment]: shown };
}

/** Rules that refer to this child, by looking at the rules. */
function backReferences({ resource }: Stored, collection: string, id: string): JsonObject {
  const found: JsonObject = {};
  for (const rules of BACK_REFERENCES[collection] ?? []) {
    const members = rules === 'outboundRule' ? [] : objectsOf(resource.properties[rules]);
    const refer = members.filter((rule) => refersTo(objectOf(rule['properties']), id));
    if (refer.length > 0) found[rules] = refer.map((rule) => ({ id: `${resource.id}/${rules}/${String(rule['name'])}` }));
  }
  return found;
}

function refersTo(rule: JsonObject, id: string): boolean {
  const direct = ['frontendIPConfiguration', 'backendAddressPool', 'probe'].map((key) => objectOf(rule[key])['id']);
  const many = ['frontendIPConfigurations', 'backendAddressPools'].flatMap((key) => objectsOf(rule[key]).map((one) => one['id']));
  return [...direct, ...many].some((one) => typeof one === 'string' && one.toLowerCase() === id.toLowerCase());
}

/** The same as a row of Resource Graph: type and group in lower case, absent columns null. */
export function graphRow(stored: Stored, tenantId: string, collections: readonly string[]): JsonObject {
  const shown = render(stored, collections, { provisioningState: 'Succeeded' });
  const { resource } = stored;
  return {
    id: resource.id,
    name: resource.name,
    type: resource.type.toLowerCase(),
    tenantId,
    kind: '',
    location: resource.location,
    resourceGroup: (groupOf(resource.id) ?? '').toLowerCase(),
    subscriptionId: subscriptionOf(scopeOf(resource.id)) ?? '',
    managedBy: '',
    sku: resource.sku ?? null,
    plan: null,
    properties: shown['properties'],
    tags: resource.tags ? { ...resource.tags } : null,
    identity: resource.identity ?? null,
    zones: resource.zones ? [...resource.zones] : null,
    extendedLocation: null,
  };
}
