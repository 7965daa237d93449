import type { Estate } from '../clouds/azure/estate.ts';

/** Where a load balancer is, for the tree and for Azure's own clients. */
export interface Balancer {
  name: string;
  /** Name of its subscription. */
  subscription: string;
  subscriptionId: string;
  resourceGroup: string;
  env: string;
}

const ID = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Network\/loadBalancers\/([^/]+)$/i;

/** The load balancers of an estate, without its application gateways. */
export function balancersOf({ resources, subscriptions }: Estate): Balancer[] {
  return resources.flatMap(({ id, tags }) => {
    const [, subscriptionId = '', resourceGroup = '', name] = ID.exec(id) ?? [];
    const subscription = subscriptions.find((one) => one.id === subscriptionId);
    return name && subscription ? [{ name, subscription: subscription.name, subscriptionId, resourceGroup, env: tags?.['env'] ?? '' }] : [];
  });
}
