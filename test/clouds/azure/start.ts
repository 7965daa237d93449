import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import path from 'node:path';
import type { TokenCredential } from '@azure/identity';
import { type Clock, SECOND, systemClock } from '../../../protocol/clock.ts';
import { makeCertificates } from '../certificates.ts';
import { AZURE_LIMITS, type Limits, ResourceManager } from './arm.ts';
import { contextsOf, Entra } from './entra.ts';
import type { Estate } from './estate.ts';
import { kind, type Timing } from './timing.ts';
import { listen } from './tls-server.ts';
import { makeKeys, Tokens } from './tokens.ts';
import { makeWorld, type World } from './world.ts';

export interface AzureOptions {
  clock: Clock;
  estate: Estate;
  /** Over `kind`, in which nothing lags. Kept in `world.timing`, where a test may change it. */
  timing?: Partial<Timing> | undefined;
  limits?: Partial<Limits> | undefined;
  /** Any free port when left out. */
  port?: number | undefined;
  /** Stands in each token that this cloud issues, so that a test can look for where tokens get to. */
  canary?: (() => string) | undefined;
}

export interface AzureCloud {
  /** Resource Manager, Resource Graph and PIM. */
  endpoint: string;
  /** Microsoft Entra. */
  authorityHost: string;
  tenantId: string;
  /** PEM of the authority that signed the server's certificate, and the same as a file. */
  ca: string;
  caFile: string;
  world: World;
  entra: Entra;
  /** A credential of a person (object id) or application (client id), without HTTP. Every token is a fresh one. */
  credential(personOrAppId: string): TokenCredential;
  close(): Promise<void>;
}

/** Starts the simulated Azure on localhost over HTTPS. */
export async function startAzure(options: AzureOptions): Promise<AzureCloud> {
  const timing = { ...kind, ...options.timing };
  const limits = { ...AZURE_LIMITS, ...options.limits };
  const world = makeWorld(options.clock, options.estate, timing, limits.assignmentLimit);
  const { tenantId } = options.estate;
  const tokens = new Tokens({ ...world, tenantId, canary: options.canary }, await makeKeys());
  const entra = new Entra(world.directory, tokens, options.canary);
  const manager = new ResourceManager(world, tokens, limits);
  const certificates = await makeCertificates();
  const server = await listen(certificates, options.port ?? 0, async (incoming) => {
    const base = `https://${incoming.headers['host'] ?? 'localhost'}`;
    return (await entra.answer(incoming, base)) ?? manager.answer(incoming, base);
  });
  const dir = mkdtempSync(path.join(tmpdir(), 'pc-az-'));
  const caFile = path.join(dir, 'ca.pem');
  writeFileSync(caFile, certificates.ca, { mode: 0o600 });
  const endpoint = `https://localhost:${server.port}`;
  return {
    endpoint,
    authorityHost: endpoint,
    tenantId,
    ca: certificates.ca,
    caFile,
    world,
    entra,
    credential: (id) => credentialOf(world, tokens, id),
    close: async () => {
      await server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function credentialOf(world: World, tokens: Tokens, id: string): TokenCredential {
  const principal = world.directory.get(id) ?? world.directory.app(id);
  if (!principal) throw new Error(`Nobody in the simulated tenant has the id ${id}`);
  const own = systemClock(() => uptime() * SECOND);
  return {
    getToken: async (scopes, options) => {
      const [scope = 'https://management.azure.com/.default'] = [scopes].flat();
      const { token, expiresIn } = await tokens.mint(principal, scope.replace(/\/+\.default$/, ''), contextsOf(options?.claims));
      // A client library judges by its own clock, which is never the simulated one.
      return { token, expiresOnTimestamp: own.now() + expiresIn * SECOND };
    },
  };
}
