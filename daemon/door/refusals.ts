import type { Clock } from '../../protocol/clock.ts';
import type { Log } from '../log.ts';
import { Pace } from './pace.ts';

/** Lines at once, and in a second in the long run. */
const BURST = 50;
const PER_SECOND = 1;

/** Writes down who was turned away, but not a million times: whoever knocks without end must not fill the disk that revocations need. */
export class Refusals {
  readonly #pace: Pace;
  readonly #log: Pick<Log, 'warn'>;
  #untold = 0;

  constructor(clock: Clock, log: Pick<Log, 'warn'>) {
    this.#pace = new Pace(clock, PER_SECOND, BURST);
    this.#log = log;
  }

  note(connection: number, problem: string): void {
    if (this.#pace.take() > 0) {
      this.#untold += 1;
      return;
    }
    if (this.#untold > 0) this.#log.warn('more connections refused', { count: this.#untold });
    this.#untold = 0;
    this.#log.warn('connection refused', { connection, problem });
  }
}
