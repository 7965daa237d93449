import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { Cancel } from '../../protocol/clock.ts';
import type { GrantId } from '../../protocol/ids.ts';
import { auditHtml } from './html.ts';
import { type AuditSource, type PagePort, PanelPage } from './page.ts';
import { askWhereToSave } from './save-file.ts';

/** The editor's name for panels of this kind; also in the activation event `onWebviewPanel:portcullis.audit`. */
export const AUDIT_PANEL = 'portcullis.audit';

export interface AuditPanelDeps extends AuditSource {
  extensionUri: vscode.Uri;
}

export interface AuditPanel {
  /** Opens the panel, or brings it to the front; with a grant, shows that grant's story. */
  reveal(target?: { grantId?: GrantId | undefined }): void;
  /** Closes it. */
  dispose(): void;
}

/** At most one panel; it comes back after a reload of the window. */
export function createAuditPanel(deps: AuditPanelDeps): AuditPanel {
  let open: { panel: vscode.WebviewPanel; page: PanelPage } | undefined;

  const adopt = (panel: vscode.WebviewPanel) => {
    open?.panel.dispose();
    const page = new PanelPage(portOf(panel), deps, askWhereToSave);
    const adopted = { panel, page };
    open = adopted;
    panel.onDidDispose(() => {
      page.close();
      if (open === adopted) open = undefined;
    });
    panel.iconPath = new vscode.ThemeIcon('history');
    fill(panel, deps.extensionUri);
    return adopted;
  };

  const serializer = vscode.window.registerWebviewPanelSerializer(AUDIT_PANEL, {
    async deserializeWebviewPanel(panel) {
      panel.webview.options = optionsOf(deps.extensionUri);
      adopt(panel);
    },
  });

  return {
    reveal({ grantId } = {}) {
      const { panel, page } =
        open ?? adopt(vscode.window.createWebviewPanel(AUDIT_PANEL, 'Audit', vscode.ViewColumn.Active, optionsOf(deps.extensionUri)));
      panel.reveal();
      if (grantId) page.show(grantId);
    },
    dispose() {
      serializer.dispose();
      open?.panel.dispose();
    },
  };
}

const filesOf = (extensionUri: vscode.Uri) => vscode.Uri.joinPath(extensionUri, 'dist', 'webview');

const optionsOf = (extensionUri: vscode.Uri): vscode.WebviewOptions => ({
  enableScripts: true,
  enableForms: false,
  enableCommandUris: false,
  localResourceRoots: [filesOf(extensionUri)],
});

function fill({ webview }: vscode.WebviewPanel, extensionUri: vscode.Uri): void {
  const served = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(filesOf(extensionUri), name)).toString();
  const nonce = randomBytes(24).toString('base64url');
  webview.html = auditHtml({ cspSource: webview.cspSource, script: served('audit.js'), style: served('audit.css'), nonce });
}

function portOf(panel: vscode.WebviewPanel): PagePort {
  return {
    post: (message) => void panel.webview.postMessage(message),
    onMessage(listener): Cancel {
      const subscription = panel.webview.onDidReceiveMessage(listener);
      return () => subscription.dispose();
    },
    visible: () => panel.visible,
    onHidden(listener): Cancel {
      const subscription = panel.onDidChangeViewState(() => {
        if (!panel.visible) listener();
      });
      return () => subscription.dispose();
    },
  };
}
