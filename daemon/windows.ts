import type { Cancel, Clock } from '../protocol/clock.ts';
import { MINUTE, SECOND } from '../protocol/clock.ts';
import type { Hello } from './door/connection.ts';

/** A reload closes the window and opens it again. */
const RELOAD_WITHIN = 10 * SECOND;
const IDLE_AFTER = 5 * MINUTE;

export interface WindowsParts {
  clock: Clock;
  /** Leases under which power may stand. */
  held(): number;
  /** The last window has gone, and wanted it so: what is held is to be ended. */
  onLastGone(): void;
  /** Nobody is there and nothing is held. */
  onIdle(): void;
}

/** Who looks at this daemon decides how long it lives. Only editors are windows; a terminal keeps it alive and no more. */
export class Windows {
  readonly #parts: WindowsParts;
  #clients: readonly Hello[] = [];
  #last: Cancel = () => {};
  #idle: Cancel = () => {};
  #ended = false;
  #stopped = false;
  #orphaned = false;

  constructor(parts: WindowsParts) {
    this.#parts = parts;
    this.#waitIdle();
  }

  changed(clients: readonly Hello[], left: Hello | undefined): void {
    if (this.#stopped) return;
    this.#clients = clients;
    const windows = clients.some(({ kind }) => kind === 'editor');
    if (windows) {
      this.#last();
      this.#ended = false;
    } else if (left?.kind === 'editor' && left.whenLastWindowCloses !== 'keep') {
      this.#last();
      this.#last = this.#parts.clock.after(RELOAD_WITHIN, () => {
        this.#ended = true;
        this.#parts.onLastGone();
        this.#waitIdle();
      });
    }
    this.#waitIdle();
  }

  /** Nobody can find this daemon any more: it goes as soon as nothing is held. */
  orphaned(): void {
    this.#orphaned = true;
    this.#waitIdle();
  }

  stop(): void {
    this.#stopped = true;
    this.#last();
    this.#idle();
  }

  #waitIdle(): void {
    this.#idle();
    if (this.#stopped || this.#clients.length > 0) return;
    this.#idle = this.#parts.clock.after(this.#ended || this.#orphaned ? SECOND / 4 : IDLE_AFTER, () => {
      if (this.#parts.held() === 0) this.#parts.onIdle();
      else this.#waitIdle();
    });
  }
}
