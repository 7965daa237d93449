import type { TokenCredential } from '@azure/identity';
import { identityOptions } from './identity-options.ts';
import type { AzureSettings } from './settings.ts';

export type GrantingCredential = { kind: 'client-secret'; tenantId: string; clientId: string; secret: string } | { kind: 'default' };

/** The identity that can grant. `default` is a managed or workload identity, without any secret to keep. */
export function grantingCredential(config: GrantingCredential, settings: AzureSettings): TokenCredential {
  return loadedOnce(async () => {
    const { ClientSecretCredential, DefaultAzureCredential } = await import('@azure/identity');
    if (config.kind === 'client-secret')
      return new ClientSecretCredential(config.tenantId, config.clientId, config.secret, identityOptions(settings));
    return new DefaultAzureCredential({ ...identityOptions(settings), ...(settings.tenantId && { tenantId: settings.tenantId }) });
  });
}

/** A credential whose library is loaded with its first token. */
function loadedOnce(load: () => Promise<TokenCredential>): TokenCredential {
  let credential: Promise<TokenCredential> | undefined;
  return {
    async getToken(scopes, options) {
      credential ??= load();
      return (await credential).getToken(scopes, options);
    },
  };
}
