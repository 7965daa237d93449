import type { ResourceRef } from '../../protocol/model.ts';
import { type AzureResource, parseResource, resourceId } from './resource-id.ts';

const KINDS = { 'load-balancer': 'Load balancer', 'application-gateway': 'Application gateway' } as const;

/** A scope of Entra PIM as a load balancer or a part of one, called as its id does. Undefined for anything else. */
export function placeOf(scope: string): { resource: AzureResource; ref: ResourceRef } | undefined {
  const id = resourceId(scope);
  const resource = parseResource(id);
  if (!resource) return undefined;
  const { below, balancerName, balancerKind, balancerArmId } = resource;
  const name = below.at(-1)?.name ?? balancerName;
  const kind = below.length > 0 ? 'Part' : KINDS[balancerKind];
  return { resource, ref: { id, name, kind, balancerId: resourceId(balancerArmId), balancerName } };
}
