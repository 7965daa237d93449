import type { Account, Health, LoadBalancer, Part, RoleOption } from '../../../protocol/model.ts';
import { type Block, type Cell, fields, table } from '../blocks.ts';
import { showDuration } from '../duration.ts';

const KINDS: Record<LoadBalancer['kind'], string> = { 'load-balancer': 'load balancer', 'application-gateway': 'application gateway' };

export interface Listed {
  balancer: LoadBalancer;
  account: string;
  /** Who is elevated on it now, in words. */
  elevated: string;
}

export function balancerTable(listed: readonly Listed[]): Block {
  return table(
    ['NAME', 'KIND', 'ACCOUNT', 'GROUP', 'LOCATION', 'EXPOSURE', 'ELEVATED NOW'],
    listed.map(({ balancer, account, elevated }) => [
      balancer.name,
      KINDS[balancer.kind],
      account,
      balancer.resourceGroup,
      balancer.location,
      balancer.exposure,
      { text: elevated, tone: 'warn' },
    ]),
  );
}

export function accountProblems(accounts: readonly Account[]): Block[] {
  return accounts.flatMap(({ name, problem }): Block[] =>
    problem ? [{ kind: 'line', cells: [{ text: `${name}: ${problem}`, tone: 'warn' }] }] : [],
  );
}

export function balancerFields(balancer: LoadBalancer, account: string): Block {
  return fields([
    ['Name', { text: balancer.name, tone: 'strong' }],
    ['Id', balancer.id],
    ['Kind', `${KINDS[balancer.kind]}${balancer.sku ? `, ${balancer.sku}` : ''}`],
    ['Account', account],
    ['Group', balancer.resourceGroup],
    ['Location', balancer.location],
    ['Exposure', balancer.exposure],
    ['State', balancer.provisioningState],
    [
      'Tags',
      Object.entries(balancer.tags)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    ],
  ]);
}

/** Parts in tree order; what hangs under another part is set in. */
export function partTable(parts: readonly Part[]): Block {
  const byId = new Map(parts.map((part) => [part.id, part]));
  const depth = (part: Part): number => {
    let steps = 0;
    for (let above = byId.get(part.parentId); above && steps < 4; above = byId.get(above.parentId)) steps += 1;
    return steps;
  };
  return table(
    ['PART', 'KIND', 'HEALTH', ''],
    parts.map((part) => [
      `${'  '.repeat(depth(part))}${part.name}`,
      part.kind,
      healthCell(part.health),
      { text: part.detail, tone: 'dim' },
    ]),
  );
}

function healthCell(health: Health | undefined): Cell {
  if (!health || health.state === 'unknown') return '';
  const counts = health.up !== undefined && health.total !== undefined ? ` ${health.up}/${health.total}` : '';
  const tone = health.state === 'healthy' ? 'good' : health.state === 'degraded' ? 'warn' : 'bad';
  return { text: `${health.state}${counts}`, tone };
}

export function roleTable(roles: readonly RoleOption[]): Block {
  return table(
    ['ROLE', 'TITLE', 'ENFORCEMENT', 'FROM', 'AT MOST', 'ALLOWS'],
    roles.map((role) => [
      role.id,
      role.title,
      role.enforcement,
      role.authority,
      role.unavailable === undefined ? showDuration(role.longest) : '',
      role.unavailable === undefined ? role.allows.join('; ') : { text: role.unavailable, tone: 'warn' },
    ]),
  );
}
