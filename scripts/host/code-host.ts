#!/usr/bin/env node
// Takes the place of the desktop `code` executable for @vscode/test-electron: runs code-server and a headless browser,
// loads the extension under development, runs extensionTestsPath in the extension host, and ends with its exit code.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { format } from 'node:util';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from '../browser.ts';
import { installHost } from './install.ts';
import { type Server, startServer } from './server.ts';

interface Arguments {
  options: Map<string, string>;
  developmentPaths: string[];
  open: string | undefined;
}

const limit = Number(process.env['CODE_HOST_TIMEOUT_MS'] ?? 300_000);
const logsDir = process.env['CODE_HOST_LOGS'];
const verbose = Boolean(process.env['CODE_HOST_VERBOSE']);
/** Put by the test runner before its own lines, so that they can be told from the workbench's log. */
const outputMark = `\u0001${randomBytes(6).toString('hex')}\u0001`;

const scratch = mkdtempSync(path.join(tmpdir(), 'ch-'));
const resultFile = path.join(scratch, 'result.json');
const args = parseArguments(process.argv.slice(2));
let server: Server | undefined;
let browser: Browser | undefined;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void cleanup().finally(() => process.exit(130));
  });
}

process.exitCode = await run()
  .catch((error: unknown) => {
    complain(error instanceof Error ? error.message : String(error));
    return 1;
  })
  .finally(cleanup);

async function run(): Promise<number> {
  server = await startServer({
    codeServer: process.env['CODE_SERVER_ENTRY'] ?? installHost(),
    userDataDir: args.options.get('user-data-dir') ?? path.join(scratch, 'ud'),
    extensionsDir: args.options.get('extensions-dir') ?? path.join(scratch, 'ext'),
    logFile: path.join(logsDir ?? scratch, 'code-server.log'),
    // Without this a built VS Code ignores extensionDevelopmentPath and extensionTestsPath in the payload of the address.
    args: ['--vscode-option', 'enable-smoke-test-driver'],
    env: { TEST_OUTPUT_MARK: outputMark, TEST_RESULT_FILE: resultFile },
  });
  const launched = await launchBrowser();
  browser = launched.browser;
  const page = await launched.context.newPage();
  const exit = exitOf(launched.context, page, server);
  await page.goto(workbenchUrl(server.base));
  const code = await exit.catch(async (error) => {
    if (logsDir) await page.screenshot({ path: path.join(logsDir, 'code-host-failure.png') }).catch(() => {});
    throw error;
  });
  return code === 0 && args.options.has('extensionTestsPath') ? believed() : code;
}

function parseArguments(argv: string[]): Arguments {
  const parsed: Arguments = { options: new Map(), developmentPaths: [], open: undefined };
  for (const argument of argv) {
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(argument);
    if (!match?.[1]) parsed.open ??= argument;
    else if (match[1] === 'extensionDevelopmentPath') parsed.developmentPaths.push(match[2] ?? '');
    else parsed.options.set(match[1], match[2] ?? '');
  }
  return parsed;
}

/** The exit code that the workbench reports; rejects when no report can come any more. */
function exitOf(context: BrowserContext, page: Page, running: Server): Promise<number> {
  const exit = new Promise<number>((resolve, reject) => {
    void context.exposeBinding('codeAutomationLog', (_source, type: string, parts: unknown[]) => printLogLine(type, parts));
    void context.exposeBinding('codeAutomationExit', (_source, code: number, files?: LogFile[]) => {
      saveLogFiles(files ?? []);
      resolve(code);
    });
    page.once('crash', () => reject(new Error('the browser page crashed')));
    running.child.once('exit', (code) => reject(new Error(`code-server ended with ${code}`)));
    setTimeout(() => reject(new Error(`no result after ${limit} ms`)), limit).unref();
  });
  exit.catch(() => {}); // It may fail before anybody waits for it.
  return exit;
}

function printLogLine(type: string, parts: unknown[]): void {
  const text = typeof parts?.[0] === 'string' ? format(...parts) : JSON.stringify(parts);
  if (text.startsWith(outputMark)) process.stdout.write(`${text.slice(outputMark.length)}\n`);
  else if (verbose) process.stderr.write(`[${type}] ${text.slice(0, 2_000)}\n`);
}

interface LogFile {
  relativePath: string;
  contents: string;
}

function saveLogFiles(files: LogFile[]): void {
  if (!logsDir) return;
  for (const file of files) {
    const target = path.join(logsDir, path.basename(file.relativePath));
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, file.contents);
  }
}

function workbenchUrl(base: string): string {
  const { host } = new URL(base);
  const remote = (file: string) => `vscode-remote://${host}${path.resolve(file)}`;
  const payload = args.developmentPaths.map((dir) => ['extensionDevelopmentPath', remote(dir)]);
  payload.push(['skipWelcome', 'true'], ['enableProposedApi', '']);
  const tests = args.options.get('extensionTestsPath');
  if (tests) payload.push(['extensionTestsPath', remote(tests)]);
  if (args.options.has('disable-extensions')) payload.push(['disableExtensions', 'true']);
  const query = new URLSearchParams();
  if (args.open) query.set(args.open.endsWith('.code-workspace') ? 'workspace' : 'folder', path.resolve(args.open));
  else query.set('ew', 'true');
  query.set('payload', JSON.stringify(payload));
  return `${base}/?${query}`;
}

/** A killed extension host is reported as exit code 0: it counts only with a result file that shows passing tests. */
function believed(): number {
  try {
    const result = JSON.parse(readFileSync(resultFile, 'utf8')) as { passes?: number; failures?: number };
    if (result.failures === 0 && (result.passes ?? 0) > 0) return 0;
  } catch {
    // Missing or unreadable: not believed.
  }
  complain('exit code 0, but no result with passing tests');
  return 1;
}

function complain(message: string): void {
  process.stderr.write(`code-host: ${message}\n`);
}

async function cleanup(): Promise<void> {
  await browser?.close().catch(() => {});
  await server?.stop().catch(() => {});
  rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
}
