import type { Clock, Instant, Millis } from '../../../protocol/clock.ts';
import type { Faults } from './faults.ts';
import type { PimOrder } from './pim-order.ts';
import { sameTuple } from './pim-schedules.ts';
import type { Timing } from './timing.ts';

const PROVISIONING = [
  'PendingProvisioning',
  'ProvisioningStarted',
  'PendingExternalProvisioning',
  'PendingScheduleCreation',
  'ScheduleCreated',
] as const;

/** Passed through, in this order, while Azure is at work. */
const WORDS = {
  start: ['Accepted', 'PendingEvaluation', ...PROVISIONING],
  approved: ['AdminApproved', ...PROVISIONING],
  end: ['PendingRevocation'],
} as const;
type Work = keyof typeof WORDS;

/** Said while somebody has to decide. In the first, the question is not before its approvers yet. */
const WAITING = ['PendingApprovalProvisioning', 'PendingApproval', 'PendingAdminDecision'] as const;

export type Status =
  | (typeof WORDS)[Work][number]
  | (typeof WAITING)[number]
  | 'Provisioned'
  | 'Granted'
  | 'AdminDenied'
  | 'Denied'
  | 'Canceled'
  | 'TimedOut'
  | 'Failed'
  | 'Invalid'
  | 'Revoked'
  | 'FailedAsResourceIsLocked';

export const isWaiting = (status: Status): boolean => WAITING.some((word) => word === status);
export const isDecidable = (status: Status): boolean => isWaiting(status) && status !== 'PendingApprovalProvisioning';

interface Moving {
  order: PimOrder;
  status: Status;
}

interface Move {
  request: Moving;
  work: Work;
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
  begin(request: Moving, work: Work, finish: Move['finish']): void {
    const { clock, timing } = this.#world;
    const from = clock.now();
    const lag = work === 'end' ? timing.revokeLag : timing.provisionLag;
    if (lag === 0) {
      request.status = finish(from);
      return;
    }
    const move: Move = { request, work, from, lag, finish };
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

  /** What it asks for does not happen any more. */
  forget(request: Moving): void {
    this.#all = this.#all.filter((move) => move.request !== request);
  }

  isMoving(request: Moving): boolean {
    return this.#all.some((move) => move.request === request);
  }

  isStarting(order: PimOrder): boolean {
    return this.#all.some(({ request, work }) => work !== 'end' && sameTuple(request.order, order));
  }

  isEnding(order: PimOrder): boolean {
    return this.#all.some(({ request, work }) => work === 'end' && sameTuple(request.order, order));
  }

  #say({ request, work, from, lag }: Move, now: Instant): void {
    const words = WORDS[work];
    const word = words[Math.floor(((now - from) / lag) * words.length)] ?? words[0];
    request.status = this.#world.faults.moveIsCalled ?? word;
  }
}
