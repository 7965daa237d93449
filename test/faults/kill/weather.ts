import { type Clock, type Instant, type Millis, SECOND } from '../../../protocol/clock.ts';
import type { Trouble } from '../../clouds/azure/faults.ts';

/** Shares of all calls, and how long what is delayed takes at most. */
const THROTTLED = 0.05;
const UNAVAILABLE = 0.03;
const LOST = 0.03;
const DELAYED = 0.3;
/** Of those that are delayed: the connection breaks at once, and the call is applied all the same. */
const DELAYED_UNHEARD = 0.3;
const LONGEST_DELAY: Millis = 400;
const LONGEST_UNHEARD: Millis = 3 * SECOND;

const WRITE = /^PUT (\/subscriptions\/.+?)\/providers\/Microsoft\.Authorization\/roleAssignmentScheduleRequests\/([0-9a-f-]+)/i;

/** A request to Entra PIM as it reached the cloud. */
export interface Write {
  /** Of the request. */
  name: string;
  scope: string;
  at: Instant;
  /** When it takes effect. */
  landsAt: Instant;
  /** Its sender never heard of it. */
  unheard: boolean;
}

/** A cloud on a bad day, by chance: what it does to each call, and what it did to requests for power. */
export class Weather {
  readonly counts = { calls: 0, throttled: 0, unavailable: 0, lost: 0, delayed: 0, unheard: 0 };
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #listeners = new Set<(write: Write) => void>();
  readonly #writes = new Map<string, Write>();

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Called with each request for power, or for its end, when it reaches the cloud. Returns what ends it. */
  onWrite(listener: (write: Write) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  write(name: string): Write | undefined {
    return this.#writes.get(name.toLowerCase());
  }

  /** What lands on one of these scopes later than now. */
  underway(scopes: ReadonlySet<string>): Write[] {
    const now = this.#clock.now();
    return [...this.#writes.values()].filter(({ scope, landsAt }) => landsAt > now && scopes.has(scope));
  }

  trouble(call: string): Trouble | undefined {
    const [, scope, name] = WRITE.exec(call) ?? [];
    const chance = this.#random();
    this.counts.calls++;
    if (chance < THROTTLED) {
      this.counts.throttled++;
      return { kind: 'throttle', retryAfter: '0' };
    }
    if (chance < THROTTLED + UNAVAILABLE) {
      this.counts.unavailable++;
      return { kind: 'refuse', status: 503, code: 'ServiceUnavailable', message: 'The service is unavailable.' };
    }
    const trouble = chance < THROTTLED + UNAVAILABLE + LOST ? this.#lost() : name && this.#random() < DELAYED ? this.#delayed() : undefined;
    if (scope && name) this.#took(scope.toLowerCase(), name.toLowerCase(), trouble);
    return trouble;
  }

  #lost(): Trouble {
    this.counts.lost++;
    return { kind: 'drop-after' };
  }

  #delayed(): Trouble {
    this.counts.delayed++;
    if (this.#random() >= DELAYED_UNHEARD) return { kind: 'slow', by: this.#random() * LONGEST_DELAY };
    this.counts.unheard++;
    return { kind: 'apply-late', after: this.#random() * LONGEST_UNHEARD };
  }

  #took(scope: string, name: string, trouble: Trouble | undefined): void {
    const at = this.#clock.now();
    const delay = trouble?.kind === 'slow' ? trouble.by : trouble?.kind === 'apply-late' ? trouble.after : 0;
    const write = { name, scope, at, landsAt: at + delay, unheard: trouble?.kind === 'drop-after' || trouble?.kind === 'apply-late' };
    this.#writes.set(name, write);
    for (const listener of [...this.#listeners]) listener(write);
  }
}
