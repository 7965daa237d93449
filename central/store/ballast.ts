import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs';

const SIZE = 128 * 1_024;

/**
 * A file beside the store that only takes up space. When the disk is full it is deleted, so that the ends of what was
 * granted can still be recorded. While it is gone nothing else is written.
 */
export class Ballast {
  readonly #file: string;
  #isSpent: boolean;

  constructor(file: string) {
    this.#file = file;
    this.#isSpent = !this.restore();
  }

  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** @returns False when there was none any more. */
  spend(): boolean {
    if (this.#isSpent) return false;
    this.#isSpent = true;
    return this.#remove();
  }

  /** Makes it again when there is room. @returns Whether it is there now. */
  restore(): boolean {
    if (this.#isThere()) return this.#done(true);
    try {
      const fd = openSync(this.#file, 'w', 0o600);
      try {
        // Noise, so that no file system makes it smaller than it is.
        writeSync(fd, randomBytes(SIZE));
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    } catch {
      // No room yet: half of it would only take some of what is left.
      this.#remove();
    }
    return this.#done(this.#isThere());
  }

  #done(there: boolean): boolean {
    this.#isSpent = !there;
    return there;
  }

  #isThere(): boolean {
    return statSync(this.#file, { throwIfNoEntry: false })?.size === SIZE;
  }

  #remove(): boolean {
    try {
      unlinkSync(this.#file);
      return true;
    } catch {
      return false;
    }
  }
}
