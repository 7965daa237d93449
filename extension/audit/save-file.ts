import * as vscode from 'vscode';
import type { ExportFile, ExportFormat } from './export.ts';
import { localSink, type Sink } from './local-sink.ts';

const FORMATS: readonly (vscode.QuickPickItem & { format: ExportFormat })[] = [
  {
    label: 'JSON lines',
    description: '.jsonl',
    detail: 'Every event as it is recorded, with its hashes: can be verified',
    format: 'jsonl',
  },
  { label: 'CSV', description: '.csv', detail: 'For a spreadsheet', format: 'csv' },
];

/** Asks for format and place, then shows the progress until the file is done. */
export async function askWhereToSave(): Promise<ExportFile | undefined> {
  const picked = await vscode.window.showQuickPick(FORMATS, { title: 'Export audit events', placeHolder: 'Format of the file' });
  if (!picked) return undefined;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const uri = await vscode.window.showSaveDialog({
    title: 'Export audit events',
    saveLabel: 'Export',
    filters: { [picked.label]: [picked.format] },
    ...(folder ? { defaultUri: vscode.Uri.joinPath(folder, `portcullis-audit.${picked.format}`) } : {}),
  });
  if (!uri) return undefined;
  const sink = uri.scheme === 'file' ? localSink(uri.fsPath) : remoteSink(uri);
  return withProgress(vscode.workspace.asRelativePath(uri), picked.format, sink);
}

/** Another file system takes a file only as a whole. */
function remoteSink(uri: vscode.Uri): Sink {
  const texts: string[] = [];
  return {
    append: async (text) => void texts.push(text),
    done: async () => vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(texts.join(''))),
    discard: async () => void texts.splice(0),
  };
}

function withProgress(name: string, format: ExportFormat, sink: Sink): ExportFile {
  const shown = Promise.withResolvers<void>();
  let report: (written: number, total: number) => void = () => undefined;
  let cancelled = false;
  const place = { location: vscode.ProgressLocation.Notification, title: 'Exporting audit events', cancellable: true };
  void vscode.window.withProgress(place, (progress, token) => {
    let before = 0;
    report = (written, total) => {
      const part = (written / Math.max(1, total)) * 100;
      progress.report({ message: `${written} of ${total}`, increment: Math.max(0, part - before) });
      before = part;
    };
    token.onCancellationRequested(() => {
      cancelled = true;
    });
    return shown.promise;
  });
  return {
    name,
    format,
    append: (text) => sink.append(text),
    done: () => sink.done().finally(shown.resolve),
    discard: () => sink.discard().finally(shown.resolve),
    progress: (written, total) => report(written, total),
    get cancelled() {
      return cancelled;
    },
  };
}
