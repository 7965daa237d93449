import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/identity';
import { type Clock, MINUTE, type Millis } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';

export interface SharedTokens extends TokenCredential {
  /** Asks anew each time: for who the person is now. */
  readonly fresh: TokenCredential;
  /** Holds none of them any more. */
  forget(): void;
  /** Gives none from now on, whoever the Azure CLI and its like still know. Forgets, too. */
  close(): void;
  open(): void;
}

/**
 * One question to the credential for a burst of calls: the Azure CLI starts a process for each token. Given for a moment
 * only, so that a person who signs in as somebody else is not shown as the one before. A claims challenge is passed on.
 * Whoever waits no longer leaves the others waiting. While they are closed, `getToken` throws Fault `sign-in-failed`.
 */
export function sharedTokens(credential: TokenCredential, clock: Clock, hold: Millis = MINUTE): SharedTokens {
  const asked = new Map<string, { at: number; token: Promise<AccessToken | null> }>();
  let closed = false;
  const fresh: TokenCredential = {
    async getToken(scopes, options) {
      if (closed) throw new Fault('sign-in-failed', 'You have signed out of Azure.', { wayOut: 'Sign in to Azure.' });
      return credential.getToken(scopes, options);
    },
  };
  return {
    fresh,
    forget: () => asked.clear(),
    close() {
      closed = true;
      asked.clear();
    },
    open() {
      closed = false;
    },
    getToken(scopes, options = {}) {
      if (options.claims) return fresh.getToken(scopes, options);
      const now = clock.boot();
      for (const [key, { at }] of asked) if (now - at >= hold) asked.delete(key);
      const key = JSON.stringify([scopes, options.tenantId]);
      const before = asked.get(key);
      if (before) return unless(options.abortSignal, before.token);
      // The signal of one caller must not fail the others.
      const { abortSignal: _, ...shared } = options;
      const entry = { at: now, token: fresh.getToken(scopes, shared) };
      asked.set(key, entry);
      entry.token.catch(() => asked.get(key) === entry && asked.delete(key));
      return unless(options.abortSignal, entry.token);
    },
  };
}

function unless<T>(signal: GetTokenOptions['abortSignal'], asked: Promise<T>): Promise<T> {
  if (!signal) return asked;
  return new Promise((resolve, reject) => {
    const stop = () => reject('reason' in signal ? signal.reason : new Error('Nobody waits for this token any more'));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop);
    asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
