/** First in, first out. Taking the first out of a long array moves all that stand behind it; here they stay where they are. */
export class Queue<T> {
  #items: T[] = [];
  /** Who is next in `#items`. */
  #next = 0;

  get length(): number {
    return this.#items.length - this.#next;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Undefined when it is empty. */
  shift(): T | undefined {
    const item = this.#items[this.#next];
    if (this.#next < this.#items.length) this.#next++;
    if (this.#next * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#next);
      this.#next = 0;
    }
    return item;
  }
}
