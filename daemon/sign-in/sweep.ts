interface Collector {
  /** Where Node was started with `--expose-gc`, as a daemon is. */
  gc?: (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;
}

/**
 * Collects at once what nobody holds any more and gives its pages back: libraries take a token only as a text, which no one
 * can wipe. Everything else stands still meanwhile, so it is for the moment of a sign-out.
 */
export function sweepMemory(): void {
  (globalThis as Collector).gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
