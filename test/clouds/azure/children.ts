import { badRequest } from './arm-error.ts';
import { isObject, type Json, type JsonObject, objectOf, objectsOf, textOf } from './json.ts';

export const BALANCER_CHILDREN = [
  'frontendIPConfigurations',
  'backendAddressPools',
  'loadBalancingRules',
  'probes',
  'inboundNatRules',
  'inboundNatPools',
  'outboundRules',
] as const;

export const GATEWAY_CHILDREN = [
  'gatewayIPConfigurations',
  'frontendIPConfigurations',
  'frontendPorts',
  'httpListeners',
  'listeners',
  'sslCertificates',
  'trustedRootCertificates',
  'trustedClientCertificates',
  'authenticationCertificates',
  'sslProfiles',
  'backendAddressPools',
  'backendHttpSettingsCollection',
  'backendSettingsCollection',
  'probes',
  'requestRoutingRules',
  'routingRules',
  'urlPathMaps',
  'advancedRoutingMaps',
  'advancedRoutingConditionSets',
  'rewriteRuleSets',
  'redirectConfigurations',
  'privateLinkConfigurations',
  'loadDistributionPolicies',
  'entraJWTValidationConfigs',
] as const;

/** Resources inside a child, by the child's collection. Those without a state have none in the service's schema either. */
export const GRANDCHILDREN: Readonly<Record<string, { segment: string; hasState: boolean }>> = {
  urlPathMaps: { segment: 'pathRules', hasState: true },
  advancedRoutingMaps: { segment: 'advancedRoutingRules', hasState: true },
  privateLinkConfigurations: { segment: 'ipConfigurations', hasState: true },
  loadDistributionPolicies: { segment: 'loadDistributionTargets', hasState: false },
};

/** Set by the service, whatever a client sends. */
const READ_ONLY = new Set(['provisioningState', 'resourceGuid', 'operationalState', 'privateEndpointConnections']);

/** Back-references: computed when read, so that they cannot go stale. */
export const BACK_REFERENCES: Readonly<Record<string, readonly string[]>> = {
  frontendIPConfigurations: ['loadBalancingRules', 'inboundNatRules', 'outboundRules', 'inboundNatPools'],
  backendAddressPools: ['loadBalancingRules', 'outboundRules', 'outboundRule', 'inboundNatRules'],
  probes: ['loadBalancingRules'],
};

/** The part of a child that a client may set: name, properties without what the service computes. */
export function childOf(collection: string, sent: JsonObject): JsonObject {
  const name = textOf(sent['name']);
  if (!name) throw badRequest('InvalidRequestFormat', `Cannot parse the request: a member of '${collection}' has no name.`);
  const drop = new Set([...READ_ONLY, ...(BACK_REFERENCES[collection] ?? [])]);
  const properties = Object.fromEntries(Object.entries(objectOf(sent['properties'])).filter(([key]) => !drop.has(key)));
  return { name, ...(sent['zones'] !== undefined && { zones: sent['zones'] }), properties };
}

/** The properties of a balancer that a client may set, its children cleaned. */
export function settable(properties: JsonObject, collections: readonly string[]): JsonObject {
  const kept: JsonObject = {};
  for (const [key, value] of Object.entries(properties)) {
    if (READ_ONLY.has(key)) continue;
    kept[key] = collections.includes(key) ? objectsOf(value).map((child) => childOf(key, child)) : value;
  }
  for (const collection of collections) refuseTwins(collection, objectsOf(kept[collection]));
  return kept;
}

function refuseTwins(collection: string, children: readonly JsonObject[]): void {
  const names = children.map(({ name }) => String(name).toLowerCase());
  const twin = names.find((name, index) => names.indexOf(name) !== index);
  if (twin !== undefined) throw badRequest('ResourceNameAlreadyUsed', `The name '${twin}' is used more than once in '${collection}'.`);
}

/** Refuses references to children of the same balancer that are not there. */
export function refuseDangling(id: string, properties: JsonObject, collections: readonly string[]): void {
  const own = `${id}/`.toLowerCase();
  const known = new Set(
    collections.flatMap((collection) =>
      objectsOf(properties[collection]).map(({ name }) => `${own}${collection}/${String(name)}`.toLowerCase()),
    ),
  );
  const nested = Object.entries(GRANDCHILDREN).flatMap(([collection, { segment }]) =>
    objectsOf(properties[collection]).flatMap((child) =>
      objectsOf(objectOf(child['properties'])[segment]).map((inner) =>
        `${own}${collection}/${String(child['name'])}/${segment}/${String(inner['name'])}`.toLowerCase(),
      ),
    ),
  );
  for (const reference of references(properties)) {
    const lower = reference.toLowerCase();
    if (lower.startsWith(own) && !known.has(lower) && !nested.includes(lower)) {
      throw badRequest(
        'InvalidResourceReference',
        `Resource ${reference} referenced by resource ${id} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.`,
      );
    }
  }
}

/** Every `{"id": …}` inside. */
export function references(value: Json | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!isObject(value)) return [];
  const own = typeof value['id'] === 'string' ? [value['id']] : [];
  return [...own, ...Object.entries(value).flatMap(([key, member]) => (key === 'id' ? [] : references(member)))];
}
