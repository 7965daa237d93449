type Ending = () => Promise<unknown> | unknown;

/** Thrown into work that goes on after everything was ended. */
export class Ended extends Error {
  override name = 'Ended';
}

/** Undoes what was begun, last first. What is begun too late is undone at once. */
export class Endings {
  readonly #endings: Ending[] = [];
  readonly #complain: (message: string) => void;
  #ended = false;

  /** @param complain Told of each ending that failed; the others are run all the same. */
  constructor(complain: (message: string) => void) {
    this.#complain = complain;
  }

  /** @throws Ended when everything was ended already; `end` has been run then. */
  async add(end: Ending): Promise<void> {
    if (!this.#ended) {
      this.#endings.push(end);
      return;
    }
    await this.#attempt(end);
    throw new Ended('Ended meanwhile');
  }

  async run(): Promise<void> {
    this.#ended = true;
    for (let end = this.#endings.pop(); end; end = this.#endings.pop()) await this.#attempt(end);
  }

  async #attempt(end: Ending): Promise<void> {
    try {
      await end();
    } catch (error) {
      this.#complain(error instanceof Error ? error.message : String(error));
    }
  }
}
