// Starts code-server: VS Code's workbench in a browser, its server and its extension host.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './port.ts';

const START_LIMIT = 30_000;
const STOP_LIMIT = 5_000;
const POLL = 50;

/** Written before the start: no welcome tab, chat bar, trust banner or update check. */
export const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'workbench.reduceMotion': 'on',
  'chat.disableAIFeatures': true,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'git.enabled': false,
  'git.openRepositoryInParentFolders': 'never',
  'window.confirmBeforeClose': 'never',
  'remote.autoForwardPorts': false,
} as const;

export interface ServerOptions {
  /** From `installHost()`. */
  codeServer: string;
  /** Short: Unix socket paths inside it hold about 100 bytes. */
  userDataDir: string;
  extensionsDir: string;
  /** Node for the server and the extension host; this process's own by default. */
  node?: string | undefined;
  port?: number | undefined;
  settings?: Record<string, unknown> | undefined;
  args?: string[] | undefined;
  /** Added to, and winning over, the environment of this process; instead of it without `inherit`. */
  env?: NodeJS.ProcessEnv | undefined;
  inherit?: boolean | undefined;
  logFile?: string | undefined;
}

export interface Server {
  base: string;
  /** Leads the process group that holds every child of the server. */
  child: ChildProcess;
  stop(): Promise<void>;
}

export async function startServer(options: ServerOptions): Promise<Server> {
  const port = options.port ?? (await freePort());
  const child = launch(options, port);
  const base = `http://127.0.0.1:${port}`;
  let gone = false;
  const exit = new Promise<void>((resolve) => {
    const over = () => {
      gone = true;
      resolve();
    };
    child.once('exit', over).once('error', over);
  });

  const stop = async () => {
    signalGroup(child, 'SIGTERM');
    const kill = setTimeout(() => signalGroup(child, 'SIGKILL'), STOP_LIMIT);
    await exit;
    clearTimeout(kill);
    // The leader may go before its children.
    signalGroup(child, 'SIGKILL');
  };

  const end = performance.now() + START_LIMIT;
  while (!(await healthy(base))) {
    if (gone) throw new Error(`code-server ended with ${child.exitCode ?? child.signalCode}${hint(options)}`);
    if (performance.now() > end) {
      await stop();
      throw new Error(`code-server did not start within ${START_LIMIT / 1_000} s${hint(options)}`);
    }
    await wait(POLL);
  }
  return { base, child, stop };
}

const hint = (options: ServerOptions) => (options.logFile ? `: see ${options.logFile}` : '');

function launch(options: ServerOptions, port: number): ChildProcess {
  const { codeServer, userDataDir, extensionsDir } = options;
  writeSettings(userDataDir, options.settings);
  mkdirSync(extensionsDir, { recursive: true });
  const output = options.logFile ? openSync(options.logFile, 'w') : 'ignore';
  const child = spawn(
    options.node ?? process.execPath,
    [codeServer, '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, ...folders(options), ...QUIET, ...(options.args ?? [])],
    // A group of its own, so that stop() reaches every child.
    {
      stdio: ['ignore', output, output],
      env: { ...(options.inherit === false ? {} : cleanEnvironment(process.env)), ...options.env },
      detached: true,
    },
  );
  if (typeof output === 'number') closeSync(output);
  return child;
}

const QUIET = ['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust', '--disable-getting-started-override'];

/** The folders' flags, for the server as for `--install-extension`. */
export function folders({ userDataDir, extensionsDir }: Pick<ServerOptions, 'userDataDir' | 'extensionsDir'>): string[] {
  const config = path.join(userDataDir, 'code-server.yaml');
  return ['--user-data-dir', userDataDir, '--extensions-dir', extensionsDir, '--config', config];
}

function writeSettings(userDataDir: string, settings: Record<string, unknown> = {}): void {
  // Settings of a machine are read from there alone.
  for (const [name, content] of Object.entries({ User: { ...SETTINGS, ...settings }, Machine: settings })) {
    const folder = path.join(userDataDir, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'settings.json'), JSON.stringify(content, null, 2));
  }
  writeFileSync(path.join(userDataDir, 'code-server.yaml'), '');
}

/** A run may itself be started from VS Code or npm: their variables must not reach the editor. */
export function cleanEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign = /^(VSCODE_|ELECTRON_|NODE_|CODE_SERVER_|npm_|INIT_CWD$|PORT$|PASSWORD$)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name)));
}

async function healthy(base: string): Promise<boolean> {
  try {
    const response = await fetch(`${base}/healthz`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Already gone.
  }
}
