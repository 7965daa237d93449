import { open } from 'node:fs/promises';
import { EventEmitter, type TextDocumentContentProvider, Uri, window, workspace } from 'vscode';

export const LOG_SCHEME = 'portcullis-log';
const SHOWN_AT_MOST = 1_024 * 1_024;

/** The end of the daemon's log as a read-only document, read again each time it is asked for. */
export class DaemonLog implements TextDocumentContentProvider {
  readonly #file: string;
  readonly #changed = new EventEmitter<Uri>();

  constructor(file: string) {
    this.#file = file;
  }

  get onDidChange() {
    return this.#changed.event;
  }

  async show(): Promise<void> {
    const uri = Uri.from({ scheme: LOG_SCHEME, path: '/Portcullis daemon.log' });
    this.#changed.fire(uri);
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
  }

  async provideTextDocumentContent(): Promise<string> {
    try {
      return await tail(this.#file);
    } catch {
      return `There is no log yet. It will be in ${this.#file}\n`;
    }
  }

  dispose(): void {
    this.#changed.dispose();
  }
}

async function tail(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - SHOWN_AT_MOST);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size, SHOWN_AT_MOST)), 0, Math.min(size, SHOWN_AT_MOST), from);
    const text = buffer.toString('utf8', 0, bytesRead);
    // The first line may have lost its beginning.
    return from > 0 ? text.slice(text.indexOf('\n') + 1) : text;
  } finally {
    await handle.close();
  }
}
