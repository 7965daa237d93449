import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { bootId, type Clock, MINUTE, systemClock } from '../protocol/clock.ts';
import { VERSIONS } from '../protocol/door.ts';
import { Fault } from '../protocol/fault.ts';
import { readNoteKey } from '../protocol/note.ts';
import { type Places, places } from '../protocol/places.ts';
import { DAEMON_EXIT } from '../protocol/spawn.ts';
import { azureParts } from './azure-parts.ts';
import { dispatcherFor } from './central/http.ts';
import { composeDaemon } from './compose.ts';
import { isAlive, readEntry, removeEntry, writeEntry } from './door/entry-file.ts';
import { privateFolder } from './door/folder.ts';
import { bytesOfHex } from './door/secrets.ts';
import { listen } from './door/server.ts';
import { authoritiesOf, type Enrolled, type Owners, readEnrolment, readTrusted } from './enrolment.ts';
import { readSeen, writeSeen } from './inventory/disk.ts';
import { ballastFile } from './journal/ballast.ts';
import { openJournal } from './journal/open.ts';
import { takeLock } from './lock.ts';
import { fileLog, type Log, ofError } from './log.ts';
import type { CentralTarget, Daemon } from './parts.ts';
import { recordCrypto } from './record/crypto.ts';
import { Secret } from './secret.ts';
import { checkMachine, keepOutOfCoreFiles } from './start-checks.ts';

export interface MainOptions {
  /** Started by an editor or the command line: silent, with the secret on descriptor 3. */
  detached: boolean;
  version: string;
}

/**
 * The daemon in the foreground, until it is told to stop, its last window has gone or nobody needs it.
 * @returns The exit status: 0, 1 for a bug, or one of `DAEMON_EXIT`.
 */
export async function main({ detached, version }: MainOptions): Promise<number> {
  const { env, platform } = process;
  // Whoever reads our words may have gone; the log has them too.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const say = (line: string) => void (detached || process.stderr.write(`${line}\n`));
  const uid = process.geteuid?.();
  if (uid !== undefined) process.umask(0o077);
  keepOutOfCoreFiles();
  // Darwin derives its uptime from the wall clock; there the monotonic clock counts sleep.
  const clock = systemClock(platform === 'darwin' ? () => Number(process.hrtime.bigint() / 1_000_000n) : () => os.uptime() * 1_000);
  const where = places({
    platform,
    home: os.homedir(),
    runtimeDir: env['XDG_RUNTIME_DIR'],
    stateHome: env['XDG_STATE_HOME'],
    localAppData: env['LOCALAPPDATA'],
  });
  let log: Log | undefined;
  try {
    await checkMachine(clock, process.versions.node, () => import('node:sqlite'));
    for (const folder of [where.stateDir, where.runDir]) privateFolder(folder, uid);
    const lock = takeLock(path.join(where.stateDir, 'daemon.lock'));
    if (!lock) {
      const winner = readEntry(where.entryFile, uid, isAlive);
      say(
        winner
          ? `A daemon of yours runs already: process ${winner.pid}, door ${winner.socket}`
          : 'A daemon of yours is starting or stopping already',
      );
      return DAEMON_EXIT.alreadyRunning;
    }
    try {
      log = fileLog(where.logFile, () => clock.now());
      const enrolled = readEnrolment(where, uid);
      await run({ clock, where, uid, log, enrolled, version, say, secret: detached ? readSecret() : Secret.of(randomBytes(32)) });
      return 0;
    } finally {
      lock.release();
    }
  } catch (error) {
    log?.error('ended', ofError(error));
    if (!(error instanceof Fault)) throw error;
    // Also when detached: whoever started it reads its last words.
    process.stderr.write(`${error.message}. ${error.wayOut ?? ''}`.trim().concat('\n'));
    return error.code === 'configuration-invalid' ? DAEMON_EXIT.badEnrolment : DAEMON_EXIT.cannotRunHere;
  }
}

interface Running {
  clock: Clock;
  where: Places;
  uid: number | undefined;
  log: Log;
  enrolled: Enrolled;
  version: string;
  secret: Secret;
  say(line: string): void;
}

