import type { Clock, Instant, Millis } from '../../../protocol/clock.ts';
import type { Faults } from './faults.ts';
import type { PimOrder } from './pim-order.ts';
import { sameTuple } from './pim-schedules.ts';
import type { Timing } from './timing.ts';

/** Passed through, in this order, while Azure is at work. */
const STARTING = ['Accepted', 'PendingProvisioning', 'ProvisioningStarted', 'PendingScheduleCreation', 'ScheduleCreated'] as const;
const ENDING = ['PendingRevocation'] as const;

export type Status =
  | (typeof STARTING)[number]
  | (typeof ENDING)[number]
  | 'Provisioned'
  | 'Granted'
  | 'PendingApproval'
  | 'AdminDenied'
  | 'Denied'
  | 'Canceled'
  | 'TimedOut'
  | 'Failed'
  | 'Invalid'
  | 'Revoked'
  | 'FailedAsResourceIsLocked';

interface Moving {
  order: PimOrder;
  status: Status;
}

interface Move {
  request: Moving;
  end: boolean;
  from: Instant;
  lag: Millis;
  /** Does what was asked for, as of an instant. */
  finish: (at: Instant) => Status;
}

interface World {
  clock: Clock;
  timing: Timing;
  faults: Faults;
}

/** Requests that Azure is still at work on. What they ask for happens at the end of that, and not before. */
export class Moves {
  readonly #world: World;
  #all: Move[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Sets the status with which the request is answered. When nothing lags, all of it happens at once. */
  begin(request: Moving, work: 'start' | 'end', finish: Move['finish']): void {
    const { clock, timing } = this.#world;
    const from = clock.now();
    const end = work === 'end';
    const lag = end ? timing.revokeLag : timing.provisionLag;
    if (lag === 0) {
      request.status = finish(from);
      return;
    }
    const move: Move = { request, end, from, lag, finish };
    this.#all.push(move);
    this.#say(move, from);
  }

  /** @param before Called with the instant of each end, so that what fell due earlier happens earlier. */
  settle(before: (at: Instant) => void): void {
    const now = this.#world.clock.now();
    const over = this.#all.filter(({ from, lag }) => from + lag <= now).sort((a, b) => a.from + a.lag - b.from - b.lag);
    this.#all = this.#all.filter((move) => !over.includes(move));
    for (const { request, from, lag, finish } of over) {
      before(from + lag);
      request.status = this.#world.faults.moveEndsAs ?? finish(from + lag);
    }
    for (const move of this.#all) this.#say(move, now);
  }

  isMoving(request: Moving): boolean {
    return this.#all.some((move) => move.request === request);
  }

  isStarting(order: PimOrder): boolean {
    return this.#all.some(({ request, end }) => !end && sameTuple(request.order, order));
  }

  isEnding(order: PimOrder): boolean {
    return this.#all.some(({ request, end }) => end && sameTuple(request.order, order));
  }

  #say({ request, end, from, lag }: Move, now: Instant): void {
    const words = end ? ENDING : STARTING;
    const word = words[Math.floor(((now - from) / lag) * words.length)] ?? words[0];
    request.status = this.#world.faults.moveIsCalled ?? word;
  }
}
