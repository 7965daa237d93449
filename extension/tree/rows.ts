import type { Instant } from '../../protocol/clock.ts';
import type { ResourceId } from '../../protocol/ids.ts';
import type { Health, LoadBalancer, Part } from '../../protocol/model.ts';
import { inFull } from '../../protocol/problem-words.ts';
import type { CommandId } from '../contributions.ts';
import { type AccessHere, type ShownGrant, stuckBy } from '../view.ts';
import { decidedBy } from '../words/people.ts';
import type { TimeWords } from '../words/time.ts';
import { type Node, PART_GROUPS, PROVIDER_NAMES } from './nodes.ts';

/** How a row looks, before it is an editor's tree item. */
export interface Row {
  label: string;
  description?: string | undefined;
  icon?: { id: string; color?: string | undefined } | undefined;
  /** Plain lines; the first is the heading. */
  tooltip: string[];
  /** Marks for menus, shown to nobody. */
  flags: string[];
  expand: 'never' | 'closed' | 'open';
  /** What a screen reader says. */
  spoken: string;
  /** Selecting the row does this. */
  command?: CommandId | undefined;
}

export interface RowContext {
  access: ReadonlyMap<ResourceId, AccessHere>;
  /** Access on a balancer or any of its parts. */
  accessOnBalancer: ReadonlyMap<ResourceId, AccessHere>;
  parts: (balancer: LoadBalancer) => readonly Part[];
  connected: boolean;
  now: Instant;
  time: TimeWords;
}

export function row(node: Node, context: RowContext): Row {
  switch (node.kind) {
    case 'provider':
      return plain(
        PROVIDER_NAMES[node.provider],
        'cloud',
        'open',
        counted(sum(node.accounts.map(({ balancers }) => balancers)), 'load balancer'),
      );
    case 'account':
      return accountRow(node);
    case 'balancer':
      return balancerRow(node.balancer, context);
    case 'group':
      return groupRow(node);
    case 'part':
      return partRow(node, context);
    case 'more':
      return { ...plain('Show more', 'ellipsis', 'never', `${node.shown} of ${node.total}`), command: 'portcullis.showMore' };
    case 'problem':
      return problemRow(node);
    case 'note':
      return plain(node.text, 'info', 'never');
  }
}

function plain(label: string, icon: string, expand: Row['expand'], description?: string): Row {
  return {
    label,
    description,
    icon: { id: icon },
    tooltip: [description ? `${label}: ${description}` : label],
    flags: [],
    expand,
    spoken: [label, description].filter(Boolean).join(', '),
  };
}

function accountRow({ account, filtered, alone }: Extract<Node, { kind: 'account' }>): Row {
  const count = counted(account.balancers, 'load balancer');
  return {
    ...plain(account.name, account.problem ? 'warning' : 'key', filtered || alone ? 'open' : 'closed', String(account.balancers)),
    tooltip: [account.name, `${accountWord(account.provider)} ${account.id}`, count, ...(account.problem ? [account.problem] : [])],
    spoken: [`${accountWord(account.provider)} ${account.name}`, count, account.problem].filter(Boolean).join(', '),
  };
}

const accountWord = (provider: string) => ({ azure: 'Subscription', aws: 'Account', gcp: 'Project' })[provider] ?? 'Account';

const KINDS: Record<LoadBalancer['kind'], string> = { 'load-balancer': 'Load balancer', 'application-gateway': 'Application gateway' };

