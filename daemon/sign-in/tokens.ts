import { Fault } from '../../protocol/fault.ts';
import type { Tokens } from '../central/http.ts';

/** What is used of a cloud SDK's credential. */
export interface Credential {
  getToken(
    scopes: string | string[],
    options?: { abortSignal?: AbortSignal },
  ): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}

/** Those of whoever uses this machine, as `cloud/azure/shared-tokens.ts` has them. */
export interface PersonalTokens {
  readonly fresh: Credential;
  /** Holds none of them any more. */
  forget(): void;
  /** Gives none from now on. */
  close(): void;
  open(): void;
}

/** Tokens for central from the Azure identity. The credential itself caches what may be cached. */
export function azureTokens(credential: Credential, scope: string): Tokens {
  return {
    async token(_fresh, signal) {
      try {
        const got = await credential.getToken(scope, { abortSignal: signal });
        if (got) return got.token;
      } catch (cause) {
        if (cause instanceof Fault) throw cause;
        throw refused(cause);
      }
      throw refused(undefined);
    },
  };
}

function refused(cause: unknown): Fault {
  return new Fault('sign-in-failed', 'No token for central from your Azure identity', {
    cause,
    wayOut: 'Sign in to Azure again, and check central.azureScope in the enrolment file.',
  });
}
