import { MINUTE, type Millis } from '../../protocol/clock.ts';

/** Where Azure is, and how slow it may be. Nothing set means Azure's public cloud. */
export interface AzureSettings {
  /** `https://management.azure.com`, or that of a sovereign cloud. https only. */
  resourceManagerEndpoint?: string | undefined;
  /** `https://login.microsoftonline.com`, or that of a sovereign cloud. https only. */
  authorityHost?: string | undefined;
  /** PEM of a private certificate authority that both of them use. */
  ca?: string | undefined;
  /** What tokens are for. Stays the same with another endpoint. */
  audience?: string | undefined;
  tenantId?: string | undefined;
  /** Longest time that a removed right may still work. */
  propagation?: Millis | undefined;
  /** Azure refuses to release an elevation that is younger than this. */
  shortestHold?: Millis | undefined;
}

/** Azure documents "up to 10 minutes", both ways. */
export const PROPAGATION: Millis = 10 * MINUTE;
export const SHORTEST_HOLD: Millis = 5 * MINUTE;

const PUBLIC_ENDPOINT = 'https://management.azure.com';

export const endpointOf = (settings: AzureSettings): string => (settings.resourceManagerEndpoint ?? PUBLIC_ENDPOINT).replace(/\/+$/, '');
export const scopeOfTokens = (settings: AzureSettings): string => `${(settings.audience ?? PUBLIC_ENDPOINT).replace(/\/+$/, '')}/.default`;
