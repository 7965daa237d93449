import { type CatalogueKind, catalogueRoles } from '../../roles/catalogue.ts';
import { contains } from './actions.ts';
import { kindOf, parseResource, resourceId } from './resource-id.ts';

/** Title of the role with the fewest actions that Azure enforces at this scope and that has this action; undefined: none has. */
export function smallestRole(action: string, scope: string): string | undefined {
  const resource = parseResource(resourceId(scope));
  if (!resource) return undefined;
  const having = (kind: CatalogueKind) =>
    catalogueRoles('azure', kind).filter(({ actions }) => actions.some((pattern) => contains(pattern, action)));
  const kind = kindOf(resource);
  const onPart = kind ? having(kind) : [];
  // What no role has on the part, one on the whole balancer may have.
  const found = onPart.length > 0 ? onPart : having(resource.balancerKind);
  return found.toSorted((a, b) => a.actions.length - b.actions.length)[0]?.title;
}
