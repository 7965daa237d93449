/** Turns in the order of their coming, so many at a time. */
export class Lane {
  readonly #width: number;
  #waiting: (() => void)[] = [];
  /** Who is next in `#waiting`: taking the first out of a long array is slow. */
  #next = 0;
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
      const next = this.#called();
      if (next) next();
      else this.#running--;
    }
  }

  #called(): (() => void) | undefined {
    const next = this.#waiting[this.#next++];
    if (this.#next * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    return next;
  }
}