function balancerRow(balancer: LoadBalancer, context: RowContext): Row {
  const here = context.accessOnBalancer.get(balancer.id);
  const access = here ? accessWords(here, context, balancer.id) : [];
  const health = overall(context.parts(balancer));
  const state = balancer.provisioningState === 'Succeeded' ? undefined : balancer.provisioningState.toLowerCase();
  const exposure = balancer.exposure === 'unknown' ? undefined : balancer.exposure;
  const description = describe(here, access, [healthWords(health), state, exposure, balancer.location]);
  const counts = [
    counted(balancer.counts.frontends, 'frontend'),
    counted(balancer.counts.pools, 'backend pool'),
    counted(balancer.counts.rules, 'rule'),
  ];
  return {
    label: balancer.name,
    description,
    icon: accessIcon(here) ?? healthIcon(health) ?? { id: balancer.kind === 'load-balancer' ? 'type-hierarchy' : 'layers' },
    tooltip: [
      balancer.name,
      `${KINDS[balancer.kind]}, ${balancer.exposure}, ${balancer.sku}`,
      `${balancer.resourceGroup} in ${balancer.location}`,
      counts.join(', '),
      ...Object.entries(balancer.tags).map(([key, value]) => `${key}=${value}`),
      ...[healthWords(health), health?.detail].filter((line) => line !== undefined),
      ...access,
      ...hindrances(here),
    ],
    flags: ['balancer', ...accessFlags(here, context, balancer.name, access)],
    expand: 'closed',
    spoken: [balancer.name, KINDS[balancer.kind], ...access, healthWords(health), state, exposure].filter(Boolean).join(', '),
  };
}

function groupRow({ partKind, parts }: Extract<Node, { kind: 'group' }>): Row {
  const group = PART_GROUPS.find(({ kind }) => kind === partKind);
  const health = overall(parts);
  const description = [String(parts.length), healthWords(health)].filter(Boolean).join(' · ');
  return {
    ...plain(group?.title ?? partKind, group?.icon ?? 'symbol-misc', 'closed', description),
    icon: healthIcon(health) ?? { id: group?.icon ?? 'symbol-misc' },
  };
}

function partRow({ part, children }: Extract<Node, { kind: 'part' }>, context: RowContext): Row {
  const here = context.access.get(part.id);
  const access = here ? accessWords(here, context, part.id) : [];
  const group = PART_GROUPS.find(({ kind }) => kind === part.kind);
  const health = part.health;
  return {
    label: part.name,
    description: describe(here, access, [healthWords(health), part.detail]),
    icon: accessIcon(here) ?? healthIcon(health) ?? { id: group?.icon ?? 'symbol-misc' },
    tooltip: [
      part.name,
      ...(group ? [group.one] : []),
      part.detail,
      ...(health?.detail ? [health.detail] : []),
      ...access,
      ...hindrances(here),
    ].filter(Boolean),
    flags: ['part', ...accessFlags(here, context, part.name, access)],
    expand: children.length > 0 ? 'closed' : 'never',
    spoken: [part.name, group?.one, ...access, healthWords(health), part.detail].filter(Boolean).join(', '),
  };
}

function problemRow({ problem }: Extract<Node, { kind: 'problem' }>): Row {
  const signIn = problem.action === 'sign in';
  return {
    label: problem.message,
    description: signIn ? 'Select to sign in' : 'Select to retry',
    icon: { id: 'error', color: 'list.errorForeground' },
    tooltip: [problem.message, ...(problem.wayOut ? [problem.wayOut] : [])],
    flags: signIn ? [] : ['retry'],
    expand: 'never',
    spoken: `Error: ${problem.message}. ${signIn ? 'Sign in' : 'Retry'}`,
    command: signIn ? 'portcullis.signIn' : 'portcullis.retry',
  };
}

/** `until 14:32`, `Alice Novak until 14:32`, `waiting for Ben Okafor`: mine first. */
function accessWords({ grants, requests }: AccessHere, context: RowContext, at: ResourceId): string[] {
  const mine = grants.filter(({ grant }) => grant.mine).map((shown) => `${grantWords(shown, context)}${where(shown.grant.resource, at)}`);
  const waiting = requests.map((request) => `waiting for ${decidedBy(request.approvers)}${where(request.resource, at)}`);
  const others = grants.filter(({ grant }) => !grant.mine);
  const [first, ...more] = others;
  const and = more.length > 0 ? ` and ${more.length} more` : '';
  const theirs = first ? [`${first.grant.holder.name} ${grantWords(first, context)}${and}`] : [];
  return [...new Set([...mine, ...waiting, ...theirs])];
}

const where = (resource: { id: ResourceId; name: string }, at: ResourceId) => (resource.id === at ? '' : ` on ${resource.name}`);

