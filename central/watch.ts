import { watch } from 'node:fs';
import type { Cancel, Clock } from '../protocol/clock.ts';

/** Editors write a file in several steps. */
const QUIET = 200;

/** Calls `changed` once when something in a folder was changed and nothing more came for a moment. Returns what ends it. */
export function watchFolder(dir: string, clock: Clock, changed: () => void): Cancel {
  let wait: Cancel = () => {};
  const watcher = watch(dir, { recursive: true, persistent: false }, () => {
    wait();
    wait = clock.after(QUIET, changed);
  });
  // A folder that vanishes ends the watching; what was read from it stays.
  watcher.on('error', () => watcher.close());
  return () => {
    wait();
    watcher.close();
  };
}
