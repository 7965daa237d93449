import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { AUDIT_PANEL } from '../../extension/audit/panel.ts';
import type { HostMessage, PageMessage } from '../../protocol/panel.ts';
import { until } from '../support/until.ts';

/** A panel of the extension with its real page, whose post between the two is read, and written for a click that no test can make. */
export interface WatchedPage {
  /** From the page to the extension. */
  heard: PageMessage[];
  /** From the extension to the page. */
  told: HostMessage[];
  /** As if the page had said it. */
  say(message: PageMessage): void;
}

/** Watches the audit panels that are opened from now on. The extension sees the same `vscode` as its tests do. */
export function watchPanels(): { opened: WatchedPage[]; restore(): void } {
  const real = vscode.window.createWebviewPanel;
  const opened: WatchedPage[] = [];
  vscode.window.createWebviewPanel = ((...parameters: Parameters<typeof real>) => {
    const panel = real(...parameters);
    if (parameters[0] === AUDIT_PANEL) opened.push(watched(panel));
    return panel;
  }) as typeof real;
  return {
    opened,
    restore() {
      vscode.window.createWebviewPanel = real;
    },
  };
}

function watched({ webview }: vscode.WebviewPanel): WatchedPage {
  const listeners = new Set<(message: unknown) => unknown>();
  const page: WatchedPage = {
    heard: [],
    told: [],
    say: (message) => {
      for (const listener of listeners) listener(message);
    },
  };
  const listen = webview.onDidReceiveMessage;
  const post = webview.postMessage.bind(webview);
  Object.defineProperties(webview, {
    onDidReceiveMessage: {
      value: (listener: (message: unknown) => unknown) => {
        listeners.add(listener);
        return listen((message: PageMessage) => {
          page.heard.push(message);
          return listener(message);
        });
      },
    },
    postMessage: {
      value: (message: HostMessage) => {
        page.told.push(message);
        return post(message);
      },
    },
  });
  return page;
}

let asked = 1_000_000;

/**
 * *Export* on the page, with the person's answers to both questions.
 * @returns What was written.
 */
export async function exportThroughPage(page: WatchedPage, { format, file }: { format: string; file: string }): Promise<string> {
  const { showQuickPick, showSaveDialog } = vscode.window;
  const id = ++asked;
  Object.assign(vscode.window, {
    showQuickPick: async (items: readonly vscode.QuickPickItem[]) => items.find(({ label }) => label === format),
    showSaveDialog: async () => vscode.Uri.file(file),
  });
  try {
    page.say({ type: 'ask', id, ask: 'export', params: { filter: {} } });
    await until('the export', () => page.told.some((message) => message.type === 'answer' && message.id === id));
    return readFileSync(file, 'utf8');
  } finally {
    Object.assign(vscode.window, { showQuickPick, showSaveDialog });
  }
}
