// Finds, installs where that is possible without asking, and starts a Chromium-like browser for the tests.
import path from 'node:path';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { hasApt, installFromApt } from './apt.ts';
import { runnable } from './runnable.ts';

export interface Machine {
  platform: string;
  env: NodeJS.ProcessEnv;
  runnable(file: string): boolean;
}

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge', 'microsoft-edge-stable'];
const MAC_APPS = ['Google Chrome', 'Chromium', 'Microsoft Edge'];
const WINDOWS_PROGRAMS = [
  'Google\\Chrome\\Application\\chrome.exe',
  'Microsoft\\Edge\\Application\\msedge.exe',
  'Chromium\\Application\\chrome.exe',
];

const here: Machine = { platform: process.platform, env: process.env, runnable };

/** The browser named by `CHROMIUM`, else an installed Chromium, Chrome or Edge; undefined when there is none. */
export function findBrowser(machine: Machine = here): string | undefined {
  const { env } = machine;
  if (env['CHROMIUM']) {
    if (machine.runnable(env['CHROMIUM'])) return env['CHROMIUM'];
    throw new Error(`CHROMIUM names ${env['CHROMIUM']}, which is not a program that can be run`);
  }
  return candidates(machine).find((file) => machine.runnable(file));
}

function candidates({ platform, env }: Machine): string[] {
  if (platform === 'darwin') {
    const homes = ['/Applications', `${env['HOME']}/Applications`];
    return homes.flatMap((home) => MAC_APPS.map((app) => `${home}/${app}.app/Contents/MacOS/${app}`));
  }
  if (platform === 'win32') {
    const roots = [env['PROGRAMFILES'], env['PROGRAMFILES(X86)'], env['LOCALAPPDATA']].filter((root) => root !== undefined);
    return roots.flatMap((root) => WINDOWS_PROGRAMS.map((program) => `${root}\\${program}`));
  }
  const folders = (env['PATH'] ?? '').split(':').filter(Boolean);
  return folders.flatMap((folder) => NAMES.map((name) => `${folder}/${name}`)).concat(NAMES.map((name) => `/usr/bin/${name}`));
}

/**
 * A browser to test with, installed from apt when there is none and this is root on Debian.
 * @throws Error that says what is missing and how to get it.
 */
export function ensureBrowser(log: (line: string) => void): string {
  const found = findBrowser();
  if (found) return found;
  installFromApt('chromium', log);
  const installed = findBrowser();
  if (installed) return installed;
  throw new Error(missing());
}

const missing = () =>
  [
    'The tests in the browser need Chromium, Google Chrome or Microsoft Edge, and none was found.',
    hasApt() ? 'Install it as root: apt-get install chromium' : 'Install one of them',
    'or name one: CHROMIUM=/path/to/chrome npm test',
  ].join('\n  ');

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Headless, with the clipboard allowed and 1280 × 800 pixels unless told. Close it in the end. */
export async function launchBrowser(
  options: { executablePath?: string | undefined; viewport?: { width: number; height: number } | undefined } = {},
): Promise<{ browser: Browser; context: BrowserContext }> {
  const executablePath = options.executablePath ?? findBrowser();
  if (!executablePath) throw new Error(missing());
  const browser = await chromium.launch({ executablePath, headless: true, args: ARGS });
  const context = await browser.newContext({
    viewport: options.viewport ?? { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  return { browser, context };
}

if (import.meta.main) process.stdout.write(`${path.resolve(ensureBrowser((line) => process.stderr.write(`${line}\n`)))}\n`);
