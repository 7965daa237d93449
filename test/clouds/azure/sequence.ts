/** Orders tokens and changes among each other, where instants on a clock that stands still cannot. */
export class Sequence {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}
