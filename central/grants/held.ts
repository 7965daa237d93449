import type { AuditBody } from '../../protocol/audit.ts';
import type { Millis } from '../../protocol/clock.ts';
import type { Readings } from '../../protocol/clock-watch.ts';
import type { GrantId, RequestId } from '../../protocol/ids.ts';
import type { Problem } from '../../protocol/model.ts';
import { type GrantLife, rightKey } from './life.ts';

/** What is in memory of a grant that may stand. */
export interface Held {
  life: GrantLife;
  /** Of its row in the store. */
  version: number;
  /** When it falls due by the boot clock. */
  bootDue: Millis;
  /** Both clocks at its last step: its instants are of these. */
  clocks: Readings;
  /** Its instants are of a clock that has been set since: the next step begins with that. */
  jumped: boolean;
  /** Another runner wrote it last, and drives it. */
  theirs: boolean;
  /** When the store last refused a step because another runner had written, by the boot clock; until it has taken one again. */
  fencedAt: Millis | undefined;
  /** When this version of its row was first read here, by the boot clock. */
  readAt: Millis;
  /** As the store has taken it from here last. */
  written: GrantLife | undefined;
  /** What the store did not take yet. */
  unsaved: AuditBody[];
  failed: { id: RequestId; problem: Problem }[];
  /** The store refused the last step that it was given. */
  behind: boolean;
}

/** The grants in memory, found by their id and by their right without asking all of them. */
export class HeldGrants {
  readonly #byId = new Map<GrantId, Held>();
  readonly #byRight = new Map<string, Set<Held>>();

  get(id: GrantId): Held | undefined {
    return this.#byId.get(id);
  }

  all(): Held[] {
    return [...this.#byId.values()];
  }

  /** The others that hold the same right. */
  sharing(held: Held): Held[] {
    return [...(this.#byRight.get(rightKey(held.life)) ?? [])].filter((other) => other !== held);
  }

  /** In the place of what was known of the grant before. */
  add(held: Held): void {
    const before = this.#byId.get(held.life.id);
    if (before) this.delete(before);
    this.#byId.set(held.life.id, held);
    const right = rightKey(held.life);
    this.#byRight.set(right, (this.#byRight.get(right) ?? new Set()).add(held));
  }

  delete(held: Held): void {
    if (this.#byId.get(held.life.id) !== held) return;
    this.#byId.delete(held.life.id);
    const right = rightKey(held.life);
    const same = this.#byRight.get(right);
    same?.delete(held);
    if (same?.size === 0) this.#byRight.delete(right);
  }
}
