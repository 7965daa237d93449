import { uptime } from 'node:os';
import { engineerCredential } from '../../../cloud/azure/engineer-credential.ts';
import { azureProvider } from '../../../cloud/azure/provider.ts';
import type { AzureSettings } from '../../../cloud/azure/settings.ts';
import { sharedTokens } from '../../../cloud/azure/shared-tokens.ts';
import { SECOND, systemClock } from '../../../protocol/clock.ts';
import { signal } from './stage.ts';

/** What a process of its own found: who it is, by which sign-in, and what Azure lets it read. */
export interface SignedIn {
  id: string;
  name: string;
  by: string;
  balancers: number;
}

/** Signs in with nothing but the environment of this process, and reads the inventory. The settings are its argument. */
async function signIn(settings: AzureSettings): Promise<SignedIn> {
  const clock = systemClock(() => uptime() * SECOND);
  const engineer = engineerCredential({ settings, session: () => undefined });
  const provider = azureProvider(sharedTokens(engineer.credential, clock), settings, clock);
  const { id, name } = await provider.access.whoAmI(signal());
  let balancers = 0;
  for await (const page of provider.inventory.list(signal())) balancers += page.balancers.length;
  return { id, name, by: engineer.by(), balancers };
}

process.stdout.write(JSON.stringify(await signIn(JSON.parse(process.argv[2] ?? '{}'))));
