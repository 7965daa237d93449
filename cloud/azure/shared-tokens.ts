import type { AccessToken, TokenCredential } from '@azure/identity';
import { type Clock, MINUTE, type Millis } from '../../protocol/clock.ts';

export interface SharedTokens extends TokenCredential {
  /** Asks anew each time: for who the person is now. */
  readonly fresh: TokenCredential;
  /** Holds none of them any more. */
  forget(): void;
}

/**
 * One question to the credential for a burst of calls: the Azure CLI starts a process for each token. Held for a moment
 * only, so that a person who signs in as somebody else is not shown as the one before. A claims challenge is passed on.
 */
export function sharedTokens(credential: TokenCredential, clock: Clock, hold: Millis = MINUTE): SharedTokens {
  const asked = new Map<string, { at: number; token: Promise<AccessToken | null> }>();
  return {
    fresh: credential,
    forget: () => asked.clear(),
    getToken(scopes, options = {}) {
      if (options.claims) return credential.getToken(scopes, options);
      const now = clock.boot();
      for (const [key, { at }] of asked) if (now - at >= hold) asked.delete(key);
      const key = JSON.stringify([scopes, options.tenantId]);
      const before = asked.get(key);
      if (before) return before.token;
      // The signal of one caller must not fail the others.
      const { abortSignal: _, ...shared } = options;
      const token = credential.getToken(scopes, shared);
      asked.set(key, { at: now, token });
      token.catch(() => asked.delete(key));
      return token;
    },
  };
}
