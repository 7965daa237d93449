import type { AuthorizationManagementClient } from '@azure/arm-authorization';
import type { NetworkManagementClient } from '@azure/arm-network';
import type { ResourceGraphClient } from '@azure/arm-resourcegraph';
import type { SubscriptionClient } from '@azure/arm-resources-subscriptions';
import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import { type AzureSettings, endpointOf, scopeOfTokens } from './settings.ts';

/**
 * Microsoft's clients, each with our endpoint, certificate authority and audience. They are loaded when first needed and
 * built for each use: a client holds on to its first token, and with it to who the person was an hour ago.
 */
export interface AzureClients {
  network(subscriptionId: string): Promise<NetworkManagementClient>;
  authorization(options?: AuthorizationOptions): Promise<AuthorizationManagementClient>;
  graph(): Promise<ResourceGraphClient>;
  subscriptions(): Promise<SubscriptionClient>;
}

interface AuthorizationOptions {
  subscriptionId?: string | undefined;
  credential?: TokenCredential | undefined;
  /** Send each request once: a retry would have to know how much time has passed. */
  once?: boolean | undefined;
}

/** The clients write an empty part of a path as `//`. One slash means the same to Azure and is what its documents show. */
const oneSlash: PipelinePolicy = {
  name: 'portcullisOneSlash',
  sendRequest(request, next) {
    const [path = '', ...query] = request.url.split('?');
    request.url = [path.replace(/(?<!:)\/{2,}/g, '/'), ...query].join('?');
    return next(request);
  },
};

export function azureClients(credential: TokenCredential, settings: AzureSettings): AzureClients {
  const endpoint = endpointOf(settings);
  const scope = scopeOfTokens(settings);
  // One object: the SDK keeps one connection pool for each.
  const tls = settings.ca === undefined ? {} : { tlsOptions: { ca: settings.ca } };
  const options = { endpoint, ...tls };
  const scoped = { ...options, credentials: { scopes: [scope] } };
  return {
    async network(subscriptionId) {
      const { NetworkManagementClient } = await import('@azure/arm-network');
      return new NetworkManagementClient(credential, subscriptionId, scoped);
    },
    async authorization({ subscriptionId = '', credential: other = credential, once = false } = {}) {
      const { AuthorizationManagementClient } = await import('@azure/arm-authorization');
      const client = new AuthorizationManagementClient(other, subscriptionId, {
        ...options,
        credentialScopes: scope,
        ...(once && { retryOptions: { maxRetries: 0 } }),
      });
      client.pipeline.addPolicy(oneSlash);
      return client;
    },
    async graph() {
      const { ResourceGraphClient } = await import('@azure/arm-resourcegraph');
      return new ResourceGraphClient(credential, scoped);
    },
    async subscriptions() {
      const { SubscriptionClient } = await import('@azure/arm-resources-subscriptions');
      return new SubscriptionClient(credential, scoped);
    },
  };
}
