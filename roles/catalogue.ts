import * as v from 'valibot';
import { RoleId } from '../protocol/ids.ts';
import { BalancerKind, type Enforcement, PartKind, type ProviderId } from '../protocol/model.ts';
import azure from './azure.json' with { type: 'json' };

/** A balancer (`load-balancer`) or a kind of part of one (`load-balancer/backend-pool`). */
export type CatalogueKind = BalancerKind | `${BalancerKind}/${PartKind}`;

const KINDS: ReadonlySet<string> = new Set(
  BalancerKind.options.flatMap((kind) => [kind, ...PartKind.options.map((part) => `${kind}/${part}`)]),
);

const line = v.pipe(v.string(), v.minLength(1), v.maxLength(300));
const Native = v.strictObject({ allows: v.pipe(v.array(line), v.minLength(1)), actions: v.pipe(v.array(line), v.minLength(1)) });
const Guarded = v.strictObject({ allows: v.pipe(v.array(line), v.minLength(1)), guardedBecause: line });
const Kind = v.pipe(
  v.string(),
  v.check((kind) => KINDS.has(kind), 'A kind is a balancer kind, or "<balancer kind>/<part kind>"'),
);
const Role = v.pipe(
  v.strictObject({
    id: RoleId,
    title: v.pipe(v.string(), v.minLength(1), v.maxLength(120)),
    definition: v.optional(
      v.strictObject({
        guid: v.pipe(v.string(), v.uuid(), v.toLowerCase()),
        name: v.pipe(v.string(), v.maxLength(120)),
        description: line,
      }),
    ),
    kinds: v.record(Kind, v.union([Native, Guarded])),
  }),
  v.check(
    ({ definition, kinds }) => (definition !== undefined) === Object.values(kinds).some((entry) => 'actions' in entry),
    'A role has a definition exactly when the cloud can enforce it on some kind',
  ),
);
const Catalogue = v.pipe(
  v.strictObject({ provider: v.literal('azure'), roles: v.array(Role) }),
  v.check(({ roles }) => new Set(roles.map(({ id }) => id)).size === roles.length, 'Role ids are unique'),
);

const AZURE = v.parse(Catalogue, azure);

/** One role on one kind of resource. */
export interface CatalogueEntry {
  id: RoleId;
  title: string;
  enforcement: Enforcement;
  allows: string[];
  /** The cloud's own action names; empty for a guarded role. */
  actions: string[];
  /** Why the cloud cannot enforce it. Guarded roles only. */
  guardedBecause?: string | undefined;
  /** What to bind in the cloud: in Azure the GUID of the role definition. Native roles only. */
  definition?: string | undefined;
}

/** A role as an operator creates it in the cloud: it serves every kind on which the role is native. */
export interface RoleDefinition {
  roleId: RoleId;
  guid: string;
  name: string;
  description: string;
  actions: string[];
}

const rolesOf = (provider: ProviderId) => (provider === 'azure' ? AZURE.roles : []);

/** Roles of the catalogue on one kind of resource, in the catalogue's order. */
export function catalogueRoles(provider: ProviderId, kind: CatalogueKind): CatalogueEntry[] {
  return rolesOf(provider).flatMap(({ id, title, definition, kinds }): CatalogueEntry[] => {
    const entry = kinds[kind];
    if (!entry) return [];
    if ('guardedBecause' in entry) return [{ id, title, enforcement: 'guarded', actions: [], ...entry }];
    return [{ id, title, enforcement: 'native', ...entry, definition: definition?.guid }];
  });
}

/** Roles that the cloud can enforce, as definitions to create there. */
export function catalogueDefinitions(provider: ProviderId): RoleDefinition[] {
  return rolesOf(provider).flatMap(({ id, definition, kinds }) => {
    if (!definition) return [];
    const actions = new Set(Object.values(kinds).flatMap((entry) => ('actions' in entry ? entry.actions : [])));
    return [{ roleId: id, ...definition, actions: [...actions] }];
  });
}
