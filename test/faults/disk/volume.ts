import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { scratch } from '../../support/scratch.ts';

const MIB = 1_024 * 1_024;
const FILLED_EVERY = 50;

const mount = (...args: string[]): void => void execFileSync('/bin/mount', args, { stdio: 'pipe' });

/** A tmpfs of one MiB that can be filled to the last byte. */
export class Volume {
  readonly dir: string;
  #filling: NodeJS.Timeout | undefined;

  constructor(dir: string) {
    this.dir = dir;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    mount('-t', 'tmpfs', '-o', `size=${MIB},mode=0700`, 'tmpfs', dir);
  }

  /** Takes all the room there is, and what is given up later too, until `empty`. */
  fill(): void {
    this.#take();
    this.#filling ??= setInterval(() => this.#take(), FILLED_EVERY);
  }

  #take(): void {
    const fd = openSync(this.#filler, 'a', 0o600);
    try {
      for (let size = 64 * 1_024; size >= 1; ) {
        try {
          writeSync(fd, Buffer.alloc(size, 'x'));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          size = Math.floor(size / 2);
        }
      }
    } finally {
      closeSync(fd);
    }
  }

  /** Gives back what `fill` took. */
  empty(): void {
    clearInterval(this.#filling);
    this.#filling = undefined;
    rmSync(this.#filler, { force: true });
  }

  /** In bytes. */
  get room(): number {
    const { bavail, bsize } = statfsSync(this.dir);
    return bavail * bsize;
  }

  /** Nobody may have a file open for writing. */
  readOnly(only: boolean): void {
    mount('-o', `remount,${only ? 'ro' : 'rw'}`, this.dir);
  }

  unmount(): void {
    clearInterval(this.#filling);
    execFileSync('/bin/umount', ['-l', this.dir], { stdio: 'pipe' });
  }

  get #filler(): string {
    return path.join(this.dir, 'filler');
  }
}

/** Why no volume can be mounted here; undefined when it can. A skipped test names it. */
export const noVolumes = whyNoVolumes();

function whyNoVolumes(): string | undefined {
  if (process.platform !== 'linux') return 'only Linux mounts a tmpfs';
  if (process.getuid?.() !== 0) return 'mounting needs root';
  const folder = mkdtempSync(path.join(tmpdir(), 'pc-'));
  try {
    new Volume(path.join(folder, 'probe')).unmount();
    return undefined;
  } catch (error) {
    return `this machine does not mount a tmpfs: ${(error as Error).message.trim()}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The folder of a volume for one test; undefined where none can be mounted. */
export function smallDisk(t: TestContext): string | undefined {
  if (noVolumes !== undefined) return undefined;
  let volume: Volume | undefined;
  // Before the folder that it is in goes.
  t.after(() => volume?.unmount());
  volume = new Volume(path.join(scratch(t), 'disk'));
  return volume.dir;
}
