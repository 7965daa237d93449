import { azureApproving } from '../cloud/azure/approving.ts';
import { engineerCredential } from '../cloud/azure/engineer-credential.ts';
import { azureProvider } from '../cloud/azure/provider.ts';
import { azureSelfService } from '../cloud/azure/self-service.ts';
import { type AzureSettings, scopeOfTokens } from '../cloud/azure/settings.ts';
import { sharedTokens } from '../cloud/azure/shared-tokens.ts';
import type { Clock } from '../protocol/clock.ts';
import type { AzureParts } from './parts.ts';
import { HandedOverSession } from './sign-in/session.ts';

/** Azure as the engineer sees it: VS Code's session when there is one, else the Azure CLI and its like. */
export function azureParts(settings: AzureSettings, clock: Clock): AzureParts {
  const session = new HandedOverSession(clock, () => tokens.forget());
  const { credential, by } = engineerCredential({ settings, session: () => session.current });
  const tokens = sharedTokens(credential, clock);
  return {
    provider: azureProvider(tokens, settings, clock),
    selfService: azureSelfService(tokens, settings, clock),
    approving: azureApproving(tokens, settings, clock),
    tokens,
    by,
    session,
    // VS Code signs in to Microsoft's public cloud; a sovereign or private one knows none of its sessions.
    sessionScopes: settings.authorityHost === undefined ? [scopeOfTokens(settings), ...tenant(settings)] : undefined,
  };
}

const tenant = ({ tenantId }: AzureSettings): string[] => (tenantId === undefined ? [] : [`VSCODE_TENANT:${tenantId}`]);
