import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Millis, SECOND } from '../../../protocol/clock.ts';
import { findFaketime, missingFaketime } from '../../../scripts/faketime.ts';

/** Why no clock can be moved here; undefined when it can. Linux without the library is a failure of its own, not a reason to skip. */
export const noMovedClocks = process.platform === 'linux' ? undefined : 'libfaketime moves clocks on Linux only';

/**
 * The wall clock of one process, moved while it runs. Its monotonic clock and the boot clock go on as they are, so that to
 * the process it looks as if somebody had set the time.
 */
export class Wall {
  readonly env: Record<string, string>;
  readonly #file: string;

  constructor(folder: string, name: string) {
    const library = findFaketime();
    if (!library) throw new Error(missingFaketime());
    this.#file = path.join(folder, `${name}.wall`);
    this.set(0);
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    };
  }

  /** Sets it so far ahead of the real one; behind when negative. */
  set(ahead: Millis): void {
    const next = `${this.#file}.next`;
    writeFileSync(next, `${ahead < 0 ? '' : '+'}${ahead / SECOND}\n`);
    renameSync(next, this.#file);
  }
}
