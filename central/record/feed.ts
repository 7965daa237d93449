import type { FeedItem } from '../../protocol/central-api.ts';
import type { Actor } from '../people/actor.ts';
import type { Store } from '../store/store.ts';
import type { Views } from '../views.ts';

const BATCH = 200;

/** Where items go. `write` resolves when there is room for more. */
export interface FeedSink {
  write(seq: number, item: FeedItem): Promise<void>;
  /** The record cannot be read: nobody should go on believing that nothing happens. */
  failed(error: unknown): void;
}

/** One person's view of the record as it grows: reads on from a sequence number whenever a commit says that there is more. */
export class Feed {
  readonly #store: Store;
  readonly #views: Views;
  readonly #actor: () => Actor;
  readonly #sink: FeedSink;
  readonly #stop: () => void;
  #after: number;
  #reading: Promise<void> | undefined;
  #more = true;
  #closed = false;

  constructor(parts: { store: Store; views: Views }, actor: () => Actor, after: number, sink: FeedSink) {
    this.#store = parts.store;
    this.#views = parts.views;
    this.#actor = actor;
    this.#after = after;
    this.#sink = sink;
    this.#stop = this.#store.onAppended(() => this.wake());
  }

  /** There may be more to read. */
  wake(): void {
    this.#more = true;
    if (this.#reading || this.#closed) return;
    this.#reading = this.#read()
      .catch((error: unknown) => {
        this.close();
        this.#sink.failed(error);
      })
      .finally(() => {
        this.#reading = undefined;
        // A commit may have come while the last read was ending.
        if (this.#more && !this.#closed) this.wake();
      });
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  async #read(): Promise<void> {
    while (this.#more && !this.#closed) {
      this.#more = false;
      const events = await this.#store.events(this.#after, BATCH);
      const actor = this.#actor();
      const seesAll = this.#views.seesAll(actor);
      for (const event of events) {
        const item = await this.#views.item(actor, event, this.#store, seesAll);
        if (this.#closed) return;
        if (item) await this.#sink.write(event.seq, item);
        this.#after = event.seq;
      }
      if (events.length === BATCH) this.#more = true;
    }
  }
}
