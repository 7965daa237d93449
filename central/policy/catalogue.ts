import type { ProviderId } from '../../protocol/model.ts';
import { BalancerKind, PartKind } from '../../protocol/model.ts';
import { type CatalogueKind, catalogueDefinitions, catalogueRoles } from '../../roles/catalogue.ts';
import { type RoleTree, roleTree } from './roles.ts';

/** Every role of a cloud's catalogue with those that contain it: what a policy set may name. */
export function catalogueTree(provider: ProviderId): RoleTree {
  const native = new Map(catalogueDefinitions(provider).map(({ roleId, actions }) => [roleId as string, actions]));
  const kinds: CatalogueKind[] = BalancerKind.options.flatMap((kind) => [
    kind,
    ...PartKind.options.map((part): CatalogueKind => `${kind}/${part}`),
  ]);
  const ids = new Set(kinds.flatMap((kind) => catalogueRoles(provider, kind).map(({ id }) => id as string)));
  return roleTree([...ids].map((id) => ({ id, actions: native.get(id) ?? [] })));
}
