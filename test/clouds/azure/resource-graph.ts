import * as v from 'valibot';
import { type Clock, type Instant, SECOND } from '../../../protocol/clock.ts';
import type { Access, Caller } from './access.ts';
import { ArmError, badRequest } from './arm-error.ts';
import { scopeOf, subscriptionOf } from './arm-id.ts';
import { BALANCER_CHILDREN, GATEWAY_CHILDREN } from './children.ts';
import type { Reply } from './exchange.ts';
import type { Faults } from './faults.ts';
import type { JsonObject } from './json.ts';
import { runKql } from './kql-run.ts';
import { type Kql, parseKql, unreadable } from './kql-syntax.ts';
import { graphRow } from './render.ts';
import type { Resources, Stored } from './resources.ts';
import type { Call, Route } from './router.ts';
import type { Timing } from './timing.ts';

export interface GraphWorld {
  clock: Clock;
  timing: Timing;
  access: Access;
  resources: Resources;
  tenantId: string;
  subscriptions: readonly { id: string; name: string }[];
  managementGroup: string;
  /** Most rows of one page; 1,000 on Azure. */
  graphPageSize: number;
  /** Most subscriptions that one query looks at; 10,000 on Azure. */
  graphSubscriptionLimit: number;
  faults: Faults;
}

const Body = v.object({
  query: v.string(),
  subscriptions: v.nullish(v.array(v.string())),
  managementGroups: v.nullish(v.array(v.string())),
  options: v.nullish(
    v.object({
      $top: v.nullish(v.number()),
      $skip: v.nullish(v.number()),
      $skipToken: v.nullish(v.string()),
      resultFormat: v.nullish(v.string()),
    }),
  ),
});

/** Rows of unchanged resources, kept because a page of a thousand looks at all of them. */
type Rows = WeakMap<Stored, JsonObject>;

/** Resource Graph: one query over every subscription that the caller may read, from an index that lags. */
export function resourceGraphRoutes(world: GraphWorld): Route[] {
  const quota = new Quota(world);
  const rows: Rows = new WeakMap();
  return [{ method: 'POST', path: '/providers/Microsoft.ResourceGraph/resources', handle: (call) => answer(world, quota, rows, call) }];
}

function answer(world: GraphWorld, quota: Quota, known: Rows, call: Call): Reply {
  const headers = quota.take(call.caller);
  const parsed = v.safeParse(Body, call.body());
  if (!parsed.success) throw badRequest('BadRequest', `The request is not valid: ${parsed.issues[0].message}`);
  const { query, subscriptions, managementGroups, options } = parsed.output;
  const { asked, cut } = chosen(world, call.caller, subscriptions ?? undefined, managementGroups ?? undefined);
  const kql = parseKql(query);
  const rows = runKql(kql, source(world, known, kql, call.caller, asked));
  const start = options?.$skipToken ? readToken(options.$skipToken) : (options?.$skip ?? 0);
  const top = Math.min(options?.$top ?? 100, world.graphPageSize);
  const data = rows.slice(start, start + top);
  const rest = start + data.length < rows.length;
  // Without an id column, or with a limit, the service cannot go on where it stopped.
  const resumable = !kql.steps.some(({ kind }) => kind === 'take') && data.every((row) => 'id' in row);
  return {
    status: 200,
    headers: {
      ...headers,
      'x-ms-resource-graph-total-count': String(rows.length),
      ...(cut && { 'x-ms-tenant-subscription-limit-hit': 'true' }),
    },
    body: {
      totalRecords: rows.length,
      count: data.length,
      data: options?.resultFormat?.toLowerCase() === 'table' ? table(data) : data,
      facets: [],
      resultTruncated: rest && !resumable ? 'true' : 'false',
      ...(rest && resumable && { $skipToken: makeToken(start + data.length) }),
    },
  };
}

interface Chosen {
  asked: ReadonlySet<string>;
  /** There are more, which the answer says nothing of but in a header. */
  cut: boolean;
}

function chosen(world: GraphWorld, caller: Caller, subscriptions: string[] | undefined, groups: string[] | undefined): Chosen {
  const limit = world.graphSubscriptionLimit;
  if (!groups && subscriptions && subscriptions.length > 0) {
    const named = subscriptions.map((id) => id.toLowerCase());
    const cut = world.faults.cutsNamedSubscriptions && named.length > limit;
    return { asked: new Set(cut ? named.slice(0, limit) : named), cut };
  }
  if (groups && !groups.some((group) => group.toLowerCase() === world.managementGroup.toLowerCase()))
    return { asked: new Set(), cut: false };
  const all = world.subscriptions.map(({ id }) => id.toLowerCase());
  if (all.length <= limit) return { asked: new Set(all), cut: false };
  const accessible = all.filter((id) => world.access.touches(caller, scopeOf(`/subscriptions/${id}`)));
  return { asked: new Set(accessible.slice(0, limit)), cut: accessible.length > limit };
}

