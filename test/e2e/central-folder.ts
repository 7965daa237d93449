import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../../scripts/host/port.ts';
import { type App, CENTRAL_APP } from '../clouds/azure/estate.ts';
import type { AzureCloud } from '../clouds/azure/start.ts';
import type { Certificates } from '../clouds/certificates.ts';
import type { Identity } from '../identity/provider.ts';
import { CentralProcess, type HowToRun } from './central-process.ts';

/** One person as central's directory file lists them. */
export interface Listed {
  id: string;
  name: string;
  email: string;
  azureObjectId: string;
  groups: readonly string[];
}

export interface CentralParts {
  /** Configuration, keys and store; made when it is not there. */
  place: string;
  log: string;
  azure: AzureCloud;
  /** Who central is for Azure; the only central of the tenant unless told. */
  app?: App | undefined;
  identity: Identity;
  /** Of central's own HTTPS, by the authority that also signed the identity provider's. */
  certificates: Certificates;
  audience: string;
  people: readonly Listed[];
  policyDir: string;
  /** How the simulated Azure is set: `propagation` and `shortestHold` as central's configuration has them. */
  lags: { propagation: string; shortestHold: string };
  /** Further fields of central's configuration. */
  more?: Record<string, unknown>;
  run?: HowToRun | undefined;
}

/** Writes what central needs into a folder, with a port that is free now. Nothing is started. */
export async function centralIn(parts: CentralParts): Promise<CentralProcess & { caFile: string }> {
  const { place, log, azure, app = CENTRAL_APP, identity, certificates, audience, people, policyDir, lags, more, run } = parts;
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const write = (name: string, content: string) => {
    const file = path.join(place, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  const caFile = write('ca.pem', identity.ca);
  const port = await freePort();
  const configuration = {
    listen: { port, certFile: write('cert.pem', certificates.cert), keyFile: write('key.pem', certificates.key) },
    storeFile: 'central.db',
    issuer: identity.issuer,
    issuerCaFile: caFile,
    audience,
    clientId: identity.clientId,
    resourceIndicator: true,
    directory: { kind: 'file', file: write('directory.json', JSON.stringify({ people }, null, 2)) },
    policyDir,
    azure: {
      resourceManagerEndpoint: azure.endpoint,
      authorityHost: azure.authorityHost,
      caFile: azure.caFile,
      ...lags,
      credential: {
        kind: 'client-secret',
        tenantId: azure.tenantId,
        clientId: app.clientId,
        secretFile: write('secret', app.clientSecret),
      },
    },
    ...more,
  };
  const config = write('central.json', JSON.stringify(configuration, null, 2));
  const central = new CentralProcess({ url: `https://127.0.0.1:${port}`, ca: identity.ca, config, log, run });
  return Object.assign(central, { caFile });
}
