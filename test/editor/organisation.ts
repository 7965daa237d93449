import type { Handlers } from '../../daemon/door/methods.ts';
import type { LiveState } from '../../daemon/live-state.ts';
import type { Clock } from '../../protocol/clock.ts';
import type { GrantId, RequestId, ResourceId } from '../../protocol/ids.ts';
import type { Account, ElevationRequest, Grant, LoadBalancer, Preview, ResourceRef } from '../../protocol/model.ts';
import { no, yes } from '../../protocol/refusal.ts';
import type { DaemonState } from '../../protocol/state.ts';
import { ALICE, BACKENDS, BEN, balancer, daemonState, EDGE, PARTS, PREVIEW, PROBES, refOf, WEB } from '../daemon/cli/estate.ts';
import { recorded, recordOf, storyBodies } from '../support/audit-events.ts';

const MINUTE = 60_000;

/** What central has recorded: two grants from request to gone. */
export const RECORD = recorded([...storyBodies(1), ...storyBodies(2)]);
const record = recordOf(RECORD);

const idOf = (account: string, name: string) =>
  `azure:/subscriptions/${account}/resourcegroups/edge-rg/providers/microsoft.network/loadbalancers/${name}` as ResourceId;

const named = (account: string, name: string, more: Partial<LoadBalancer> = {}): LoadBalancer =>
  balancer(name, { id: idOf(account, name), accountId: account, ...more });

/** Two subscriptions, one of which cannot be read as a whole. */
export const ACCOUNTS: Account[] = [
  { provider: 'azure', id: '0001', name: 'Edge production', balancers: 6 },
  { provider: 'azure', id: '0002', name: 'Retail staging', balancers: 4 },
  { provider: 'azure', id: '0003', name: 'Legacy', balancers: 0, problem: 'Alice Novak may not read this subscription' },
];
export const BALANCERS: LoadBalancer[] = [
  EDGE,
  named('0001', 'prod-api', { exposure: 'internal', location: 'northeurope' }),
  named('0001', 'prod-checkout', { kind: 'application-gateway', sku: 'WAF_v2' }),
  named('0001', 'prod-mail', { provisioningState: 'Updating' }),
  named('0001', 'prod-search', { exposure: 'internal' }),
  named('0001', 'prod-video', { location: 'swedencentral' }),
  named('0002', 'staging-api', { exposure: 'internal', tags: { env: 'staging' } }),
  named('0002', 'staging-checkout', { kind: 'application-gateway', tags: { env: 'staging' } }),
  named('0002', 'staging-edge', { tags: { env: 'staging' } }),
  named('0002', 'staging-mail', { tags: { env: 'staging' } }),
];

export interface Organisation {
  state: DaemonState;
  handlers(live: LiveState): Handlers;
}

export const requestBy = (clock: Clock, n: number, more: Partial<ElevationRequest> = {}): ElevationRequest => ({
  id: `${String(n).padStart(8, '0')}-2222-4222-8222-222222222222` as RequestId,
  authority: 'central',
  resource: refOf(EDGE, WEB),
  role: { id: BACKENDS.id, title: BACKENDS.title, enforcement: 'native' },
  allows: BACKENDS.allows,
  actions: BACKENDS.actions,
  duration: 15 * MINUTE,
  reason: 'Drain web-3 for the kernel update',
  ticket: 'OPS-1234',
  requester: ALICE,
  mine: true,
  mayDecide: false,
  state: 'pending approval',
  createdAt: clock.now() - MINUTE,
  lapsesAt: clock.now() + 59 * MINUTE,
  decision: { ...PREVIEW.decision, at: clock.now() },
  approvers: { needed: 1, people: [BEN] },
  approvals: [],
  ...more,
});

export const grantOn = (clock: Clock, n: number, resource: ResourceRef, more: Partial<Grant> = {}): Grant => ({
  id: `${String(n).padStart(8, '0')}-3333-4333-8333-333333333333` as GrantId,
  requestId: `${String(n).padStart(8, '0')}-2222-4222-8222-222222222222` as RequestId,
  authority: 'central',
  resource,
  role: { id: BACKENDS.id, title: BACKENDS.title, enforcement: 'native' },
  holder: ALICE,
  mine: true,
  reason: 'Drain web-3 for the kernel update',
  state: 'usable',
  createdAt: clock.now(),
  notAfter: clock.now() + 15 * MINUTE,
  extendable: { ok: true },
  ...more,
});

export const granted = (clock: Clock): Preview => ({
  ...PREVIEW,
  outcome: 'granted',
  headline: 'Granted at once',
  decision: {
    ...PREVIEW.decision,
    outcome: 'granted',
    because: 'Staging, at most 30 minutes',
    wouldChange: [],
    rules: ['staging'],
    at: clock.now(),
  },
  elevatedHere: [{ holder: BEN, role: 'Backend members', notAfter: clock.now() + 10 * MINUTE }],
});

/** A daemon behind which everything goes well: 15 minutes are granted at once, more needs Ben, 60 are refused. */
export function organisation(clock: Clock, more: Partial<DaemonState> = {}): Organisation {
  return {
    state: daemonState({ inventory: { revision: 1, refreshing: false, fetchedAt: clock.now() }, ...more }),
    handlers: (live) => handlers(clock, live),
  };
}

