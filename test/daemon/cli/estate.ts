import { createHash } from 'node:crypto';
import { type AuditBody, type AuditEvent, chain, NO_EVENT_BEFORE } from '../../../protocol/audit.ts';
import type { GrantId, PersonId, RequestId, ResourceId, RoleId } from '../../../protocol/ids.ts';
import type {
  Account,
  ElevationRequest,
  Grant,
  LoadBalancer,
  Part,
  Person,
  Preview,
  ResourceRef,
  RoleOption,
} from '../../../protocol/model.ts';
import type { DaemonState } from '../../../protocol/state.ts';

/** One small organisation with fixed ids and times, for golden text. */

export const NOON = Date.UTC(2026, 10, 23, 12, 0, 0);
const MINUTE = 60_000;

export const ALICE: Person = { id: 'oid-alice' as PersonId, name: 'Alice Novak', email: 'alice@example.test' };
export const BEN: Person = { id: 'oid-ben' as PersonId, name: 'Ben Okafor', email: 'ben@example.test' };

const PREFIX = 'azure:/subscriptions/0001/resourcegroups/edge-rg/providers/microsoft.network/loadbalancers';

export function balancer(name: string, more: Partial<LoadBalancer> = {}): LoadBalancer {
  return {
    id: `${PREFIX}/${name.toLowerCase()}` as ResourceId,
    provider: 'azure',
    kind: 'load-balancer',
    name,
    accountId: '0001',
    resourceGroup: 'edge-rg',
    location: 'westeurope',
    sku: 'Standard',
    exposure: 'public',
    tags: { env: 'prod' },
    provisioningState: 'Succeeded',
    counts: { frontends: 1, pools: 1, rules: 1 },
    ...more,
  };
}

export const EDGE = balancer('prod-edge');
export const API = balancer('Prod-API', { exposure: 'internal', location: 'northeurope' });
export const TWINS = [
  balancer('twin', { id: `${PREFIX}/a/twin` as ResourceId }),
  balancer('twin', { id: `${PREFIX}/b/twin` as ResourceId }),
];
export const ACCOUNT: Account = { provider: 'azure', id: '0001', name: 'Edge production', balancers: 4 };

export function part(kind: Part['kind'], name: string, more: Partial<Part> = {}): Part {
  return { id: `${EDGE.id}/${kind}s/${name}` as ResourceId, balancerId: EDGE.id, parentId: EDGE.id, kind, name, detail: '', ...more };
}

export const WEB = part('backend-pool', 'web', { detail: '2 members', health: { state: 'degraded', up: 1, total: 2 } });
export const PARTS: Part[] = [
  part('frontend', 'public', { detail: '203.0.113.10' }),
  WEB,
  part('member', 'vm-1', { parentId: WEB.id, detail: '10.0.1.4', health: { state: 'healthy' } }),
  part('member', 'vm-2', { parentId: WEB.id, detail: '10.0.1.5', health: { state: 'unhealthy' } }),
  part('probe', 'http', { detail: 'HTTP 8080 /health' }),
  part('rule', 'http', { detail: 'TCP 80 → 8080' }),
];

export const refOf = (of: LoadBalancer, inside?: Part): ResourceRef => ({
  id: inside?.id ?? of.id,
  name: inside?.name ?? of.name,
  kind: inside ? 'Backend pool' : 'Load balancer',
  balancerId: of.id,
  balancerName: of.name,
});

export const BACKENDS: RoleOption = {
  id: 'backends' as RoleId,
  title: 'Backend members',
  enforcement: 'native',
  authority: 'central',
  allows: ['Change the members of a backend pool'],
  actions: ['Microsoft.Network/loadBalancers/backendAddressPools/write'],
  longest: 60 * MINUTE,
  usual: 15 * MINUTE,
  reasonRequired: true,
  ticketRequired: false,
};
export const PROBES: RoleOption = {
  ...BACKENDS,
  id: 'health-checks' as RoleId,
  title: 'Health checks',
  enforcement: 'guarded',
  allows: ['Change health probes'],
  actions: [],
  unavailable: 'Azure cannot enforce this role',
};

export const PREVIEW: Preview = {
  outcome: 'needs approval',
  headline: 'Needs approval by Ben Okafor',
  decision: {
    outcome: 'needs approval',
    because: 'Longer than 15 minutes on production needs a lead',
    wouldChange: ['15 minutes or less would be granted at once'],
    rules: ['prod-long'],
    policyVersion: 'abc',
    at: NOON,
  },
  approvers: { needed: 1, people: [BEN] },
  longest: 60 * MINUTE,
  ticketRequired: false,
  actions: ['Microsoft.Network/loadBalancers/backendAddressPools/write'],
  elevatedHere: [{ holder: BEN, role: 'Backend members', notAfter: NOON + 10 * MINUTE }],
  warnings: ['Azure may need up to 10 minutes'],
};

export const uuid = (digit: string): string => `${digit.repeat(8)}-1111-4111-8111-111111111111`;

export function request(more: Partial<ElevationRequest> = {}): ElevationRequest {
  return {
    id: uuid('a') as RequestId,
    authority: 'central',
    resource: refOf(EDGE, WEB),
    role: { id: BACKENDS.id, title: BACKENDS.title, enforcement: 'native' },
    allows: BACKENDS.allows,
    actions: BACKENDS.actions,
    duration: 15 * MINUTE,
    reason: 'Drain web for the upgrade',
    requester: ALICE,
    mine: true,
    mayDecide: false,
    state: 'requested',
    createdAt: NOON - MINUTE,
    lapsesAt: NOON + 59 * MINUTE,
    approvals: [],
    ...more,
  };
}

export function grant(more: Partial<Grant> = {}): Grant {
  return {
    id: uuid('b') as GrantId,
    requestId: uuid('a') as RequestId,
    authority: 'central',
    resource: refOf(EDGE, WEB),
    role: { id: BACKENDS.id, title: BACKENDS.title, enforcement: 'native' },
    holder: ALICE,
    mine: true,
    reason: 'Drain web for the upgrade',
    state: 'usable',
    createdAt: NOON - 5 * MINUTE,
    notAfter: NOON + 10 * MINUTE,
    extendable: { ok: true },
    ...more,
  };
}

export function daemonState(more: Partial<DaemonState> = {}): DaemonState {
  return {
    daemon: { instance: uuid('d'), version: '0.1.0', pid: 4711, startedAt: NOON - 3_600_000, stopping: false },
    signIns: [
      { to: 'azure', state: 'signed in', person: ALICE, by: 'Azure CLI' },
      { to: 'central', state: 'signed in', person: ALICE, by: 'Azure CLI' },
    ],
    central: { state: 'connected', since: NOON - 3_600_000 },
    requests: {},
    grants: {},
    inventory: { revision: 1, refreshing: false, fetchedAt: NOON - MINUTE },
    ...more,
  };
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A whole chain from 1. */
export function record(source: string, bodies: Partial<AuditBody>[]): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (const [index, body] of bodies.entries()) {
    const whole: AuditBody = { kind: 'grant.usable', at: NOON + index * MINUTE, boot: index, text: `event ${index + 1}`, ...body };
    events.push(chain(whole, { source, seq: index + 1, prev: events.at(-1)?.hash ?? NO_EVENT_BEFORE }, sha256));
  }
  return events;
}

export const byId = <T extends { id: string }>(...items: T[]): Record<string, T> =>
  Object.fromEntries(items.map((item) => [item.id, item]));
