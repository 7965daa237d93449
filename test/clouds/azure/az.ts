import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AzProfile, AzSource } from './az-profile.ts';
import type { AzureCloud } from './start.ts';

export type { AzProfile, AzSource };

const MANAGEMENT = ['https://management.azure.com', 'https://management.core.windows.net'];

/**
 * The profile of a person who has signed in to the simulated Azure.
 * @param others Tokens for further resources, each from an OpenID provider: by resource as `--resource` names it.
 */
export function azProfile(cloud: AzureCloud, oid: string, others: Record<string, AzSource> = {}): AzProfile {
  const person = cloud.world.directory.get(oid);
  if (!person) throw new Error(`Nobody in the simulated tenant has the object id ${oid}`);
  const source = (resource: string): AzSource => ({
    tokenEndpoint: `${cloud.authorityHost}/${cloud.tenantId}/oauth2/v2.0/token`,
    // The public client id of the real Azure CLI.
    clientId: '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
    refreshToken: cloud.entra.signIn(oid),
    caFile: cloud.caFile,
    scope: `${resource}/.default`,
  });
  return {
    tenantId: cloud.tenantId,
    subscription: cloud.world.estate.subscriptions[0]?.id ?? '',
    user: person.upn ?? person.name,
    sources: { ...Object.fromEntries(MANAGEMENT.map((resource) => [resource, source(resource)])), ...others },
  };
}

/**
 * Writes an executable `az` into `dir` that answers for one person, and keeps the profile beside it.
 * A profile without sources is one that nobody is signed in to.
 * @returns The path of the executable.
 */
export function writeAz(dir: string, profile: AzProfile): string {
  const profileFile = path.join(dir, 'az-profile.json');
  writeFileSync(profileFile, JSON.stringify(profile, undefined, 2), { mode: 0o600 });
  const command = fileURLToPath(new URL('az-command.ts', import.meta.url));
  const az = path.join(dir, 'az');
  // Editors put their own Node settings into the environment; they are not for this program.
  const script = `#!/bin/sh\nunset NODE_OPTIONS ELECTRON_RUN_AS_NODE\nexec ${[process.execPath, command, profileFile].map(quoted).join(' ')} "$@"\n`;
  writeFileSync(az, script, { mode: 0o755 });
  return az;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
