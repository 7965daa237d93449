import { sleep } from '../../../protocol/clock.ts';
import type { Caller } from './access.ts';
import { applicationGatewayRoutes } from './application-gateways.ts';
import { approvalRoutes } from './approvals.ts';
import { ArmError } from './arm-error.ts';
import type { Dropped, Incoming, Reply } from './exchange.ts';
import { healthRoutes } from './health.ts';
import { loadBalancerRoutes } from './load-balancers.ts';
import { lockRoutes } from './lock-routes.ts';
import { pimListRoutes } from './pim-lists.ts';
import { pimRequestRoutes } from './pim-requests.ts';
import { policyRoutes } from './policy-routes.ts';
import { resourceGraphRoutes } from './resource-graph.ts';
import { roleAssignmentRoutes } from './role-assignment-routes.ts';
import { permissionRoutes, roleDefinitionRoutes } from './role-definition-routes.ts';
import { Router } from './router.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import type { Tokens } from './tokens.ts';
import type { World } from './world.ts';

/** Sizes of pages and limits of a subscription, as Azure has them. */
export interface Limits {
  pageSize: number;
  graphPageSize: number;
  /** Subscriptions that one query of Resource Graph looks at. */
  graphSubscriptionLimit: number;
  /** Role assignments that a subscription holds. */
  assignmentLimit: number;
}

export const AZURE_LIMITS: Limits = { pageSize: 100, graphPageSize: 1_000, graphSubscriptionLimit: 10_000, assignmentLimit: 4_000 };

/** Resource Manager: recognises the caller, lets faults happen, and answers. */
export class ResourceManager {
  readonly #world: World;
  readonly #tokens: Tokens;
  readonly #router: Router;

  constructor(world: World, tokens: Tokens, limits: Limits) {
    this.#world = world;
    this.#tokens = tokens;
    const { subscriptions, tenantId, managementGroup } = world.estate;
    const subscriptionNames = new Map(subscriptions.map(({ id, name }) => [id.toLowerCase(), name]));
    const all = { ...world, ...limits, subscriptions, tenantId, managementGroup, subscriptionNames };
    this.#router = new Router([
      ...subscriptionRoutes(all),
      ...resourceGraphRoutes(all),
      ...loadBalancerRoutes(all),
      ...applicationGatewayRoutes(all),
      ...healthRoutes(all, world.health),
      ...world.operations.routes(),
      ...permissionRoutes(all),
      ...roleDefinitionRoutes(all),
      ...roleAssignmentRoutes(all),
      ...lockRoutes(all),
      ...policyRoutes(all),
      ...pimRequestRoutes(all),
      ...pimListRoutes(all),
      ...approvalRoutes(all),
    ]);
  }

  async answer(incoming: Incoming, base: string): Promise<Reply | Dropped> {
    const { world, caller, early } = { world: this.#world, ...(await this.#recognise(incoming, base)) };
    const reply = early ?? (await this.#troubled(incoming, base, caller));
    const status = reply === 'dropped' ? undefined : reply.status;
    world.calls.add({ at: world.clock.now(), method: incoming.method, url: incoming.url, oid: caller?.oid, status });
    return reply;
  }

  async #recognise(incoming: Incoming, base: string): Promise<{ caller?: Caller; early?: Reply }> {
    try {
      return { caller: await this.#tokens.verify(incoming.headers['authorization'], base) };
    } catch (error) {
      return { early: failure(error) };
    }
  }

  async #troubled(incoming: Incoming, base: string, caller: Caller | undefined): Promise<Reply | Dropped> {
    if (!caller) return { status: 401 };
    const { clock, faults } = this.#world;
    const trouble = faults.take(`${incoming.method} ${decodeURIComponent(incoming.url)}`, caller);
    const run = () => this.#run(incoming, base, caller);
    switch (trouble?.kind) {
      case undefined:
        return run();
      case 'throttle':
        return {
          status: 429,
          headers: trouble.retryAfter === undefined ? {} : { 'retry-after': trouble.retryAfter },
          body: {
            error: { code: 'TooManyRequests', message: 'The request is being throttled as the limit has been reached for this operation.' },
          },
        };
      case 'refuse':
        return { status: trouble.status, body: { error: { code: trouble.code, message: trouble.message } } };
      case 'echo': {
        const message = `The request with authorization: ${incoming.headers['authorization']} is not allowed`;
        return { status: trouble.status, body: { error: { code: trouble.code, message } } };
      }
      case 'drop-before':
        return 'dropped';
      case 'drop-after':
        await run();
        return 'dropped';
      case 'apply-late':
        clock.after(trouble.after, () => void run());
        return 'dropped';
      case 'slow':
        await sleep(clock, trouble.by);
        return run();
      case 'challenge':
        return challenge(base, this.#tokens.tenantId, trouble.context);
    }
  }

  async #run(incoming: Incoming, base: string, caller: Caller): Promise<Reply> {
    try {
      this.#world.settle();
      return await this.#router.run(incoming, caller, base);
    } catch (error) {
      return failure(error);
    }
  }
}

function challenge(base: string, tenantId: string, context: string): Reply {
  const claims = Buffer.from(JSON.stringify({ access_token: { acrs: { essential: true, value: context } } })).toString('base64');
  return {
    status: 401,
    headers: {
      'www-authenticate': `Bearer realm="", authorization_uri="${base}/${tenantId}/oauth2/authorize", error="insufficient_claims", claims="${claims}"`,
    },
    body: {
      error: {
        code: 'InvalidAuthenticationToken',
        message: 'Continuous access evaluation resulted in challenge with result: InteractionRequired.',
      },
    },
  };
}

/** An error of Azure becomes its answer; anything else is a bug of ours and is told as one. */
function failure(error: unknown): Reply {
  if (error instanceof ArmError) return { status: error.status, headers: { ...error.headers }, body: error.body };
  return {
    status: 500,
    body: { error: { code: 'InternalServerError', message: error instanceof Error ? (error.stack ?? error.message) : String(error) } },
  };
}
