// Puts code-server (VS Code's workbench, server and extension host) into the user's cache. A complete folder is reused.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';
import { ROOT, seconds, stopwatch } from '../root.ts';

const ENTRY = 'node_modules/code-server/out/node/entry.js';

/** Where code-server lives, or would live, for this lockfile, platform and Node ABI. `VSCODE_HOST_CACHE` moves the cache. */
function hostFolder(): string {
  const lockfile = readFileSync(path.join(ROOT, 'host/package-lock.json'));
  const lock = createHash('sha256').update(lockfile).digest('hex').slice(0, 12);
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  const base = process.env['VSCODE_HOST_CACHE'] ?? path.join(cache, 'portcullis-vscode-host');
  return path.join(base, `${lock}-${process.platform}-${process.arch}-node${process.versions.modules}`);
}

/** Installs when needed (about half a minute, 620 MB) and returns code-server's entry file. */
export function installHost(log: (line: string) => void = (line) => process.stderr.write(`${line}\n`)): string {
  const folder = hostFolder();
  if (complete(folder)) return path.join(folder, ENTRY);
  if (Number(process.versions.node.split('.')[0]) !== 24) throw new Error(`code-server needs Node 24, this is ${process.version}`);
  if (process.platform === 'win32') throw new Error('code-server does not install on Windows: use desktop VS Code (VSCODE_EXECUTABLE)');

  log('Installing VS Code for the browser (code-server) into the cache, once…');
  const timer = stopwatch();
  // Built in a private folder and renamed at the end: a broken install is never mistaken for a good one.
  const build = `${folder}.tmp-${process.pid}`;
  rmSync(build, { recursive: true, force: true });
  mkdirSync(build, { recursive: true });
  try {
    fill(build, log);
    writeFileSync(path.join(build, '.complete'), '');
    publish(build, folder);
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
  log(`  installed in ${seconds(timer())}`);
  return path.join(folder, ENTRY);
}

function fill(build: string, log: (line: string) => void): void {
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(path.join(ROOT, 'host', file), path.join(build, file));
  const env = npmEnvironment();
  const vscode = path.join(build, 'node_modules/code-server/lib/vscode');
  npm(build, env, 'ci');
  // Not `npm ci`: the npm-shrinkwrap.json that code-server ships is out of step with its package.json.
  npm(vscode, env, 'install', '--omit=dev');
  npm(path.join(vscode, 'extensions'), env, 'install', '--omit=dev');
  // The only native module worth building: without it there are no log files and Output channels stay empty.
  try {
    npm(vscode, { ...env, npm_config_ignore_scripts: 'false', npm_config_nodedir: nodeHeaders() }, 'rebuild', '@vscode/spdlog');
  } catch {
    log('  no C++ compiler here, so Output channels stay empty in this editor; all else works');
  }
}

function npm(cwd: string, env: NodeJS.ProcessEnv, ...args: string[]): void {
  try {
    execFileSync('npm', args, { cwd, env, stdio: 'pipe' });
  } catch (cause) {
    const stderr = String((cause as { stderr?: Buffer }).stderr ?? '');
    throw new Error(`npm ${args.join(' ')} failed:\n${stderr.split('\n').slice(-25).join('\n')}`, { cause });
  }
}

/** The inner npm runs must not inherit the outer run's package, prefix or scripts settings. */
function npmEnvironment(): NodeJS.ProcessEnv {
  const outer = /^npm_(package|lifecycle)|^npm_config_(prefix|local_prefix|global_prefix)$|^INIT_CWD$/i;
  const kept = Object.entries(process.env).filter(([name]) => !outer.test(name));
  return { ...Object.fromEntries(kept), npm_config_ignore_scripts: 'true', npm_config_audit: 'false', npm_config_fund: 'false' };
}

/** The npm package of Node ships include/node, so that no header download is needed. */
function nodeHeaders(): string {
  const resolve = createRequire(path.join(ROOT, 'package.json')).resolve;
  return path.dirname(resolve(`node-${process.platform}-${process.arch}/package.json`));
}

function publish(build: string, folder: string): void {
  if (!complete(folder)) rmSync(folder, { recursive: true, force: true });
  try {
    renameSync(build, folder);
  } catch (cause) {
    // Somebody else was faster: theirs is as good.
    if (!complete(folder)) throw cause;
  }
}

const complete = (folder: string) => existsSync(path.join(folder, '.complete'));

if (import.meta.main) process.stdout.write(`${installHost()}\n`);
