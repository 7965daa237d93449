import { KIND_WORDS } from '../../protocol/kind-words.ts';
import type { LoadBalancer, Part, ResourceRef } from '../../protocol/model.ts';

export const balancerRef = ({ id, name, kind }: LoadBalancer): ResourceRef => ({
  id,
  name,
  kind: KIND_WORDS[kind],
  balancerId: id,
  balancerName: name,
});

export const partRef = (part: Part, balancer: LoadBalancer): ResourceRef => ({
  id: part.id,
  name: part.name,
  kind: KIND_WORDS[part.kind],
  balancerId: balancer.id,
  balancerName: balancer.name,
});
