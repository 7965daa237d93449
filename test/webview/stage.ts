import { mkdirSync, readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { ExportFile } from '../../extension/audit/export.ts';
import { auditHtml } from '../../extension/audit/html.ts';
import { type AuditSource, type PagePort, PanelPage } from '../../extension/audit/page.ts';
import type { AuditEvent } from '../../protocol/audit.ts';
import { systemClock } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { PanelContact } from '../../protocol/panel.ts';
import type { DaemonState } from '../../protocol/state.ts';
import { ROOT } from '../../scripts/root.ts';
import { recordOf } from '../support/audit-events.ts';
import { THEMES } from './themes.ts';

const ORIGIN = 'http://panel.test';
const NONCE = 'r4nd0m';

/** The built page in a real browser under its real content security policy, with the extension's real side over a record in memory. */
export interface Panel {
  page: Page;
  side: PanelPage;
  events: AuditEvent[];
  /** Records one more event, as a daemon would tell it. */
  record(event: AuditEvent): void;
  contact(contact: PanelContact): void;
  state: Pick<DaemonState, 'grants' | 'requests' | 'central'>;
  /** Questions to the daemon so far, by time of the page's own clock. */
  asked: { method: string; at: number }[];
  /** What the page did that its policy forbids, and every error on its console. */
  complaints(): Promise<string[]>;
  screenshot(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface PanelOptions {
  dist: string;
  events: AuditEvent[];
  theme?: keyof typeof THEMES;
  viewport?: { width: number; height: number };
  saved?: unknown;
  state?: Partial<DaemonState>;
  /** The daemon answers only after this. */
  gate?: Promise<void>;
  contact?: PanelContact;
  file?: ExportFile;
  reducedMotion?: boolean;
}

export async function openPanel(browser: Browser, options: PanelOptions): Promise<Panel> {
  const context = await browser.newContext({
    viewport: options.viewport ?? { width: 1280, height: 760 },
    reducedMotion: options.reducedMotion ? 'reduce' : 'no-preference',
  });
  const page = await context.newPage();
  const heard = new Set<(message: unknown) => void>();
  const audits = new Set<(event: AuditEvent) => void>();
  const contacts = new Set<(contact: PanelContact) => void>();
  const asked: Panel['asked'] = [];
  const noise: string[] = [];
  const record = recordOf(options.events);
  let now: PanelContact = options.contact ?? { state: 'connected' };
  const state: Pick<DaemonState, 'grants' | 'requests' | 'central'> = {
    grants: {},
    requests: {},
    central: { state: 'connected', since: 0 },
    ...options.state,
  };

  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') noise.push(message.text());
  });
  page.on('pageerror', (error) => noise.push(String(error)));
  await page.exposeBinding('toExtension', (_, message: unknown) => {
    for (const listener of heard) listener(message);
  });
  await page.addInitScript(EDITOR, { theme: THEMES[options.theme ?? 'dark'], saved: options.saved });
  await page.route(`${ORIGIN}/**`, (route) => {
    const name = new URL(route.request().url()).pathname.slice(1);
    if (name === '') return route.fulfill({ contentType: 'text/html', body: htmlOf() });
    if (name !== 'audit.js' && name !== 'audit.css') return route.abort();
    return route.fulfill({
      contentType: name.endsWith('js') ? 'text/javascript' : 'text/css',
      body: readFileSync(path.join(options.dist, 'webview', name)),
    });
  });

  const port: PagePort = {
    post: (message) => void page.evaluate(POST, message).catch(() => undefined),
    onMessage: (listener) => add(heard, listener),
    visible: () => true,
    onHidden: () => () => undefined,
  };
  const source: AuditSource = {
    ask: async (method, params) => {
      asked.push({ method, at: performance.now() });
      await options.gate;
      if (now.state === 'lost') throw new Fault('timed-out', 'The daemon cannot be reached');
      return record(method, params);
    },
    onAudit: (listener) => add(audits, listener),
    onContact(listener) {
      listener(now);
      return add(contacts, listener);
    },
    onState: () => () => undefined,
    state: () => state as DaemonState,
    clock: systemClock(() => uptime() * 1_000),
    version: '0.1.0',
    report: (error) => noise.push(`reported: ${error}`),
  };
  const side = new PanelPage(port, source, async () => options.file);
  await page.goto(`${ORIGIN}/`);

  return {
    page,
    side,
    events: options.events,
    asked,
    state,
    record(event) {
      options.events.push(event);
      for (const listener of audits) listener(event);
    },
    contact(contact) {
      now = contact;
      for (const listener of contacts) listener(contact);
    },
    complaints: async () => [...noise, ...(await page.evaluate<string[]>('window.violations'))],
    async screenshot(name) {
      const folder = path.join(ROOT, 'out', 'screenshots');
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: path.join(folder, `audit-${name}.png`) });
    },
    async close() {
      side.close();
      await context.close();
    },
  };
}

const htmlOf = () => auditHtml({ cspSource: ORIGIN, script: `${ORIGIN}/audit.js`, style: `${ORIGIN}/audit.css`, nonce: NONCE });

function add<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

const POST = new Function('sent', `window.postMessage(sent, '*')`) as (sent: unknown) => void;

/** What the editor puts into a webview before its page runs. Text, because it runs in the browser. */
const EDITOR = new Function(
  'given',
  `
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) => {
    window.violations.push(event.effectiveDirective + ' ' + event.blockedURI + ' ' + event.sample);
  });
  let state = given.saved;
  window.acquireVsCodeApi = () => ({
    postMessage: (message) => window.toExtension(message),
    getState: () => state,
    setState: (next) => { state = next; window.kept = next; },
  });
  for (const [name, value] of Object.entries(given.theme.variables)) document.documentElement?.style.setProperty('--vscode-' + name, value);
  document.addEventListener('DOMContentLoaded', () => {
    for (const [name, value] of Object.entries(given.theme.variables)) document.documentElement.style.setProperty('--vscode-' + name, value);
    document.body.className = given.theme.kind;
    document.body.dataset.vscodeThemeKind = given.theme.kind;
  });
`,
) as (given: unknown) => void;
