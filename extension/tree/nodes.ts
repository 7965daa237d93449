import type { Account, LoadBalancer, Part, PartKind, ProviderId } from '../../protocol/model.ts';
import type { Refusal } from '../../protocol/refusal.ts';

/** What the tree *Load balancers* is made of. Ids are stable, so that selection and expansion survive a refresh. */
export type Node =
  | { kind: 'provider'; id: string; provider: ProviderId; accounts: Account[]; filtered: boolean }
  | { kind: 'account'; id: string; account: Account; filtered: boolean; alone: boolean }
  | { kind: 'balancer'; id: string; balancer: LoadBalancer }
  | { kind: 'group'; id: string; balancer: LoadBalancer; partKind: PartKind; parts: Part[] }
  | { kind: 'part'; id: string; balancer: LoadBalancer; part: Part; children: Part[] }
  | { kind: 'more'; id: string; shown: number; total: number; parent: Node }
  | { kind: 'problem'; id: string; problem: Problem; parent: Node | undefined }
  | { kind: 'note'; id: string; text: string };

export type BalancerNode = Extract<Node, { kind: 'balancer' }>;
export type PartNode = Extract<Node, { kind: 'part' }>;

export interface Problem {
  message: string;
  wayOut?: string | undefined;
  /** What selecting the row does. */
  action: 'retry' | 'sign in';
}

export const refused = ({ code, message, wayOut }: Refusal): Problem => ({
  message,
  wayOut,
  action: code === 'not-signed-in' ? 'sign in' : 'retry',
});

export const PROVIDER_NAMES: Record<ProviderId, string> = { azure: 'Azure', aws: 'AWS', gcp: 'Google Cloud' };

/** Groups of parts in the order in which traffic passes them. */
export const PART_GROUPS: readonly { kind: PartKind; title: string; one: string; icon: string }[] = [
  { kind: 'frontend', title: 'Frontends', one: 'Frontend', icon: 'globe' },
  { kind: 'listener', title: 'Listeners', one: 'Listener', icon: 'broadcast' },
  { kind: 'certificate', title: 'Certificates', one: 'Certificate', icon: 'verified' },
  { kind: 'rule', title: 'Rules', one: 'Rule', icon: 'arrow-right' },
  { kind: 'path-map', title: 'Path maps', one: 'Path map', icon: 'list-tree' },
  { kind: 'rewrite-set', title: 'Rewrite sets', one: 'Rewrite set', icon: 'replace' },
  { kind: 'redirect', title: 'Redirects', one: 'Redirect', icon: 'reply' },
  { kind: 'backend-pool', title: 'Backend pools', one: 'Backend pool', icon: 'server' },
  { kind: 'member', title: 'Members', one: 'Member', icon: 'vm' },
  { kind: 'backend-settings', title: 'Backend settings', one: 'Backend settings', icon: 'settings' },
  { kind: 'probe', title: 'Health probes', one: 'Health probe', icon: 'pulse' },
  { kind: 'nat-rule', title: 'Inbound NAT rules', one: 'Inbound NAT rule', icon: 'arrow-swap' },
  { kind: 'outbound-rule', title: 'Outbound rules', one: 'Outbound rule', icon: 'arrow-up' },
];

/** The parts of a balancer as groups, each with its own parts only; members hang under their pool. */
export function grouped(balancer: LoadBalancer, parts: readonly Part[]): Node[] {
  const groups = PART_GROUPS.map(({ kind }) => ({
    kind: 'group' as const,
    id: `group ${balancer.id} ${kind}`,
    balancer,
    partKind: kind,
    // A part whose parent is missing is shown rather than lost.
    parts: parts.filter((part) => part.kind === kind && !parts.some(({ id }) => id === part.parentId)),
  }));
  return groups.filter((group) => group.parts.length > 0);
}

export const partNode = (balancer: LoadBalancer, part: Part, all: readonly Part[]): PartNode => ({
  kind: 'part',
  id: `part ${part.id}`,
  balancer,
  part,
  children: all.filter(({ parentId, id }) => parentId === part.id && id !== part.id),
});
