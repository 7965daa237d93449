/** Role id → ids of the greater roles that it is part of. Policies say `context.role in Role::"greater"`. */
export type RoleTree = Readonly<Record<string, readonly string[]>>;

/** The lesser of two native roles is the one whose actions the other has, too. A guarded role (no actions) is part of none. */
export function roleTree(roles: readonly { id: string; actions: readonly string[] }[]): RoleTree {
  return Object.fromEntries(
    roles.map(({ id, actions }) => [
      id,
      roles.filter((other) => covers(other.actions, actions) && !covers(actions, other.actions)).map((other) => other.id),
    ]),
  );
}

/** Every action of `lesser` is one of `greater`, where `*` stands for anything, as in Azure. */
function covers(greater: readonly string[], lesser: readonly string[]): boolean {
  const patterns = greater.map((action) => new RegExp(`^${action.split('*').map(escaped).join('.*')}$`, 'i'));
  return lesser.length > 0 && lesser.every((action) => patterns.some((pattern) => pattern.test(action)));
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
