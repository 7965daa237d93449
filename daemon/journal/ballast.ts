import { randomBytes } from 'node:crypto';
import { rmSync, statSync, writeFileSync } from 'node:fs';

/** Room on the disk that is kept for ends. */
export interface Ballast {
  /** Takes the room back, where it is free. @throws an error of the file system when it is not. */
  keep(): void;
  /** Gives the room away. @returns False when it was given away before. */
  drop(): boolean;
}

/** Room for the log of about sixteen ends: then it is written over. */
const SIZE = 128 * 1_024;

/** A file beside the journal: it is deleted when the disk is full, so that ends can still be written. */
export function ballastFile(file: string): Ballast {
  const stands = () => statSync(file, { throwIfNoEntry: false })?.size === SIZE;
  return {
    keep() {
      if (stands()) return;
      try {
        // Random, so that no file system stores it in less.
        writeFileSync(file, randomBytes(SIZE), { mode: 0o600, flush: true });
      } catch (error) {
        rmSync(file, { force: true });
        throw error;
      }
    },
    drop() {
      if (!stands()) return false;
      rmSync(file, { force: true });
      return true;
    },
  };
}
