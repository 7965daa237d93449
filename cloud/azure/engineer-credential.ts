import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/identity';
import type { Instant } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { identityOptions } from './identity-options.ts';
import { type AzureSettings, scopeOfTokens } from './settings.ts';

export interface EngineerCredentialOptions {
  settings: AzureSettings;
  /** VS Code's Microsoft session while it is valid. */
  session: () => { token: string; expiresAt: Instant } | undefined;
}

export interface EngineerCredential {
  credential: TokenCredential;
  /**
   * What the last token for a scope came from: `VS Code`, `Azure CLI`, `default credential`; `not signed in` before there was one.
   * @param scope Resource Manager's unless told.
   */
  by(scope?: string): string;
}

/**
 * The person's own sign-in: VS Code's session, else the Azure CLI, else whatever `@azure/identity` finds. Where a session
 * is at hand no other is tried for Azure: it may be somebody else. The session was given for Azure and serves nothing else;
 * who a token for another scope is about, its receiver says.
 */
export function engineerCredential({ settings, session }: EngineerCredentialOptions): EngineerCredential {
  const { tenantId } = settings;
  const forAzure = scopeOfTokens(settings);
  const sources = new Map<string, string>();

  async function getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken | null> {
    const from = async (name: string, token: Promise<AccessToken | null>): Promise<AccessToken | null> => {
      const access = await token;
      if (access) sources.set(keyOf(scopes), name);
      return access;
    };
    const held = [scopes].flat().every((scope) => audienceOf(scope) === audienceOf(forAzure)) ? session() : undefined;
    if (held) {
      if (options?.claims) throw strongerInVsCode();
      return from('VS Code', Promise.resolve({ token: held.token, expiresOnTimestamp: held.expiresAt }));
    }
    const { AzureCliCredential, CredentialUnavailableError, DefaultAzureCredential } = await import('@azure/identity');
    const tenant = tenantId === undefined ? {} : { tenantId };
    try {
      return await from('Azure CLI', new AzureCliCredential(tenant).getToken(scopes, options));
    } catch (error) {
      // With claims the CLI answers with the command that meets them: that is the way out, not another identity.
      if (!(error instanceof CredentialUnavailableError) || options?.claims) throw error;
    }
    const credential = new DefaultAzureCredential({ ...identityOptions(settings), ...tenant });
    return from('default credential', credential.getToken(scopes, options));
  }

  return {
    credential: {
      async getToken(scopes, options) {
        try {
          return await getToken(scopes, options);
        } catch (error) {
          sources.delete(keyOf(scopes));
          throw error;
        }
      },
    },
    by: (scope = forAzure) => sources.get(scope) ?? 'not signed in',
  };
}

const keyOf = (scopes: string | string[]): string => [scopes].flat().join(' ');

/** What a scope is for, without the right that it names: `https://management.azure.com`. */
const audienceOf = (scope: string): string => scope.replace(/\/[^/]*$/, '').replace(/\/+$/, '');

const strongerInVsCode = (): Fault =>
  new Fault('sign-in-failed', 'Azure wants a stronger sign-in for this role.', {
    wayOut: 'Sign out of your Microsoft account in VS Code, sign in again, and confirm the extra step.',
  });
