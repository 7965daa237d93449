import type { Clock, Instant, Millis } from '../../protocol/clock.ts';
import { Deadlines } from '../../protocol/deadlines.ts';
import type { GrantId } from '../../protocol/ids.ts';
import type { wakes } from './life.ts';

const WAKES = ['due', 'hold', 'act'] as const;
export type Wake = (typeof WAKES)[number];

/** When each grant is to be woken, and for what. */
export class Alarms {
  readonly #deadlines: Deadlines<`${Wake} ${GrantId}`>;
  readonly #armed = new Map<string, Instant>();

  constructor(clock: Clock, wake: (id: GrantId, what: Wake) => void) {
    this.#deadlines = new Deadlines(clock, (key) => {
      this.#armed.delete(key);
      const [what, id] = key.split(' ') as [Wake, GrantId];
      wake(id, what);
    });
  }

  /** @param bootDue When it falls due by the boot clock. */
  arm(id: GrantId, at: ReturnType<typeof wakes>, bootDue: Millis): void {
    for (const what of WAKES) this.set(id, what, at[what], what === 'due' ? bootDue : undefined);
  }

  /** Only what changed: setting a deadline again would read its length from a wall clock that may have been set meanwhile. */
  set(id: GrantId, what: Wake, at: Instant | undefined, boot?: Millis): void {
    const key = `${what} ${id}` as const;
    if (this.#armed.get(key) === at) return;
    if (at === undefined) {
      this.#armed.delete(key);
      this.#deadlines.delete(key);
    } else {
      this.#armed.set(key, at);
      this.#deadlines.set(key, at, boot);
    }
  }

  disarm(id: GrantId): void {
    this.arm(id, {}, 0);
  }

  close(): void {
    this.#deadlines.close();
  }
}
