import type { ResourceId } from '../../protocol/ids.ts';
import type { BalancerKind, PartKind } from '../../protocol/model.ts';
import type { CatalogueKind } from '../../roles/catalogue.ts';

/** A balancer or a part of one, taken apart. All names are in lower case, for Azure compares them so. */
export interface AzureResource {
  /** The ARM id, in lower case. */
  armId: string;
  balancerArmId: string;
  subscriptionId: string;
  resourceGroup: string;
  balancerKind: BalancerKind;
  balancerName: string;
  /** Path below the balancer in pairs of type and name; empty for the balancer itself. */
  below: { type: string; name: string }[];
}

const BALANCERS: Readonly<Record<string, BalancerKind>> = {
  loadbalancers: 'load-balancer',
  applicationgateways: 'application-gateway',
};

/** Azure's child types, in lower case. What is not here is not shown as a part. */
const PARTS: Readonly<Record<BalancerKind, Readonly<Record<string, PartKind>>>> = {
  'load-balancer': {
    frontendipconfigurations: 'frontend',
    backendaddresspools: 'backend-pool',
    probes: 'probe',
    loadbalancingrules: 'rule',
    inboundnatrules: 'nat-rule',
    inboundnatpools: 'nat-rule',
    outboundrules: 'outbound-rule',
  },
  'application-gateway': {
    frontendipconfigurations: 'frontend',
    backendaddresspools: 'backend-pool',
    probes: 'probe',
    requestroutingrules: 'rule',
    routingrules: 'rule',
    httplisteners: 'listener',
    listeners: 'listener',
    sslcertificates: 'certificate',
    trustedrootcertificates: 'certificate',
    trustedclientcertificates: 'certificate',
    urlpathmaps: 'path-map',
    backendhttpsettingscollection: 'backend-settings',
    backendsettingscollection: 'backend-settings',
    rewriterulesets: 'rewrite-set',
    redirectconfigurations: 'redirect',
  },
};

/** Azure has no resource type for the members of a pool: this path below the pool is ours, for the tree alone. */
export const MEMBERS = 'members';

/**
 * `azure:` and the ARM id in lower case. Characters that a `ResourceId` cannot hold (names of resource groups may have
 * letters of any script) are percent-encoded.
 */
export function resourceId(armId: string): ResourceId {
  const escaped = armId
    .toLowerCase()
    .toWellFormed()
    .replace(/[^!-$&-~]+/gu, (text) => encodeURIComponent(text).toLowerCase())
    .replace(/\/+$/, '');
  return `azure:${escaped}` as ResourceId;
}

/** The ARM id in lower case; undefined when the id is not one of Azure. */
export function armId(id: ResourceId): string | undefined {
  if (!id.startsWith('azure:/')) return undefined;
  try {
    return decodeURIComponent(id.slice('azure:'.length));
  } catch {
    return undefined;
  }
}

const BALANCER =
  /^\/subscriptions\/([^/]+)\/resourcegroups\/([^/]+)\/providers\/microsoft\.network\/([^/]+)\/([^/]+)((?:\/[^/]+\/[^/]+)*)$/;

/** Undefined for anything that is neither a load balancer nor an application gateway, nor inside one. */
export function parseResource(id: ResourceId): AzureResource | undefined {
  const whole = armId(id);
  const [, subscriptionId, resourceGroup, type, balancerName, rest] = (whole && BALANCER.exec(whole)) || [];
  const balancerKind = type === undefined ? undefined : BALANCERS[type];
  if (!whole || !subscriptionId || !resourceGroup || !balancerName || !balancerKind || rest === undefined) return undefined;
  const names = rest.split('/').slice(1);
  const below = names.flatMap((name, at) => (at % 2 === 0 ? [{ type: name, name: names[at + 1] ?? '' }] : []));
  return {
    armId: whole,
    balancerArmId: whole.slice(0, whole.length - rest.length),
    subscriptionId,
    resourceGroup,
    balancerKind,
    balancerName,
    below,
  };
}

/** What the catalogue calls this resource; undefined for a part that Azure cannot address as a scope. */
export function kindOf(resource: AzureResource): CatalogueKind | undefined {
  const [part, ...deeper] = resource.below;
  if (!part) return resource.balancerKind;
  const kind = PARTS[resource.balancerKind][part.type];
  return kind && deeper.length === 0 ? `${resource.balancerKind}/${kind}` : undefined;
}

/** Scopes compare without case, trailing slash, doubled slash, and without the prefix that PIM's own samples use. */
export function comparable(scope: string): string {
  const plain = `/${scope}`
    .toLowerCase()
    .replace(/\/+/g, '/')
    .replace(/(.)\/$/, '$1');
  return plain.replace(/^\/providers\/microsoft\.subscription(?=\/subscriptions\/)/, '');
}

/** Whether `scope` is `ancestor` or lies inside it. The tenant root contains everything. */
export function isWithin(scope: string, ancestor: string): boolean {
  const [inner, outer] = [comparable(scope), comparable(ancestor)];
  return outer === '/' || inner === outer || inner.startsWith(`${outer}/`);
}

/** The GUID at the end of a role definition id, whatever scope stands before it. */
export const roleGuid = (roleDefinitionId: string): string => roleDefinitionId.slice(roleDefinitionId.lastIndexOf('/') + 1).toLowerCase();

export const roleDefinitionId = (subscriptionId: string, guid: string): string =>
  `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${guid}`;
