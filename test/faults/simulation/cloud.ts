import type { Access, Bound, CatalogueRole, Granting, Order, SelfService, Unbound } from '../../../cloud/provider.ts';
import { type Instant, type Millis, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { EPOCH, never, type Process } from './computer.ts';
import type { Dice } from './dice.ts';
import type { Tell } from './story.ts';
import type { Timeline } from './timeline.ts';

/** How badly the cloud does at the moment. Each but the delays is a chance from 0 to 1 for one call. */
export interface Weather {
  /** Answers with 429 or 503, and does nothing. */
  throttles: number;
  /** The request does not arrive. */
  lostBefore: number;
  /** It is done, and nobody hears of it. */
  lostAfter: number;
  /** No answer, and it is done much later. */
  late: number;
  /** It arrives twice. */
  twice: number;
  /** No answer, ever. */
  hangs: number;
  refuses: number;
  /** "Nothing there" while there is something. */
  nothingThere: number;
  outage: boolean;
  locked: boolean;
  usualDelay: Millis;
  longestDelay: Millis;
}

export const FAIR: Weather = {
  throttles: 0,
  lostBefore: 0,
  lostAfter: 0,
  late: 0,
  twice: 0,
  hangs: 0,
  refuses: 0,
  nothingThere: 0,
  outage: false,
  locked: false,
  usualDelay: 40,
  longestDelay: 400,
};

/** One right as the cloud keeps it: what it enforces and what its list shows follow what was ordered after a while. */
export interface Right {
  key: string;
  grantId: GrantId;
  /** By the cloud's own clock. */
  notAfter: Instant;
  boundAt: Millis;
  /** When the order for this very grant was carried out. */
  orderedAt: Millis;
  enforcedFrom: Millis;
  listedFrom: Millis;
  removedAt?: Millis;
  enforcedUntil: Millis;
  listedUntil: Millis;
}

export interface CloudRules {
  /** Longest time until what was ordered is enforced, and listed. */
  propagation: Millis;
  /** Longest time after which a lost order may still be carried out. */
  longestRequestLife: Millis;
  /** No right is taken back sooner than this after it was given. */
  shortestHold: Millis;
}

/** Of one person, one role, one resource. */
export const rightOf = (principalId: string, role: string, resource: string): string => `${principalId} ${role} ${resource}`;
const keyOf = ({ principalId, roleId, resource }: Order): string => rightOf(principalId, roleId, resource);

/** The simulated cloud of one life: it is the truth, and answers as badly as its weather is. */
export class Cloud {
  weather: Weather = { ...FAIR };
  readonly rules: CloudRules;
  /** Newest last, the past included. */
  readonly rights = new Map<string, Right[]>();
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  readonly #tell: Tell;
  readonly #skew: Millis;
  /** The idempotency keys it has seen: what comes a second time is nothing new. */
  readonly #seen = new Set<GrantId>();
  /** Told of each order that is carried out: after a change of what stands. */
  onChange: (key: string, order: Order, change: 'bound' | 'unbound', right: Right, sentAt: Millis) => void = () => {};
  /** Told of each call as it is sent, and of each check as it is answered. */
  onCall: (process: Process, what: string, order: Order) => void = () => {};
  onChecked: (key: string, access: 'allowed' | 'denied') => void = () => {};
  onHand: (id: GrantId) => void = () => {};
  late = 0;
  calls = 0;

  constructor(timeline: Timeline, dice: Dice, tell: Tell, rules: CloudRules, skew: Millis) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#tell = tell;
    this.#skew = skew;
    this.rules = rules;
  }

  now(): Instant {
    return EPOCH + this.#timeline.now + this.#skew;
  }

  /** The judge: may this be done now? */
  enforces(key: string): boolean {
    const now = this.#timeline.now;
    return (
      this.rights.get(key)?.some((right) => now >= right.enforcedFrom && now < right.enforcedUntil && this.now() < right.notAfter) ?? false
    );
  }

  /** What is given and neither taken back nor over. */
  bound(key: string): Right | undefined {
    const last = this.rights.get(key)?.at(-1);
    return last && last.removedAt === undefined && this.now() < last.notAfter ? last : undefined;
  }

  /** Somebody removes a right by hand. */
  removeByHand(): void {
    const right = this.#dice.pick([...this.rights.keys()].flatMap((key) => this.bound(key) ?? []));
    if (!right) return;
    const { now } = this.#timeline;
    right.removedAt = right.enforcedUntil = right.listedUntil = now;
    this.#tell(() => `cloud: somebody removes ${right.key} by hand`);
    this.onHand(right.grantId);
  }

  /** As central's granting identity calls it from one process. */
  granting(process: Process): Granting {
    return {
      propagation: this.rules.propagation,
      roles: (): CatalogueRole[] => [],
      bind: (order) => this.#call(process, 'bind', order, (sentAt) => this.#bind(order, sentAt)),
      prolong: (_from, order) => this.#call(process, 'prolong', order, (sentAt) => this.#bind(order, sentAt)),
      unbind: (order) => this.#call(process, 'unbind', order, (sentAt) => this.#unbind(order, sentAt)),
      standing: (order) => this.#call(process, 'list', order, () => this.#lists(keyOf(order))),
    };
  }

  /** As a person elevates themselves, where the cloud itself is the policy. */
  selfService(process: Process): Pick<SelfService, 'activate' | 'pending' | 'cancel' | 'deactivate' | 'standing' | 'propagation'> {
    const ask = (order: Order) => this.#call<Bound>(process, 'bind', order, (sentAt) => this.#bind(order, sentAt));
    return {
      propagation: this.rules.propagation,
      activate: ask,
      // Nobody has to approve here.
      pending: ask,
      cancel: async () => {},
      deactivate: (order) => this.#call(process, 'unbind', order, (sentAt) => this.#unbind(order, sentAt)),
      standing: (order) => this.#call(process, 'list', order, () => this.#lists(keyOf(order))),
    };
  }

  /** As the holder's own identity is checked from one process. The one action names the role. */
  access(process: Process, self: string): Pick<Access, 'check'> {
    return {
      check: (resource, actions, _signal, principalId = self) =>
        this.#answer(process, () => {
          const key = rightOf(principalId, actions[0] ?? '', resource);
          const access = this.enforces(key) ? 'allowed' : 'denied';
          this.onChecked(key, access);
          return access;
        }),
    };
  }

  #bind(order: Order, sentAt: Millis): Bound {
    const key = keyOf(order);
    const now = this.#timeline.now;
    if (this.#seen.has(order.grantId)) return { state: 'assigned' };
    this.#seen.add(order.grantId);
    const { propagation, shortestHold } = this.rules;
    const rights = this.rights.get(key) ?? [];
    this.rights.set(key, rights);
    const before = this.bound(key);
    const enforced = before && this.enforces(key);
    if (before) {
      // The same right with another end: what was enforced goes on.
      before.removedAt = now;
      before.enforcedUntil = before.listedUntil = now;
    }
    const right: Right = {
      key,
      grantId: order.grantId,
      notAfter: order.notAfter,
      boundAt: before?.boundAt ?? now,
      orderedAt: now,
      enforcedFrom: enforced ? now : now + this.#dice.delay(propagation / 4, propagation),
      listedFrom: before && now >= before.listedFrom ? now : now + this.#dice.delay(propagation / 8, propagation / 2),
      enforcedUntil: Number.POSITIVE_INFINITY,
      listedUntil: Number.POSITIVE_INFINITY,
    };
    rights.push(right);
    this.#tell(() => `cloud: gives ${key} until ${time(order.notAfter)} (grant ${short(order.grantId)})`);
    this.onChange(key, order, 'bound', right, sentAt);
    return { state: 'assigned', ...(shortestHold > 0 && { releasableAt: this.now() + shortestHold }) };
  }

  #unbind(order: Order, sentAt: Millis): Unbound {
    const key = keyOf(order);
    const now = this.#timeline.now;
    const right = this.bound(key);
    if (!right) return { state: 'nothing there' };
    if (now < right.listedFrom && this.#dice.chance(0.5)) return { state: 'nothing there' };
    if (this.#dice.chance(this.weather.nothingThere)) return { state: 'nothing there' };
    const { shortestHold, propagation } = this.rules;
    if (now < right.boundAt + shortestHold)
      return { state: 'not yet', again: this.now() + right.boundAt + shortestHold - now, why: 'It is too young' };
    if (this.weather.locked) return { state: 'stuck', problem: { code: 'ScopeLocked', message: 'A lock keeps it' } };
    right.removedAt = now;
    right.enforcedUntil = now + this.#dice.delay(propagation / 4, propagation);
    right.listedUntil = now + this.#dice.delay(propagation / 8, propagation / 2);
    this.#tell(() => `cloud: takes ${key} back (asked by grant ${short(order.grantId)}, given to ${short(right.grantId)})`);
    this.onChange(key, order, 'unbound', right, sentAt);
    return { state: 'accepted' };
  }

  #lists(key: string): 'standing' | 'absent' {
    const now = this.#timeline.now;
    const listed = this.rights.get(key)?.some((right) => now >= right.listedFrom && now < right.listedUntil && this.now() < right.notAfter);
    return listed ? 'standing' : 'absent';
  }

  #call<T>(process: Process, what: string, order: Order, act: (sentAt: Millis) => T | Bound): Promise<T> {
    if (!process.effect()) return never();
    this.calls += 1;
    this.onCall(process, what, order);
    const sentAt = this.#timeline.now;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const { weather } = this;
    const gives = what === 'bind' || what === 'prolong';
    const named = () => `${what} for grant ${short(order.grantId)}`;
    const fail = (fault: Fault) => {
      process.deliver(() => {
        if (process.effect()) reject(fault);
      });
    };
    const arrive = () => {
      if (weather.outage) return fail(unreachable());
      if (this.#dice.chance(weather.throttles)) return fail(throttled());
      if (gives && (weather.locked || this.#dice.chance(weather.refuses))) {
        // A definite no: a second copy of the order gets the same.
        if (this.#seen.has(order.grantId)) return reply({ state: 'assigned' });
        this.#seen.add(order.grantId);
        reply({ state: 'refused', problem: { code: 'Refused', message: 'The cloud said no' } });
        return;
      }
      const value = act(sentAt);
      if (this.#dice.chance(weather.lostAfter)) {
        this.#tell(() => `cloud: the reply to ${named()} is lost`);
        return fail(unreachable());
      }
      reply(value);
    };
    const reply = (value: T | Bound) =>
      void this.#timeline.after(this.#dice.delay(weather.usualDelay, weather.longestDelay), () =>
        process.deliver(() => {
          if (process.effect()) resolve(value as T);
        }),
      );
    const travel = this.#dice.delay(weather.usualDelay, weather.longestDelay);
    if (this.#dice.chance(weather.hangs)) return promise;
    if (this.#dice.chance(weather.lostBefore)) {
      this.#tell(() => `cloud: ${named()} is lost on its way`);
      this.#timeline.after(travel, () => fail(unreachable()));
    } else if (what !== 'list' && this.#dice.chance(weather.late)) {
      // Only as late as the engine is told that it can be.
      const lateBy = this.#dice.between(SECOND, this.rules.longestRequestLife - 2 * SECOND);
      this.#tell(() => `cloud: ${named()} will land ${Math.round(lateBy / SECOND)} s late, and is not answered`);
      this.late += 1;
      this.#timeline.after(lateBy, () => void act(sentAt));
      this.#timeline.after(travel, () => fail(unreachable()));
    } else {
      this.#timeline.after(travel, arrive);
      if (gives && this.#dice.chance(weather.twice)) this.#timeline.after(travel + this.#dice.between(1, 20_000), () => void act(sentAt));
    }
    return promise;
  }

  #answer<T>(process: Process, read: () => T): Promise<T> {
    if (!process.effect()) return never();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const { usualDelay, longestDelay, outage, lostBefore, hangs } = this.weather;
    if (this.#dice.chance(hangs)) return promise;
    this.#timeline.after(this.#dice.delay(usualDelay, longestDelay), () => {
      const value = read();
      const broken = outage || this.#dice.chance(lostBefore);
      this.#timeline.after(this.#dice.delay(usualDelay, longestDelay), () =>
        process.deliver(() => (broken ? reject(unreachable()) : resolve(value))),
      );
    });
    return promise;
  }
}

const unreachable = () => new Fault('cloud-unreachable', 'The cloud does not answer', { retryable: true });
const throttled = () => new Fault('cloud-throttled', 'The cloud has too much to do', { retryable: true });

export const short = (id: string): string => id.slice(0, 4);
export const time = (at: Instant): string => new Date(at).toISOString().slice(11, 23);
