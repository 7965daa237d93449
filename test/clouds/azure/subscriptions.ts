import type { Access } from './access.ts';
import { scopeOf } from './arm-id.ts';
import type { JsonObject } from './json.ts';
import { nextPage } from './paging.ts';
import type { Route } from './router.ts';

export interface Subscription {
  id: string;
  name: string;
  tags?: Record<string, string> | undefined;
  /** Other tenants that may manage it. */
  managedBy?: readonly string[] | undefined;
}

export interface SubscriptionWorld {
  access: Access;
  tenantId: string;
  subscriptions: readonly Subscription[];
  pageSize: number;
}

const READ = 'Microsoft.Resources/subscriptions/read';

/** Subscriptions that the caller may see, and the tenant. */
export function subscriptionRoutes(world: SubscriptionWorld): Route[] {
  const body = ({ id, name, tags, managedBy = [] }: Subscription): JsonObject => ({
    id: `/subscriptions/${id}`,
    authorizationSource: 'RoleBased',
    managedByTenants: managedBy.map((tenantId) => ({ tenantId })),
    subscriptionId: id,
    tenantId: world.tenantId,
    displayName: name,
    state: 'Enabled',
    subscriptionPolicies: { locationPlacementId: 'Public_2014-09-01', quotaId: 'EnterpriseAgreement_2014-09-01', spendingLimit: 'Off' },
    ...(tags && { tags: { ...tags } }),
  });
  return [
    {
      method: 'GET',
      path: '/subscriptions',
      handle: (call) => {
        // Whoever may do anything in a subscription sees that it exists.
        const seen = world.subscriptions.filter(({ id }) => world.access.touches(call.caller, scopeOf(`/subscriptions/${id}`)));
        return nextPage(call, seen, world.pageSize, body);
      },
    },
    {
      method: 'GET',
      path: '/subscriptions/{subscription}',
      handle: (call) => {
        world.access.demand(call.caller, READ, call.path);
        const found = world.subscriptions.find(({ id }) => id.toLowerCase() === call.param('subscription').toLowerCase());
        return found
          ? { status: 200, body: body(found) }
          : {
              status: 404,
              body: {
                error: { code: 'SubscriptionNotFound', message: `The subscription '${call.param('subscription')}' could not be found.` },
              },
            };
      },
    },
    {
      method: 'GET',
      path: '/tenants',
      handle: () => ({
        status: 200,
        body: { value: [{ id: `/tenants/${world.tenantId}`, tenantId: world.tenantId, tenantCategory: 'Home' }] },
      }),
    },
  ];
}
