import type { OwnElevation, SelfService } from '../../cloud/provider.ts';
import { backoff } from '../../protocol/backoff.ts';
import type { Cancel, Clock } from '../../protocol/clock.ts';
import { MINUTE } from '../../protocol/clock.ts';
import { within } from '../central/http.ts';
import { type Log, ofError } from '../log.ts';

export interface LostParts {
  selfService: Pick<SelfService, 'mine'>;
  /** Whether the journal of this machine was lost, and somebody is signed in who can be asked for. */
  wanted(): boolean;
  clock: Clock;
  random: () => number;
  log: Log;
  onFound(found: OwnElevation[]): void;
}

/** Finds again in Entra PIM what only a lost journal knew. Asked until it is answered, once. */
export class Lost {
  readonly #parts: LostParts;
  readonly #stopped = new AbortController();
  #cancel: Cancel = () => {};
  #looking = false;
  #found = false;

  constructor(parts: LostParts) {
    this.#parts = parts;
  }

  /** It was answered: nothing is unknown any more. */
  get found(): boolean {
    return this.#found;
  }

  look(tries = 1): void {
    if (this.#found || this.#looking || this.#stopped.signal.aborted || !this.#parts.wanted()) return;
    this.#cancel();
    this.#looking = true;
    void this.#ask(tries);
  }

  stop(): void {
    this.#stopped.abort();
    this.#cancel();
  }

  async #ask(tries: number): Promise<void> {
    const { selfService, clock, random, log, onFound } = this.#parts;
    const limited = within(clock, MINUTE, this.#stopped.signal);
    try {
      const found = await selfService.mine(limited.signal);
      if (this.#stopped.signal.aborted) return;
      this.#found = true;
      onFound(found);
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      log.warn('not known what was activated before', { attempt: tries, ...ofError(error) });
      this.#cancel = clock.after(backoff(tries, random()), () => this.look(tries + 1));
    } finally {
      limited.done();
      this.#looking = false;
    }
  }
}
