import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import path from 'node:path';
import { openWire } from '../../../daemon/cli/wire.ts';
import { isAlive, readEntry } from '../../../daemon/door/entry-file.ts';
import { hmac, nonce, same } from '../../../daemon/door/secrets.ts';
import { type Client, connect } from '../../../protocol/client.ts';
import { SECOND, systemClock } from '../../../protocol/clock.ts';
import type { EntryFile } from '../../../protocol/door.ts';
import { type Places, places } from '../../../protocol/places.ts';
import { DAEMON_FLAGS, daemonEnvironment } from '../../../protocol/spawn.ts';
import type { HowToRun } from '../../e2e/central-process.ts';
import { PORTCULLIS } from '../../support/built.ts';
import { until } from '../../support/until.ts';
import { endWith, hasEnded, spawnTied } from './brood.ts';
import { type Ran, runCli } from './cli.ts';
import { AUDIENCE, type Engineer, type EnrollableCentral, PROPAGATION_SECONDS, type Town } from './town.ts';

const START_LIMIT = 20_000;
const clock = systemClock(() => uptime() * SECOND);

export interface DaemonOptions {
  town: Town;
  who: Engineer;
  /** Of its home in the town's folder. */
  name: string;
  /** Who decides: Entra PIM unless told. */
  central?: EnrollableCentral | undefined;
  /** Its state folder, when it is not in the home. */
  stateHome?: string | undefined;
  run?: HowToRun | undefined;
}

/** One person's daemon, as people run it: the built bundle in a process of its own. It can be killed and started again. */
export class DaemonProcess {
  readonly home: string;
  readonly places: Places;
  readonly log: string;
  readonly #env: Record<string, string>;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(home: string, options: DaemonOptions) {
    const { stateHome, run = {} } = options;
    this.home = home;
    this.log = path.join(options.town.folder, `${options.name}.log`);
    const own = { HOME: home, PATH: `${path.join(home, 'bin')}:/usr/bin:/bin`, LANG: 'C.UTF-8' };
    this.#env = { ...daemonEnvironment({ ...own, XDG_STATE_HOME: stateHome }, process.platform), ...run.env };
    this.#flags = [...DAEMON_FLAGS, ...(run.flags ?? [])];
    this.places = places({ platform: process.platform, home, stateHome });
  }

  /** Makes the home: an enrolment for the simulated Azure, and an `az` that is signed in. */
  static async make(options: DaemonOptions): Promise<DaemonProcess> {
    const { town, who, name, central } = options;
    const home = path.join(town.folder, name);
    const daemon = new DaemonProcess(home, options);
    const { endpoint, authorityHost, caFile, tenantId } = town.azure;
    const azure = {
      ...{ resourceManagerEndpoint: endpoint, authorityHost, caFile, tenantId },
      ...{ propagationMinutes: PROPAGATION_SECONDS / 60, shortestHoldMinutes: 0 },
    };
    const bin = path.join(home, 'bin');
    for (const dir of [bin, path.dirname(daemon.places.enrolmentFile)]) mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(daemon.places.enrolmentFile, JSON.stringify({ azure, ...(central && { central: enrolmentOf(central) }) }), {
      mode: 0o600,
    });
    writeFileSync(path.join(bin, 'az'), await signedInAz(town, who), { mode: 0o755 });
    return daemon;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Undefined while it runs, or when a signal ended it. */
  get exitCode(): number | undefined {
    return this.#child?.exitCode ?? undefined;
  }

  /** Starts the process and does not wait for it. */
  launch(): void {
    const log = openSync(this.log, 'a');
    const args = [...this.#flags, PORTCULLIS, 'daemon'];
    this.#child = spawnTied(process.execPath, args, { cwd: '/', env: this.#env, stdio: ['ignore', log, log] });
    closeSync(log);
  }

  /** A client at its door, once it knows who the person is. @throws Error when it has ended, or does not answer in time. */
  async ready(kind: 'terminal' | 'editor' = 'terminal'): Promise<Client> {
    const child = this.#child;
    const uid = process.geteuid?.();
    const entry = await until(
      'the entry file',
      () => {
        if (!child || hasEnded(child)) throw new Error(`the daemon ended with ${child?.exitCode ?? child?.signalCode}: see ${this.log}`);
        const found = readEntry(this.places.entryFile, uid, isAlive);
        return found?.pid === child.pid ? found : undefined;
      },
      START_LIMIT,
    );
    return until('its door to open', () => through(entry, kind).catch(() => undefined), START_LIMIT);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child) await endWith(this.#child, signal);
  }

  /** Runs the command line for this person. */
  cli(...argv: string[]): Promise<Ran> {
    return runCli(argv, this.#env);
  }
}

const enrolmentOf = ({ url, caFile }: EnrollableCentral) => ({ url, caFile, signIn: 'azure', azureScope: `${AUDIENCE}/.default` });

/** Undefined when nobody listens. @throws Fault when it does not prove itself in time, as on a machine that has much to do. */
async function through(entry: EntryFile, kind: 'terminal' | 'editor'): Promise<Client | undefined> {
  const wire = await openWire(entry.socket, clock);
  return wire && connect({ wire, entry, clock, hmac, same, nonce, client: { name: 'harness', version: '1', kind } });
}

/** Answers with tokens for Azure and for central, issued now; a real one would cost a start of Node at each of ten thousand lives. */
async function signedInAz({ azure }: Town, { azureObjectId, token }: Engineer): Promise<string> {
  const issued = await azure.credential(azureObjectId).getToken('https://management.azure.com/.default');
  if (!issued) throw new Error('No token');
  const expires = Math.floor(issued.expiresOnTimestamp / SECOND);
  const expiresOn = new Date(expires * SECOND).toISOString().replace('T', ' ').replace('Z', '000');
  const account = { subscription: azure.world.estate.subscriptions[0]?.id, tenant: azure.tenantId, tokenType: 'Bearer' };
  const answer = (accessToken: string) => JSON.stringify({ accessToken, expiresOn, expires_on: expires, ...account });
  return `#!/bin/sh\ncase "$*" in\n*${AUDIENCE}*) echo '${answer(token)}' ;;\n*) echo '${answer(issued.token)}' ;;\nesac\n`;
}
