interface Collector {
  /** Where Node was started with `--expose-gc`, as a daemon is. */
  gc?: (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;
}

/**
 * Collects at once what nobody holds any more and gives its pages back: libraries take a token only as a text, which no one
 * can wipe. Takes a tenth of a second, in which nothing else happens.
 */
export function sweepMemory(): void {
  (globalThis as Collector).gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
