import type { Person, ProviderId } from '../../protocol/model.ts';

/** A signed-in person: from the token and the directory, never from a body. */
export interface Actor {
  /** Their issuer: a subject means nothing without it. */
  issuer: string;
  person: Person;
  groups: readonly string[];
  /** How each cloud knows them: Entra object id for `azure`. */
  principals: Readonly<Partial<Record<ProviderId, string>>>;
  /** Every name of this human, `human()` compares them. */
  keys: readonly string[];
}

/** Names under which one human may appear: subject, other accounts in the directory, cloud identities. */
export function keysOf(issuer: string, ids: readonly string[], principals: Actor['principals']): string[] {
  const clouds = Object.entries(principals).map(([provider, id]) => JSON.stringify([provider, id.toLowerCase()]));
  return [...new Set([...ids.map((id) => JSON.stringify([issuer, id])), ...clouds])];
}

/** What the policy is told of a person. */
export const subject = ({ person, groups }: Actor): { id: string; groups: readonly string[] } => ({ id: person.id, groups });

/** The same human, whatever account they use. */
export const sameHuman = (a: readonly string[], b: readonly string[]): boolean => a.some((key) => b.includes(key));
