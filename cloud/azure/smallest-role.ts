import { type CatalogueKind, catalogueRoles } from '../../roles/catalogue.ts';
import { contains } from './actions.ts';
import { kindOf, parseResource, resourceId } from './resource-id.ts';

/** A role, and the name of what to elevate on: the part itself, or its balancer when no role has it on the part. */
export interface RoleThere {
  title: string;
  on: string;
}

/**
 * The role with the fewest actions that Azure enforces and that has this action.
 * @returns Undefined: no role has it. Null: the scope is neither a balancer nor a part of one.
 */
export function smallestRole(action: string, scope: string): RoleThere | undefined | null {
  const resource = parseResource(resourceId(scope));
  if (!resource) return null;
  const smallest = (kind: CatalogueKind): string | undefined =>
    catalogueRoles('azure', kind)
      .filter(({ actions }) => actions.some((pattern) => contains(pattern, action)))
      .toSorted((a, b) => a.actions.length - b.actions.length)[0]?.title;
  const kind = kindOf(resource);
  const onPart = kind && smallest(kind);
  if (onPart) return { title: onPart, on: resource.below.at(-1)?.name ?? resource.balancerName };
  const onBalancer = smallest(resource.balancerKind);
  return onBalancer === undefined ? undefined : { title: onBalancer, on: resource.balancerName };
}
