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
export interface PersonalTokens extends Credential {
  /** Holds none of them any more. */
  forget(): void;
  /** Gives none from now on. */
  close(): void;
  open(): void;
}

/** Tokens for central from the Azure identity: held for a moment, for the Azure CLI starts a process for each. */
export function azureTokens(tokens: Pick<PersonalTokens, 'getToken' | 'forget'>, scope: string): Tokens {
  return {
    async token(fresh, signal) {
      if (fresh) tokens.forget();
      try {
        const got = await tokens.getToken(scope, { abortSignal: signal });
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
