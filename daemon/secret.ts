import { inspect } from 'node:util';

const MARK = '[secret]';

/**
 * A secret in memory of its own, that can be wiped: it never becomes text by accident. What a library makes of it while it is
 * used is out of our hands.
 */
export class Secret {
  #bytes: Buffer | undefined;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Takes the bytes over: there they are wiped. */
  static of(given: Buffer): Secret {
    // Not from Node's pool, which is shared and outlives it.
    const own = Buffer.allocUnsafeSlow(given.length);
    given.copy(own);
    given.fill(0);
    return new Secret(own);
  }

  /** Text that came from outside, from the door or a library, and whose own copy only the garbage collector can take. */
  static ofText(text: string): Secret {
    return Secret.of(Buffer.from(text, 'utf8'));
  }

  get wiped(): boolean {
    return this.#bytes === undefined;
  }

  /** Hands the bytes out for one call; they are not to be kept. */
  use<T>(work: (bytes: Buffer) => T): T {
    if (!this.#bytes) throw new Error('This secret is wiped');
    return work(this.#bytes);
  }

  /** A new text for one call: for libraries that take nothing else. */
  text(): string {
    return this.use((bytes) => bytes.toString('utf8'));
  }

  wipe(): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  toString(): string {
    return MARK;
  }

  toJSON(): string {
    return MARK;
  }

  [inspect.custom](): string {
    return MARK;
  }
}
