import * as vscode from 'vscode';
import type { ExportFormat } from '../../protocol/record-export.ts';
import type { ExportFile } from './export.ts';
import { localSink, type Sink } from './local-sink.ts';

const FORMATS: readonly (vscode.QuickPickItem & { format: ExportFormat; ending: string })[] = [
  {
    label: 'JSON lines',
    description: '.jsonl',
    detail: 'Every event as it is recorded, with its hashes: can be verified',
    format: 'jsonl',
    ending: 'jsonl',
  },
  { label: 'CSV', description: '.csv', detail: 'For a spreadsheet', format: 'csv', ending: 'csv' },
  {
    label: 'OCSF',
    description: '.ocsf.jsonl',
    detail: 'For systems that watch security: one event of the Open Cybersecurity Schema Framework 1.8.0 in each line',
    format: 'ocsf',
    ending: 'ocsf.jsonl',
  },
];

/** Asks for format and place, then shows the progress until the file is done. */
export async function askWhereToSave(): Promise<ExportFile | undefined> {
  const picked = await vscode.window.showQuickPick(FORMATS, { title: 'Export audit events', placeHolder: 'Format of the file' });
  if (!picked) return undefined;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const uri = await vscode.window.showSaveDialog({
    title: 'Export audit events',
    saveLabel: 'Export',
    filters: { [picked.label]: [picked.ending] },
    ...(folder ? { defaultUri: vscode.Uri.joinPath(folder, `portcullis-audit.${picked.ending}`) } : {}),
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
  let report: (part: number) => void = () => undefined;
  let cancelled = false;
  const place = { location: vscode.ProgressLocation.Notification, title: 'Exporting audit events', cancellable: true };
  void vscode.window.withProgress(place, (progress, token) => {
    let before = 0;
    report = (part) => {
      const percent = Math.floor(part * 100);
      if (percent <= before) return;
      progress.report({ message: `${percent} %`, increment: percent - before });
      before = percent;
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
    progress: (part) => report(part),
    get cancelled() {
      return cancelled;
    },
  };
}
