import v8 from 'node:v8';
import type { Millis } from '../../../protocol/clock.ts';

/** Settles every promise that can be, at once: a turn of the event loop for each of a thousand million steps would take days. */
const settle = microtaskCheckpoint();

interface Entry {
  at: number;
  run: (() => void) | undefined;
}

/** The true time of one life, which no clock in it shows, and what happens when. */
export class Timeline {
  #now: Millis = 0;
  /** A binary heap by `at`, written out because all of a life goes through it. */
  readonly #heap: Entry[] = [];

  /** Milliseconds since the life began. */
  get now(): Millis {
    return this.#now;
  }

  /** @returns What undoes it. */
  after(delay: Millis, run: () => void): () => void {
    const entry: Entry = { at: this.#now + (delay > 0 ? delay : 0), run };
    this.#push(entry);
    return () => {
      entry.run = undefined;
    };
  }

  /** Lets time pass, event by event; after each one everything that it set off has settled. */
  pass(until: Millis, afterEach: () => void): void {
    settle();
    for (let next = this.#heap[0]; next && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      if (!next.run) continue;
      if (next.at > this.#now) this.#now = next.at;
      next.run();
      settle();
      afterEach();
    }
    this.#now = Math.max(this.#now, until);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry;
      if (above.at <= entry.at) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    const size = heap.length;
    if (size === 0) return;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && (heap[child + 1] as Entry).at < (heap[child] as Entry).at) child += 1;
      const below = heap[child] as Entry;
      if (below.at >= last.at) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

/** V8's own, which Node uses between callbacks. It does nothing when called from inside a promise job. */
function microtaskCheckpoint(): () => void {
  v8.setFlagsFromString('--allow-natives-syntax');
  try {
    return new Function('%PerformMicrotaskCheckpoint()') as () => void;
  } finally {
    v8.setFlagsFromString('--no-allow-natives-syntax');
  }
}
