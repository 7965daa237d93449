import type { Cancel, Clock, Instant, Millis } from '../../../protocol/clock.ts';
import type { Timeline } from './timeline.ts';

/** When a life begins, by a clock that is right. */
export const EPOCH: Instant = Date.UTC(2026, 10, 23, 9, 0, 0);

/** A machine with clocks of its own: its wall clock can be set, and its timers stand still while it sleeps. */
export class Computer {
  readonly name: string;
  readonly timeline: Timeline;
  #wallOffset: Millis;
  #bootedAt: Millis = -3_600_000;
  #boots = 1;
  #sleptFor: Millis = 0;
  #asleepSince: Millis | undefined;
  #wakers: (() => void)[] = [];
  process: Process | undefined;

  constructor(name: string, timeline: Timeline, wallOffset: Millis) {
    this.name = name;
    this.timeline = timeline;
    this.#wallOffset = wallOffset;
  }

  get asleep(): boolean {
    return this.#asleepSince !== undefined;
  }

  get bootId(): string {
    return `${this.name}-${this.#boots}`;
  }

  now(): Instant {
    return EPOCH + this.timeline.now + this.#wallOffset;
  }

  /** Counts sleep. */
  boot(): Millis {
    return this.timeline.now - this.#bootedAt;
  }

  /** What timers run by. */
  awake(): Millis {
    return (this.#asleepSince ?? this.timeline.now) - this.#sleptFor;
  }

  setWall(by: Millis): void {
    this.#wallOffset += by;
  }

  sleep(): void {
    this.#asleepSince ??= this.timeline.now;
  }

  wake(): void {
    if (this.#asleepSince === undefined) return;
    this.#sleptFor += this.timeline.now - this.#asleepSince;
    this.#asleepSince = undefined;
    for (const waker of this.#wakers.splice(0)) waker();
  }

  onWake(run: () => void): void {
    this.#wakers.push(run);
  }

  start(): Process {
    this.process = new Process(this);
    return this.process;
  }

  /** The power fails and comes back: nothing that ran goes on. */
  reboot(): void {
    this.process?.kill();
    this.#boots += 1;
    this.#bootedAt = this.timeline.now;
  }
}

/** One start of a program, with the clock it sees. When it is killed nothing of it happens any more. */
export class Process implements Clock {
  readonly computer: Computer;
  #alive = true;
  #stalledUntil = 0;
  readonly #mourners: (() => void)[] = [];
  /** How many effects it had, and after which one it is killed. */
  effects = 0;
  killAfter = Number.POSITIVE_INFINITY;

  constructor(computer: Computer) {
    this.computer = computer;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get running(): boolean {
    return this.#alive && !this.computer.asleep && this.computer.timeline.now >= this.#stalledUntil;
  }

  now(): Instant {
    return this.computer.now();
  }

  boot(): Millis {
    return this.computer.boot();
  }

  after(delay: Millis, run: () => void): Cancel {
    if (!(delay < 2 ** 31)) throw new RangeError(`Node would fire a timer of ${delay} ms at once`);
    const { timeline } = this.computer;
    const due = this.computer.awake() + Math.max(0, delay);
    let cancel: Cancel = () => {};
    const fire = () => {
      if (!this.#alive) return;
      const left = due - this.computer.awake();
      if (this.computer.asleep) this.computer.onWake(() => arm(due - this.computer.awake()));
      else if (left > 1e-6) arm(left);
      else this.deliver(run);
    };
    let cancelled = false;
    const arm = (wait: Millis) => {
      if (!cancelled) cancel = timeline.after(wait, fire);
    };
    arm(delay);
    return () => {
      cancelled = true;
      cancel();
    };
  }

  /** Something reaches this process: at once, or when it runs again, or never. */
  deliver(run: () => void): void {
    if (!this.#alive) return;
    if (this.running) run();
    else if (this.computer.asleep) this.computer.onWake(() => this.deliver(run));
    else this.computer.timeline.after(this.#stalledUntil - this.computer.timeline.now, () => this.deliver(run));
  }

  /** Stopped by its system, or by its garbage: it does nothing, and its clocks go on. */
  stall(length: Millis): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.computer.timeline.now + length);
  }

  /** It is about to reach out of its memory. False: it died before it could. */
  effect(): boolean {
    if (!this.#alive) return false;
    this.effects += 1;
    if (this.effects < this.killAfter) return true;
    this.kill();
    return false;
  }

  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const mourner of this.#mourners.splice(0)) mourner();
  }

  onDeath(run: () => void): void {
    this.#mourners.push(run);
  }
}

/** What a dead process waits for. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});
