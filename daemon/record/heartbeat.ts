import { type Cancel, type Clock, MINUTE } from '../../protocol/clock.ts';
import type { Journal } from '../journal/journal.ts';

export interface HeartbeatParts {
  clock: Clock;
  journal: Pick<Journal, 'record'>;
  /** Leases under which power may stand. */
  held(): number;
}

/** An event each minute while something is held: what is cut off the end of a record is a minute of it at most, or it shows. */
export class Heartbeat {
  readonly #parts: HeartbeatParts;
  #cancel: Cancel = () => {};

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, journal, held } = this.#parts;
    this.#cancel = clock.after(MINUTE, () => {
      const count = held();
      if (count > 0)
        journal.record({ kind: 'daemon.heartbeat', text: `Holds ${count} ${count === 1 ? 'grant' : 'grants'}`, data: { held: count } });
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }
}
