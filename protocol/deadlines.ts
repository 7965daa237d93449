import type { Cancel, Clock, Instant, Millis } from './clock.ts';
import { Heap } from './heap.ts';

interface Deadline<Key> {
  key: Key;
  /** Wall instant at which it is due. */
  at: Instant;
  /** The same on the boot clock, read when it was set: it counts sleep and ignores a wall clock set back. */
  boot: Millis;
}

/** The boot clock's reading at a wall instant, as both clocks stand now. */
export const bootDue = (clock: Clock, at: Instant): Millis => clock.boot() + Math.max(0, at - clock.now());

/**
 * Due instants in one ordered structure with one timer. A key is due when the wall clock **or** the boot clock says so.
 * The timer never waits longer than `check`, so a clock that jumps or a machine that slept is noticed within it.
 */
export class Deadlines<Key> {
  readonly #clock: Clock;
  readonly #due: (key: Key, at: Instant) => void;
  readonly #check: Millis;
  readonly #live = new Map<Key, Deadline<Key>>();
  // Two orders, because a wall clock that was set between two deadlines makes them differ.
  readonly #byWall = new Heap<Deadline<Key>>(({ at }) => at);
  readonly #byBoot = new Heap<Deadline<Key>>(({ boot }) => boot);
  #cancel: Cancel | undefined;

  constructor(clock: Clock, due: (key: Key, at: Instant) => void, check: Millis = 250) {
    this.#clock = clock;
    this.#due = due;
    this.#check = check;
  }

  get size(): number {
    return this.#live.size;
  }

  /** When a key falls due by whichever clock says so first, as a wall instant of now. */
  dueAt(key: Key): Instant | undefined {
    const deadline = this.#live.get(key);
    return deadline && Math.min(deadline.at, this.#clock.now() + deadline.boot - this.#clock.boot());
  }

  /**
   * Sets or moves the deadline of a key.
   * @param boot When it is due by the boot clock, where that was read earlier. Otherwise as long from now as the wall clock says.
   */
  set(key: Key, at: Instant, boot = bootDue(this.#clock, at)): void {
    const deadline = { key, at, boot };
    this.#live.set(key, deadline);
    this.#byWall.push(deadline);
    this.#byBoot.push(deadline);
    this.#arm();
  }

  /** Forgets a key. Its places in the heaps are skipped when they come up. */
  delete(key: Key): void {
    this.#live.delete(key);
  }

  /** No deadline falls due after this. */
  close(): void {
    this.#live.clear();
    this.#byWall.clear();
    this.#byBoot.clear();
    this.#cancel?.();
  }

  #arm(): void {
    this.#cancel?.();
    const wall = this.#next(this.#byWall);
    const boot = this.#next(this.#byBoot);
    if (!wall || !boot) return;
    const wait = Math.min(wall.at - this.#clock.now(), boot.boot - this.#clock.boot());
    this.#cancel = this.#clock.after(Math.max(1, Math.min(this.#check, Math.ceil(wait))), () => this.#tick());
  }

  #tick(): void {
    const due: Deadline<Key>[] = [];
    for (;;) {
      const wall = this.#next(this.#byWall);
      const boot = this.#next(this.#byBoot);
      const first = wall && wall.at <= this.#clock.now() ? wall : boot && boot.boot <= this.#clock.boot() ? boot : undefined;
      if (!first) break;
      this.#live.delete(first.key);
      due.push(first);
    }
    this.#arm();
    for (const { key, at } of due) this.#due(key, at);
  }

  #next(heap: Heap<Deadline<Key>>): Deadline<Key> | undefined {
    while (heap.top && this.#live.get(heap.top.key) !== heap.top) heap.pop();
    return heap.top;
  }
}
