import { type Clock, type Instant, MINUTE, type Millis } from '../../../protocol/clock.ts';
import type { World } from '../../clouds/azure/world.ts';
import type { Weather } from './weather.ts';

/** Nothing stands longer than this after its instant. */
const GRACE: Millis = MINUTE;
/** What nobody heard of may be taken back as late as this after it landed: the longest life of a request, and one more retry. */
const VERIFY_WINDOW: Millis = 2 * MINUTE + MINUTE;

/** A right that the simulated cloud gives somebody now. */
interface Standing {
  scope: string;
  since: Instant;
  /** Its instant, as the cloud was told. */
  endsAt: Instant;
  /** When it landed, if its sender never heard of it: the answer was lost, or the sender was killed before. */
  unheardSince?: Instant | undefined;
}

/** Asks the cloud itself, never us: which rights stand that nobody may have any more. */
export class Judge {
  /** The longest time that a right was seen to stand after its instant, or after it landed unheard. */
  readonly worst = { afterItsEnd: 0, unheard: 0 };
  readonly #world: World;
  readonly #weather: Weather;
  readonly #clock: Clock;
  readonly #killedAt = new Map<string, Instant[]>();

  constructor(world: World, weather: Weather, clock: Clock) {
    this.#world = world;
    this.#weather = weather;
    this.#clock = clock;
  }

  /** The process that sends for these scopes died now. */
  died(lane: string): void {
    const deaths = this.#killedAt.get(lane) ?? [];
    this.#killedAt.set(lane, [...deaths, this.#clock.now()]);
  }

  standing(lane: string, scopes: ReadonlySet<string>): Standing[] {
    const { assignments, pim } = this.#world;
    const schedules = new Map(pim.schedules.all().map((one) => [one.assignment, one]));
    return assignments.standing().flatMap(({ name, scope, origin, createdAt, endsAt = Number.POSITIVE_INFINITY }) => {
      if (origin !== 'pim' || !scopes.has(scope)) return [];
      return [{ scope, since: createdAt, endsAt, unheardSince: this.#unheardSince(lane, schedules.get(name)?.request) }];
    });
  }

  /** How many rights were ever given here, and how many of them without their sender hearing of it. */
  given(lane: string, scopes: ReadonlySet<string>): { all: number; unheard: number } {
    const here = this.#world.pim.schedules.all().filter(({ scope }) => scopes.has(scope));
    return { all: here.length, unheard: here.filter(({ request }) => this.#unheardSince(lane, request) !== undefined).length };
  }

  /** In words, each right that stands too long. */
  overdue(lane: string, scopes: ReadonlySet<string>): string[] {
    const now = this.#clock.now();
    return this.standing(lane, scopes).flatMap(({ scope, since, endsAt, unheardSince }) => {
      this.worst.afterItsEnd = Math.max(this.worst.afterItsEnd, now - endsAt);
      if (unheardSince !== undefined) this.worst.unheard = Math.max(this.worst.unheard, now - unheardSince);
      const until = Math.min(endsAt + GRACE, (unheardSince ?? Number.POSITIVE_INFINITY) + VERIFY_WINDOW);
      if (now <= until) return [];
      return [`${lane}: a right on ${scope} stands since ${iso(since)}, and had to be gone by ${iso(until)}`];
    });
  }

  /** Lost on its way, or answered to somebody who was dead by then. */
  #unheardSince(lane: string, request = ''): Instant | undefined {
    const write = this.#weather.write(request);
    if (!write) return undefined;
    const cut = (this.#killedAt.get(lane) ?? []).some((at) => write.at <= at && at <= write.landsAt);
    return write.unheard || cut ? write.landsAt : undefined;
  }
}

const iso = (at: Instant): string => (Number.isFinite(at) ? new Date(at).toISOString() : 'never');
