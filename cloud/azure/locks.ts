import * as v from 'valibot';
import type { ResourceId } from '../../protocol/ids.ts';
import type { AzureClients } from './clients.ts';
import { comparable, parseResource } from './resource-id.ts';
import { call } from './rest.ts';
import type { AzureSettings } from './settings.ts';

const Locks = v.object({
  value: v.array(v.object({ id: v.string(), name: v.string(), properties: v.object({ level: v.string() }) })),
  nextLink: v.nullish(v.string()),
});

/** Locks at the balancer and above it: each of them keeps Azure from deleting role assignments below. */
export async function locksAt(
  clients: AzureClients,
  settings: AzureSettings,
  resource: ResourceId,
  signal: AbortSignal,
): Promise<string[]> {
  const parsed = parseResource(resource);
  if (!parsed) return [];
  const found: string[] = [];
  let path: string | undefined = `${parsed.balancerArmId}/providers/Microsoft.Authorization/locks`;
  while (path) {
    const page: v.InferOutput<typeof Locks> = await call(
      clients,
      settings,
      { method: 'GET', path, query: { 'api-version': '2020-05-01', $filter: 'atScope()' }, answer: Locks },
      signal,
    );
    found.push(...page.value.map(({ id, name, properties }) => `${properties.level} lock "${name}" on ${holderOf(id)}`));
    path = page.nextLink ?? undefined;
  }
  return found;
}

function holderOf(lockId: string): string {
  const scope = lockId.replace(/\/providers\/microsoft\.authorization\/locks\/[^/]+$/i, '');
  const name = scope.slice(scope.lastIndexOf('/') + 1);
  const plain = comparable(scope);
  if (/^\/subscriptions\/[^/]+$/.test(plain)) return `subscription ${name}`;
  return /^\/subscriptions\/[^/]+\/resourcegroups\/[^/]+$/.test(plain) ? `resource group ${name}` : name;
}
