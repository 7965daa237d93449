import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import manifest from '../../package.json' with { type: 'json' };
import { systemClock } from '../../protocol/clock.ts';
import { places } from '../../protocol/places.ts';
import { isAlive, readEntry } from '../door/entry-file.ts';
import { recordCrypto } from '../record/crypto.ts';
import { startDaemon } from '../spawn.ts';
import { isNewEnough } from '../start-checks.ts';
import type { CommandLine } from './command-line.ts';
import { linesOf } from './lines.ts';
import { newFile } from './new-file.ts';
import { runsAsDaemon, startAsDaemon } from './own-process.ts';
import { type Reach, reachDaemon, reachRunning } from './reach.ts';
import { run } from './run.ts';
import { runNode } from './run-node.ts';

const { env, stdout, stderr } = process;
const clock = systemClock(() => os.uptime() * 1_000);
const where = places({
  platform: process.platform,
  home: os.homedir(),
  runtimeDir: env['XDG_RUNTIME_DIR'],
  stateHome: env['XDG_STATE_HOME'],
  localAppData: env['LOCALAPPDATA'],
});

/** This file is `dist/portcullis.mjs` when bundled, `daemon/cli/main.ts` in the sources: the package is one or two folders above. */
const inPackage = (path: string): URL | undefined =>
  [new URL(`../${path}`, import.meta.url), new URL(`../../${path}`, import.meta.url)].find((url) => existsSync(url));

const entryScript = fileURLToPath(import.meta.url);

const reach: Reach = {
  clock,
  version: manifest.version,
  readEntry: () => readEntry(where.entryFile, process.geteuid?.(), isAlive),
  start: async () => startDaemon({ entryScript, node: process.execPath, env, places: where }),
  progress: (text) => void stderr.write(`${text}…\n`),
};

const centralBundle = new URL('./central.mjs', import.meta.url);
const demoScript = inPackage('scripts/demo.ts');

/** Set by NO_COLOR's own rule: present and not empty. */
const mayColour = (stream: { isTTY?: boolean }): boolean => stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';

const commandLine: CommandLine = {
  clock,
  version: reach.version,
  out: (text) => void stdout.write(text),
  // Also when the reader has gone, which `onInterrupt` tells.
  pour: (text) => new Promise((resolve) => void stdout.write(text, () => resolve())),
  err: (text) => void stderr.write(text),
  colour: { out: mayColour(stdout), err: mayColour(stderr) },
  zone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
  connect: () => reachDaemon(reach),
  connectIfRunning: () => reachRunning(reach),
  onInterrupt: (listener) => {
    process.once('SIGINT', listener);
    stdout.once('error', listener);
    return () => {
      process.off('SIGINT', listener);
      stdout.off('error', listener);
    };
  },
  newKey: randomUUID,
  crypto: recordCrypto,
  readFile: (file) => readFile(file, 'utf8'),
  readLines: linesOf,
  newFile,
  runDaemon: async ({ detached }) => {
    // A Node that is too old does not know the flags: it is told so. Whoever starts a daemon of the editor gives them.
    if (!detached && !runsAsDaemon(process.execArgv) && isNewEnough(process.versions.node)) return startAsDaemon(entryScript, process);
    const daemon = await import('../main.ts');
    return daemon.main({ detached, version: reach.version });
  },
  central: existsSync(centralBundle) ? async (argv) => (await import(centralBundle.href)).main(argv) : undefined,
  demo: demoScript ? () => runNode([fileURLToPath(demoScript)]) : undefined,
};

// A reader that has gone (`| head`) is no failure; whatever is awaited for it ends.
stdout.on('error', () => {});
const status = await run(process.argv.slice(2), commandLine);
// Everything is said and done: what is still open somewhere must not keep a terminal or a script waiting.
for (const stream of [stdout, stderr]) await new Promise<void>((resolve) => void stream.write('', () => resolve()));
process.exit(status);
