import type { Actor } from '../../../central/people/actor.ts';
import type { ResourceId, RoleId } from '../../../protocol/ids.ts';
import type { Person, ResourceRef, RoleRef } from '../../../protocol/model.ts';

export const actorNamed = (name: string): Actor => ({
  issuer: 'https://issuer',
  person: { id: name, name } as Person,
  groups: [],
  principals: { azure: name },
  keys: [name],
});

export const RESOURCES = ['azure:edge', 'azure:inner'] as ResourceId[];
export const ROLES = ['backends', 'routes'] as RoleId[];

export const balancer = (id: ResourceId): ResourceRef => ({ id, name: id, kind: 'Load balancer', balancerId: id, balancerName: id });
export const roleRef = (id: RoleId): RoleRef => ({ id, title: id, enforcement: 'native' });
