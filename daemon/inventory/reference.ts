import type { LoadBalancer, Part, ResourceRef } from '../../protocol/model.ts';

const BALANCER_WORDS: Record<LoadBalancer['kind'], string> = {
  'load-balancer': 'Load balancer',
  'application-gateway': 'Application gateway',
};

const PART_WORDS: Record<Part['kind'], string> = {
  frontend: 'Frontend',
  'backend-pool': 'Backend pool',
  member: 'Backend',
  probe: 'Health probe',
  rule: 'Rule',
  'nat-rule': 'Inbound NAT rule',
  'outbound-rule': 'Outbound rule',
  listener: 'Listener',
  certificate: 'Certificate',
  'path-map': 'Path map',
  'backend-settings': 'Backend settings',
  'rewrite-set': 'Rewrite set',
  redirect: 'Redirect',
};

export const balancerRef = ({ id, name, kind }: LoadBalancer): ResourceRef => ({
  id,
  name,
  kind: BALANCER_WORDS[kind],
  balancerId: id,
  balancerName: name,
});

export const partRef = (part: Part, balancer: LoadBalancer): ResourceRef => ({
  id: part.id,
  name: part.name,
  kind: PART_WORDS[part.kind],
  balancerId: balancer.id,
  balancerName: balancer.name,
});
