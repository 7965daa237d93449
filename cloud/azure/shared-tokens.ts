import type { AccessToken, TokenCredential } from '@azure/identity';
import { type Clock, MINUTE, type Millis } from '../../protocol/clock.ts';

/**
 * One question to the credential for a burst of calls: the Azure CLI starts a process for each token. Held for a moment
 * only, so that a person who signs in as somebody else is not shown as the one before. A claims challenge is passed on.
 */
export function sharedTokens(credential: TokenCredential, clock: Clock, hold: Millis = MINUTE): TokenCredential {
  const asked = new Map<string, { at: number; token: Promise<AccessToken | null> }>();
  return {
    getToken(scopes, options = {}) {
      if (options.claims) return credential.getToken(scopes, options);
      const key = JSON.stringify([scopes, options.tenantId]);
      const before = asked.get(key);
      if (before && clock.boot() - before.at < hold) return before.token;
      // The signal of one caller must not fail the others.
      const { abortSignal: _, ...shared } = options;
      const token = credential.getToken(scopes, shared);
      asked.set(key, { at: clock.boot(), token });
      token.catch(() => asked.delete(key));
      return token;
    },
  };
}
