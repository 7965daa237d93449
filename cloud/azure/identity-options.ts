import type { AzureSettings } from './settings.ts';

/** What every credential of `@azure/identity` that speaks to Entra itself must know. */
export function identityOptions({ authorityHost, ca }: AzureSettings) {
  return {
    ...(ca !== undefined && { tlsOptions: { ca } }),
    // A private authority is not in Microsoft's list, and asking Microsoft about it would tell them of it.
    ...(authorityHost !== undefined && { authorityHost, disableInstanceDiscovery: true }),
  };
}
