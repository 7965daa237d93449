import type { Clock } from '../../protocol/clock.ts';
import type { Inventory, Provider } from '../provider.ts';
import { azureAccess } from './access.ts';
import { applicationGatewayParts } from './application-gateway-parts.ts';
import { azureErrorOf } from './azure-error.ts';
import { balancerOf } from './balancer.ts';
import { type AzureClients, azureClients } from './clients.ts';
import { faultOf } from './errors.ts';
import { healthOf } from './health.ts';
import { inventory } from './inventory.ts';
import { loadBalancerParts } from './load-balancer-parts.ts';
import { parseResource } from './resource-id.ts';
import type { AzureSettings } from './settings.ts';
import type { SharedTokens } from './shared-tokens.ts';

/** Azure, seen with one identity. */
export function azureProvider(tokens: SharedTokens, settings: AzureSettings, clock: Clock): Provider {
  const clients = azureClients(tokens, settings);
  return {
    id: 'azure',
    inventory: azureInventory(clients, clock),
    access: azureAccess(clients, tokens.fresh, settings, clock),
  };
}

function azureInventory(clients: AzureClients, clock: Clock): Inventory {
  const orFault = <T>(answer: Promise<T>): Promise<T> =>
    answer.catch((error) => {
      throw faultOf(error, clock.now());
    });
  return {
    list: (signal) => inventory(clients, clock, signal),
    async balancer(id, signal) {
      const resource = parseResource(id);
      if (!resource) return undefined;
      const { balancerKind, subscriptionId, resourceGroup, balancerName } = resource;
      try {
        const client = await clients.network(subscriptionId);
        const operations = balancerKind === 'load-balancer' ? client.loadBalancers : client.applicationGateways;
        return balancerOf(balancerKind, await operations.get(resourceGroup, balancerName, { abortSignal: signal }));
      } catch (error) {
        const status = azureErrorOf(error, clock.now())?.status;
        if (status === 404 || status === 403) return undefined;
        throw faultOf(error, clock.now());
      }
    },
    async parts(id, signal) {
      const resource = parseResource(id);
      if (!resource) return [];
      const { balancerKind, subscriptionId, resourceGroup, balancerName } = resource;
      const client = await orFault(clients.network(subscriptionId));
      return balancerKind === 'load-balancer'
        ? loadBalancerParts(await orFault(client.loadBalancers.get(resourceGroup, balancerName, { abortSignal: signal })))
        : applicationGatewayParts(await orFault(client.applicationGateways.get(resourceGroup, balancerName, { abortSignal: signal })));
    },
    async health(id, signal) {
      const resource = parseResource(id);
      return resource ? orFault(healthOf(clients, resource, () => clock.now(), signal)) : new Map();
    },
  };
}
