import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { parseArgs } from 'node:util';
import { type Logger, pino } from 'pino';
import { azureGranting } from '../cloud/azure/granting.ts';
import { grantingCredential } from '../cloud/azure/granting-credential.ts';
import { azureProvider } from '../cloud/azure/provider.ts';
import type { AzureSettings } from '../cloud/azure/settings.ts';
import { sharedTokens } from '../cloud/azure/shared-tokens.ts';
import manifest from '../package.json' with { type: 'json' };
import { bootId, SECOND, systemClock } from '../protocol/clock.ts';
import { Fault } from '../protocol/fault.ts';
import { type Configuration, readConfiguration, readNamed } from './configuration/configuration.ts';
import { troubleIn } from './log.ts';
import { ClaimsDirectory, FileDirectory } from './people/directory.ts';
import { catalogueTree } from './policy/catalogue.ts';
import { policyCommand } from './policy/command.ts';
import { type AnchorSettings, type CentralParts, startCentral } from './serve.ts';

const USAGE = 'Usage: central --config FILE\n       policy check|test DIR [--json]\n       policy explain DIR CASE [--json]\n';
const EXIT = { done: 0, bug: 1, usage: 2 } as const;

/** Central as a process. Ends with SIGTERM or SIGINT, or at once for `policy`. @returns The exit status. */
export async function main(argv: string[]): Promise<number> {
  const out = (text: string) => void process.stdout.write(text);
  const error = (text: string) => void process.stderr.write(text);
  if (argv[0] === 'policy') return policyCommand(argv.slice(1), catalogueTree('azure'), { out, error });
  const file = configFile(argv);
  if (file === undefined) {
    error(USAGE);
    return EXIT.usage;
  }
  // stderr, so that stdout stays for what a command answers; redaction for what should never get here at all.
  const logger = pino({ base: { process: 'central' }, redact: ['*.authorization', '*.cookie', '*.dpop', '*.secret'] }, pino.destination(2));
  const trouble = troubleIn(logger);
  const stray = (bug: unknown) => trouble(bug, 'nobody caught it');
  // A bug ends one request, not the process: the ends of what was granted hang on it.
  process.on('unhandledRejection', stray).on('uncaughtException', stray);
  try {
    const parts = await partsOf(await readConfiguration(file), logger);
    const stopped = toldToStop().then(() => true);
    for (let done = false; !done; ) {
      const central = await startCentral(parts);
      logger.info({ url: central.url }, 'listening');
      done = await Promise.race([stopped, central.storeLost.then(() => false)]);
      if (!done) logger.error('the store is no good any more: central starts again');
      await central.close().catch((error: unknown) => {
        if (done) throw error;
        trouble(error, 'closing with a store that is no good');
      });
    }
    logger.info('stopped');
    return EXIT.done;
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    error(`${cause.message}\n${cause.wayOut ? `${cause.wayOut}\n` : ''}`);
    return cause.code === 'configuration-invalid' ? EXIT.usage : EXIT.bug;
  } finally {
    process.off('unhandledRejection', stray).off('uncaughtException', stray);
  }
}

async function partsOf(configuration: Configuration, logger: Logger): Promise<CentralParts> {
  const { listen, issuerCaFile, azure, directory: people, record, ...settings } = configuration;
  const clock = systemClock(() => uptime() * SECOND);
  const azureSettings: AzureSettings = {
    resourceManagerEndpoint: azure.resourceManagerEndpoint,
    authorityHost: azure.authorityHost,
    audience: azure.audience,
    tenantId: azure.credential.tenantId,
    propagation: azure.propagation,
    shortestHold: azure.shortestHold,
    ca: azure.caFile && (await readNamed('azure.caFile', azure.caFile)),
  };
  const tokens = sharedTokens(grantingCredential(await credentialOf(azure.credential), azureSettings), clock);
  const fromFile = people.kind === 'file' ? people.file : undefined;
  return {
    settings: {
      ...settings,
      listen: {
        host: listen.host,
        port: listen.port,
        cert: await readNamed('listen.certFile', listen.certFile),
        key: await readNamed('listen.keyFile', listen.keyFile),
      },
      issuerCa: issuerCaFile && (await readNamed('issuerCaFile', issuerCaFile)),
      record: record && { ...record, anchors: await Promise.all((record.anchors ?? []).map(anchorSettings)) },
      version: manifest.version,
    },
    clock,
    provider: azureProvider(tokens, azureSettings, clock),
    granting: azureGranting(tokens, azureSettings, clock),
    directory: people.kind === 'file' ? new FileDirectory(people.file, settings.issuer) : new ClaimsDirectory(people),
    directoryFile: fromFile,
    roles: catalogueTree('azure'),
    logger,
    bootId: bootId((path) => readFileSync(path, 'utf8')),
    random: Math.random,
  };
}

type AnchorEntry = NonNullable<NonNullable<Configuration['record']>['anchors']>[number];

async function anchorSettings(anchor: AnchorEntry): Promise<AnchorSettings> {
  if (anchor.kind === 'file') return anchor;
  const { kind, url, caFile } = anchor;
  return { kind, url, ca: caFile && (await readNamed('record.anchors.caFile', caFile)) };
}

async function credentialOf(credential: Configuration['azure']['credential']): Promise<Parameters<typeof grantingCredential>[0]> {
  if (credential.kind === 'default') return { kind: 'default' };
  const { tenantId, clientId, secretFile } = credential;
  return { kind: 'client-secret', tenantId, clientId, secret: (await readNamed('azure.credential.secretFile', secretFile)).trim() };
}

function configFile(argv: string[]): string | undefined {
  try {
    return parseArgs({ args: argv, options: { config: { type: 'string' } } }).values.config;
  } catch {
    return undefined;
  }
}

const toldToStop = (): Promise<void> =>
  new Promise((resolve) => {
    const stop = () => {
      process.off('SIGTERM', stop).off('SIGINT', stop);
      resolve();
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
  });

if (import.meta.main) {
  process.exitCode = await main(process.argv.slice(2));
}