function grantWords(held: ShownGrant, { now, time }: RowContext): string {
  const { grant, shown } = held;
  if (shown === 'usable') return `until ${time.at(grant.notAfter, now)}`;
  if (shown === 'unknown') return 'access unknown';
  if (grant.mine && stuckBy(held)) return 'cannot be revoked';
  return shown === 'revoking' ? 'revoking…' : 'activating…';
}

const mineOf = (here: AccessHere | undefined): ShownGrant[] => (here?.grants ?? []).filter(({ grant }) => grant.mine);

/** What keeps my own from being revoked, and what to do, for the tooltip. */
const hindrances = (here: AccessHere | undefined): string[] => [
  ...new Set(
    mineOf(here)
      .flatMap((held) => stuckBy(held) ?? [])
      .map(inFull),
  ),
];

function accessIcon(here: AccessHere | undefined): Row['icon'] {
  const grants = mineOf(here);
  const mine = grants.map(({ shown }) => shown);
  if (mine.includes('unknown')) return { id: 'warning', color: 'list.warningForeground' };
  if (grants.some(stuckBy)) return { id: 'error', color: 'list.errorForeground' };
  if (mine.includes('revoking') || mine.includes('activating') || mine.includes('assigned')) return { id: 'sync~spin' };
  if (mine.includes('usable')) return { id: 'unlock', color: 'charts.green' };
  return here && here.requests.length > 0 ? { id: 'clock' } : undefined;
}

/** On what I hold nothing but that: more would cut off until when. The rest is in the tooltip. */
function describe(here: AccessHere | undefined, access: readonly string[], more: readonly (string | undefined)[]): string {
  const mine = here?.grants.some(({ grant }) => grant.mine);
  return [...access, ...(mine ? [] : more)].filter(Boolean).join(' · ');
}

/** Letters of name and description beside one icon, where the view has the width that the editor gives it at first. */
const ROOM = 32;
const NAME_LETTER = 1.2;

function accessFlags(here: AccessHere | undefined, context: RowContext, name: string, [access = '']: string[]): string[] {
  if (!context.connected) return [];
  const mine = mineOf(here);
  const revocable = mine.some(({ shown }) => shown !== 'revoking');
  return [
    'elevate',
    // An icon on a selected row covers the end of its words: until when something is held is more than a second way to act.
    ...(mine.length > 0 || (here && here.requests.length > 0) ? [] : ['offer']),
    ...(revocable && name.length * NAME_LETTER + access.length <= ROOM ? ['room'] : []),
    ...(revocable ? ['revoke'] : []),
    ...(mine.some(({ grant, shown }) => grant.extendable.ok && (shown === 'usable' || shown === 'assigned')) ? ['extend'] : []),
    ...(mine.length > 0 ? ['audit'] : []),
    ...(here && here.requests.length > 0 ? ['waiting'] : []),
  ];
}

/** The worst of what is known; undefined while nothing is. */
function overall(parts: readonly Part[]): Health | undefined {
  const speaking = parts.filter(({ health }) => health && health.state !== 'unknown');
  // A pool already counts its members.
  const pools = speaking.filter(({ kind }) => kind !== 'member');
  const known = (pools.length > 0 ? pools : speaking).flatMap(({ health }) => (health ? [health] : []));
  const worst = (['unhealthy', 'degraded', 'healthy'] as const).find((state) => known.some((health) => health.state === state));
  if (!worst) return undefined;
  const total = sum(known.map((health) => health.total ?? 0));
  return { state: worst, ...(total > 0 ? { up: sum(known.map((health) => health.up ?? 0)), total } : {}) };
}

function healthWords(health: Health | undefined): string | undefined {
  if (!health || health.state === 'unknown') return undefined;
  if (health.total !== undefined && health.up !== undefined && health.total > 0) return `${health.up} of ${health.total} up`;
  return health.state;
}

function healthIcon(health: Health | undefined): Row['icon'] {
  switch (health?.state) {
    case 'unhealthy':
      return { id: 'error', color: 'list.errorForeground' };
    case 'degraded':
      return { id: 'warning', color: 'list.warningForeground' };
    default:
      return undefined;
  }
}

const counted = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
