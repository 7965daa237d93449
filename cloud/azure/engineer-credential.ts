import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/identity';
import type { Instant } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { identityOptions } from './identity-options.ts';
import type { AzureSettings } from './settings.ts';

export interface EngineerCredentialOptions {
  settings: AzureSettings;
  /** VS Code's Microsoft session while it is valid. */
  session: () => { token: string; expiresAt: Instant } | undefined;
}

export interface EngineerCredential {
  credential: TokenCredential;
  /** What the last token came from: `VS Code`, `Azure CLI`, `default credential`; `not signed in` before there was one. */
  by(): string;
}

/**
 * The person's own sign-in: VS Code's session, else the Azure CLI, else whatever `@azure/identity` finds. Where a session
 * is at hand no other is tried: it may be somebody else.
 */
export function engineerCredential({ settings, session }: EngineerCredentialOptions): EngineerCredential {
  const { tenantId } = settings;
  let source = 'not signed in';
  const from = async (name: string, token: Promise<AccessToken | null>): Promise<AccessToken | null> => {
    const access = await token;
    if (access) source = name;
    return access;
  };

  async function getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken | null> {
    const held = session();
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
          source = 'not signed in';
          throw error;
        }
      },
    },
    by: () => source,
  };
}

const strongerInVsCode = (): Fault =>
  new Fault('sign-in-failed', 'Azure wants a stronger sign-in for this role.', {
    wayOut: 'Sign out of your Microsoft account in VS Code, sign in again, and confirm the extra step.',
  });
