import { EventEmitter, type TextDocumentContentProvider, Uri, window, workspace } from 'vscode';
import type { Cancel, Clock } from '../../protocol/clock.ts';
import type { ElevationRequest } from '../../protocol/model.ts';
import { requestDocument, whatIsAsked } from '../approvals/text.ts';
import type { Store } from '../store.ts';
import type { TimeWords } from '../words/time.ts';

export const REQUEST_SCHEME = 'portcullis-request';

/** A request as a read-only document that follows what becomes of it. */
export class RequestDocuments implements TextDocumentContentProvider {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #time: TimeWords;
  readonly #changed = new EventEmitter<Uri>();
  readonly #cancelChange: Cancel;
  /** What was last known of a request that is forgotten by now. */
  readonly #texts = new Map<string, string>();

  constructor(store: Store, clock: Clock, time: TimeWords) {
    this.#store = store;
    this.#clock = clock;
    this.#time = time;
    this.#cancelChange = store.onChange((after, before) => {
      if (after.state?.requests === before.state?.requests) return;
      for (const { uri } of workspace.textDocuments) if (uri.scheme === REQUEST_SCHEME) this.#changed.fire(uri);
    });
  }

  get onDidChange() {
    return this.#changed.event;
  }

  async open(request: ElevationRequest): Promise<void> {
    const name = whatIsAsked(request).replace(/[^\p{L}\p{N} ._-]/gu, ' ');
    const uri = Uri.from({
      scheme: REQUEST_SCHEME,
      path: `/${request.requester.name.replace(/[^\p{L}\p{N} ._-]/gu, ' ')}: ${name}`,
      query: request.id,
    });
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
  }

  provideTextDocumentContent({ query }: Uri): string {
    const request = this.#store.view.state?.requests[query];
    if (request) this.#texts.set(query, requestDocument(request, this.#clock.now(), this.#time));
    return this.#texts.get(query) ?? 'This request is over, and nothing more is known of it here. The audit panel has its story.\n';
  }

  dispose(): void {
    this.#cancelChange();
    this.#changed.dispose();
  }
}