async function run({ clock, where, uid, log, enrolled, version, secret, say }: Running): Promise<void> {
  const { enrolment } = enrolled;
  const pem = (file: string | undefined) => (file === undefined ? undefined : readAuthority(file, uid, enrolled.owners));
  const instance = randomUUID();
  const seenFile = path.join(where.stateDir, 'inventory.json');
  const central: CentralTarget | undefined = enrolment.central && {
    ...enrolment.central,
    recordKey: enrolment.central.recordKey === undefined ? undefined : readNoteKey(enrolment.central.recordKey, recordCrypto.sha256),
    dispatcher: dispatcherFor(pem(enrolment.central.caFile)),
  };
  const { azure } = enrolment;
  const minutes = (count: number | undefined) => (count === undefined ? undefined : count * MINUTE);
  const daemon = composeDaemon({
    instance,
    secret,
    version,
    pid: process.pid,
    bootId: bootId((file) => readFileSync(file, 'utf8')),
    authorities: authoritiesOf(enrolment),
    azure: azureParts(
      {
        resourceManagerEndpoint: azure?.resourceManagerEndpoint,
        authorityHost: azure?.authorityHost,
        ca: pem(azure?.caFile),
        audience: azure?.audience,
        tenantId: azure?.tenantId,
        propagation: minutes(azure?.propagationMinutes),
        shortestHold: minutes(azure?.shortestHoldMinutes),
      },
      clock,
    ),
    central,
    openJournal: (suspect) => openJournal(path.join(where.stateDir, 'journal.db'), clock.now(), suspect),
    ballast: ballastFile(path.join(where.stateDir, 'journal.ballast')),
    seen: { read: () => readSeen(seenFile), write: (seen) => writeSeen(seenFile, seen) },
    clock,
    random: Math.random,
    log,
    stateStands: standing(where.stateDir),
    say,
  });
  const socket =
    process.platform === 'win32' ? `\\\\.\\pipe\\portcullis-${randomBytes(16).toString('hex')}` : path.join(where.runDir, 'door.sock');
  // The lock is ours: whoever listened there before is dead.
  if (process.platform !== 'win32') rmSync(socket, { force: true });
  const server = await listen(socket, clock, (wire) => daemon.accept(wire), uid === undefined ? undefined : (mask) => process.umask(mask));
  const release = onSignals(daemon, log);
  try {
    daemon.start();
    writeEntry(
      where.entryFile,
      {
        schema: 1,
        instance,
        pid: process.pid,
        socket,
        version,
        versions: [...VERSIONS],
        startedAt: clock.now(),
      },
      secret,
    );
    log.info('started', { instance, pid: process.pid, version, path: enrolled.file ?? 'no enrolment file' });
    say(`The Portcullis daemon runs: process ${process.pid}, door ${socket}`);
    await daemon.stopped;
  } finally {
    release();
    removeEntry(where.entryFile, instance, uid);
    await server.close();
    if (process.platform !== 'win32') rmSync(socket, { force: true });
    await central?.dispatcher.destroy();
    log.info('stopped', { instance });
  }
}

/** Signals ask it to stop; a bug that nobody caught is written down, and ends one request rather than the process. */
function onSignals(daemon: Daemon, log: Log): () => void {
  const stop = () => void daemon.stop();
  let asked = false;
  // The second one means it: no waiting for a cloud that does not take something back yet.
  const stopOrLeave = () => {
    if (asked) daemon.leave();
    else stop();
    asked = true;
  };
  const bug = (error: unknown) => log.error('bug', ofError(error));
  process.on('SIGTERM', stopOrLeave).on('SIGINT', stopOrLeave).on('SIGHUP', stop);
  process.on('unhandledRejection', bug).on('uncaughtException', bug);
  return () => {
    process.off('SIGTERM', stopOrLeave).off('SIGINT', stopOrLeave).off('SIGHUP', stop);
    process.off('unhandledRejection', bug).off('uncaughtException', bug);
  };
}

/** Whether the folder is still the one of now: another one under its name belongs to another daemon. */
function standing(folder: string): () => boolean {
  const { dev, ino } = statSync(folder);
  return () => {
    const now = statSync(folder, { throwIfNoEntry: false });
    return now !== undefined && (process.platform === 'win32' || (now.dev === dev && now.ino === ino));
  };
}

function readAuthority(file: string, uid: number | undefined, owners: Owners): string {
  const text = readTrusted(file, uid, owners);
  if (text?.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new Fault('configuration-invalid', `${file}: the file ${text === undefined ? 'does not exist' : 'holds no PEM certificate'}`, {
    wayOut: 'Correct caFile in the enrolment file.',
    detail: 'caFile',
  });
}

function readSecret(): Secret {
  let read: Buffer | undefined;
  let cause: unknown;
  try {
    read = readFileSync(3);
    closeSync(3);
    const bytes = bytesOfHex(read);
    if (bytes) return Secret.of(bytes);
  } catch (error) {
    cause = error;
  } finally {
    read?.fill(0);
  }
  throw new Fault('not-supported-here', 'There is no secret on descriptor 3', {
    cause,
    wayOut: 'Run "portcullis daemon" without --detached.',
  });
}
