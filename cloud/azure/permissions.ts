import type { TokenCredential } from '@azure/identity';
import type { Permission } from './actions.ts';
import type { AzureClients } from './clients.ts';
import type { AzureResource } from './resource-id.ts';

const NETWORK = 'Microsoft.Network';

/**
 * What the identity may do at a resource now, as Azure's own authorization sees it. Reading it changes nothing.
 * @param credential Asked for a token at once: Azure may judge a token that it has seen before by what it remembers.
 */
export async function permissionsAt(
  clients: AzureClients,
  credential: TokenCredential,
  resource: AzureResource,
  signal: AbortSignal,
): Promise<Permission[]> {
  const { subscriptionId, resourceGroup, balancerArmId, below } = resource;
  const client = await clients.authorization({ subscriptionId, credential });
  const type = balancerArmId.split('/').at(-2) ?? '';
  const path = [{ type, name: resource.balancerName }, ...below];
  const last = path.at(-1) ?? { type, name: resource.balancerName };
  const parent = path
    .slice(0, -1)
    .map((step) => `${step.type}/${step.name}`)
    .join('/');
  const found: Permission[] = [];
  const list = client.permissions.listForResource(resourceGroup, NETWORK, parent, last.type, last.name, { abortSignal: signal });
  for await (const permission of list) found.push(permission);
  return found;
}
