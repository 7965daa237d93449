import type { BalancerKind, PartKind } from './model.ts';

/** What a resource is in words of the screen and of the record. */
export const KIND_WORDS: Record<BalancerKind | PartKind, string> = {
  'load-balancer': 'Load balancer',
  'application-gateway': 'Application gateway',
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