function source(world: GraphWorld, known: Rows, kql: Kql, caller: Caller, asked: ReadonlySet<string>): JsonObject[] {
  if (kql.table === 'resourcecontainers') {
    const readable = world.access.filter(caller, 'Microsoft.Resources/subscriptions/read');
    return world.subscriptions
      .filter(({ id }) => asked.has(id.toLowerCase()) && readable(scopeOf(`/subscriptions/${id}`)))
      .map(({ id, name }) => ({
        id: `/subscriptions/${id}`,
        name,
        type: 'microsoft.resources/subscriptions',
        tenantId: world.tenantId,
        subscriptionId: id,
        resourceGroup: '',
        location: '',
        tags: null,
        properties: { state: 'Enabled' },
      }));
  }
  if (kql.table !== 'resources') throw unreadable(`'${kql.table}' is not a table that can be queried.`);
  const readable = new Map<string, (scope: string) => boolean>();
  const rows = world.resources.indexed().filter(({ resource }) => {
    const scope = scopeOf(resource.id);
    if (!asked.has(subscriptionOf(scope) ?? '')) return false;
    const may = readable.get(resource.type) ?? world.access.filter(caller, `${resource.type}/read`);
    readable.set(resource.type, may);
    return may(scope);
  });
  const anywhere = world.subscriptions.some(
    ({ id }) =>
      asked.has(id.toLowerCase()) && world.access.allows(caller, 'Microsoft.Resources/subscriptions/read', scopeOf(`/subscriptions/${id}`)),
  );
  if (rows.length === 0 && !anywhere) {
    throw badRequest(
      'NoValidSubscriptionsInQueryRequest',
      `There must be at least one subscription that is eligible to contain resources. Given: '${[...asked].join(', ')}'.`,
    );
  }
  return rows.map((stored) => {
    const row = known.get(stored) ?? graphRow(stored, world.tenantId, childrenOf(stored));
    known.set(stored, row);
    return row;
  });
}

const childrenOf = ({ resource }: Stored): readonly string[] =>
  resource.type.toLowerCase().endsWith('/loadbalancers') ? BALANCER_CHILDREN : GATEWAY_CHILDREN;

function table(rows: JsonObject[]): JsonObject {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return { columns: columns.map((name) => ({ name, type: 'string' })), rows: rows.map((row) => columns.map((name) => row[name] ?? null)) };
}

const makeToken = (next: number): string => Buffer.from(JSON.stringify({ next })).toString('base64');

function readToken(token: string): number {
  try {
    return v.parse(v.object({ next: v.number() }), JSON.parse(Buffer.from(token, 'base64').toString())).next;
  } catch {
    throw badRequest('BadRequest', 'The skip token is not valid.');
  }
}

/** Queries per window and person. */
class Quota {
  readonly #world: GraphWorld;
  readonly #used = new Map<string, { since: Instant; count: number }>();

  constructor(world: GraphWorld) {
    this.#world = world;
  }

  take(caller: Caller): Record<string, string> {
    const { queryQuota, queryWindow } = this.#world.timing;
    const now = this.#world.clock.now();
    const known = this.#used.get(caller.oid);
    const used = known && now < known.since + queryWindow ? known : { since: now, count: 0 };
    used.count += 1;
    this.#used.set(caller.oid, used);
    const seconds = Math.ceil((used.since + queryWindow - now) / SECOND);
    const headers = {
      'x-ms-user-quota-remaining': String(Math.max(0, queryQuota - used.count)),
      'x-ms-user-quota-resets-after': new Date(seconds * SECOND).toISOString().slice(11, 19),
    };
    if (used.count <= queryQuota) return headers;
    throw new ArmError(429, 'RateLimiting', 'Please provide below info when asking for support: timestamp, correlationId.', {
      headers: { ...headers, 'retry-after': String(seconds) },
      details: [
        {
          code: 'RateLimiting',
          message:
            'Client application has been throttled and should not attempt to repeat the request until an amount of time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help.',
        },
      ],
    });
  }
}