function handlers(clock: Clock, live: LiveState): Handlers {
  let next = 100;
  const accepted = () => yes({});
  const refOfId = (id: ResourceId): ResourceRef => {
    const part = PARTS.find((one) => one.id === id);
    const found = BALANCERS.find((one) => id === one.id || part?.balancerId === one.id) ?? EDGE;
    return refOf(found, part);
  };
  const gone = (grant: Grant) =>
    live.apply({ type: 'grant', grant: { ...grant, state: 'gone', goneAt: clock.now(), proof: 'denied', endReason: 'revoked' } });
  const revoke = (grantId: string) => {
    const grant = live.now.grants[grantId];
    if (!grant) return no('not-found', 'There is no such grant');
    live.apply({ type: 'grant', grant: { ...grant, state: 'revoking', awaiting: 'Waiting until Azure denies access' } });
    clock.after(300, () => gone(grant));
    return yes({});
  };
  return {
    snapshot: () => live.snapshot(),
    'inventory.accounts': () => ({ accounts: ACCOUNTS, fetchedAt: clock.now() }),
    'inventory.balancers': ({ accountId }) => ({
      balancers: BALANCERS.filter((one) => one.accountId === accountId),
      fetchedAt: clock.now(),
    }),
    'inventory.parts': ({ resourceId }) => {
      if (resourceId === EDGE.id) return yes({ parts: PARTS });
      return resourceId.endsWith('prod-video')
        ? no('unreachable', 'Azure does not answer', { wayOut: 'Try again in a moment.' })
        : yes({ parts: [] });
    },
    'inventory.find': ({ text, limit }) => {
      const found = BALANCERS.filter(({ id, name, tags }) =>
        `${name} ${id} ${Object.values(tags).join(' ')}`.toLowerCase().includes(text.toLowerCase()),
      );
      return { balancers: found.slice(0, limit), more: found.length > limit };
    },
    'inventory.resolve': ({ resourceId }) => yes(refOfId(resourceId)),
    'inventory.refresh': () => {
      live.apply({ type: 'inventory', inventory: { ...live.now.inventory, refreshing: true } });
      clock.after(100, () =>
        live.apply({
          type: 'inventory',
          inventory: { revision: live.now.inventory.revision + 1, refreshing: false, fetchedAt: clock.now() },
        }),
      );
      return {};
    },
    eligibility: () => yes({ roles: [BACKENDS, { ...PROBES, unavailable: undefined, title: 'Probe tuning' }, PROBES] }),
    preview: ({ duration }) => {
      if (duration > 45 * MINUTE)
        return yes({
          ...granted(clock),
          outcome: 'refused',
          headline: 'Refused: at most 45 minutes on production',
          decision: { ...PREVIEW.decision, outcome: 'refused', because: 'Production is limited to 45 minutes', at: clock.now() },
        });
      return yes(duration > 15 * MINUTE ? { ...PREVIEW, elevatedHere: granted(clock).elevatedHere } : granted(clock));
    },
    request: (params) => {
      if (params.reason.includes('forbidden'))
        return no('refused-by-policy', 'This reason is on the list of refused ones', { wayOut: 'Say what you will really do.' });
      const n = next++;
      const approval = params.duration > 15 * MINUTE;
      const request = requestBy(clock, n, {
        resource: refOfId(params.resourceId),
        duration: params.duration,
        reason: params.reason,
        state: approval ? 'pending approval' : 'approved',
      });
      live.apply({ type: 'request', request });
      if (!approval) {
        const grant = grantOn(clock, n, request.resource, {
          state: 'activating',
          notAfter: clock.now() + params.duration,
          reason: params.reason,
        });
        live.apply({ type: 'grant', grant });
        clock.after(300, () => live.apply({ type: 'grant', grant: { ...grant, state: 'usable' } }));
      }
      return yes({ requestId: request.id });
    },
    'request.cancel': ({ requestId }) => decided(live, requestId, 'cancelled'),
    'request.approve': ({ requestId }) => decided(live, requestId, 'approved'),
    'request.deny': ({ requestId }) => decided(live, requestId, 'denied'),
    extend: () => no('cannot-extend', 'The policy allows one extension on production', { wayOut: 'Ask again when this access has ended.' }),
    revoke: ({ grantId }) => revoke(grantId),
    'revoke.all': () => {
      const mine = Object.values(live.now.grants).filter((grant) => grant.mine && grant.state !== 'gone');
      for (const { id } of mine) revoke(id);
      return { revoking: mine.length, refused: [] };
    },
    'audit.query': (params) => record('audit.query', params),
    'audit.chains': (params) => record('audit.chains', params),
    'audit.read': (params) => record('audit.read', params),
    'audit.signed': () => ({ lines: [] }),
    'audit.subtrees': () => ({}),
    'audit.facets': (params) => record('audit.facets', params),
    'sign-in': () => yes({}),
    'sign-in.session': accepted,
    'sign-out': accepted,
    'daemon.stop': () => ({}),
    'daemon.hand-over': () => ({ ok: true, value: {} }),
  };
}

function decided(live: LiveState, requestId: string, state: 'cancelled' | 'approved' | 'denied') {
  const request = live.now.requests[requestId];
  if (!request) return no('too-late', 'This request is over');
  live.apply({ type: 'request', request: { ...request, state, mayDecide: false } });
  return yes({});
}
