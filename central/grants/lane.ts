import { Queue } from '../../protocol/queue.ts';

/** Turns in the order of their coming, so many at a time. */
export class Lane {
  readonly #width: number;
  readonly #waiting = new Queue<() => void>();
  #running = 0;

  constructor(width: number) {
    this.#width = width;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#width) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      // The place is handed over: nobody who comes now gets ahead of those who wait.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
