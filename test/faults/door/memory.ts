import { readFileSync } from 'node:fs';

const MIB = 1_024;

/** Resident memory of a process, in MiB; undefined once it has ended. Linux only. */
export function residentOf(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / MIB;
  } catch {
    return undefined;
  }
}

/** Looks at a process's memory again and again. */
export class MemoryWatch {
  readonly #samples: { done: number; mib: number }[] = [];
  readonly #timer: NodeJS.Timeout;

  /** @param done How much of the work is behind it, from 0 to 1. */
  constructor(pid: number, done: () => number) {
    const look = () => {
      const mib = residentOf(pid);
      if (mib !== undefined) this.#samples.push({ done: done(), mib });
    };
    look();
    this.#timer = setInterval(look, 100);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get peak(): number {
    return Math.max(...this.#samples.map(({ mib }) => mib));
  }

  /** The middle value of what was seen in a part of the work. */
  median(from: number, to: number): number {
    const seen = this.#samples.filter(({ done }) => done >= from && done <= to).map(({ mib }) => mib);
    return seen.sort((a, b) => a - b)[Math.floor(seen.length / 2)] ?? Number.NaN;
  }
}
