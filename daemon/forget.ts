import type { Clock } from '../protocol/clock.ts';
import { HOUR } from '../protocol/clock.ts';
import { Deadlines } from '../protocol/deadlines.ts';
import type { GrantId, RequestId } from '../protocol/ids.ts';
import { isOpen, mayStand } from '../protocol/lifecycle.ts';
import type { Change } from '../protocol/state.ts';
import type { LiveState } from './live-state.ts';

const KEPT = HOUR;

/** What has ended stays on the screen for an hour; the record keeps it. */
export class Forgetting {
  readonly #due: Deadlines<GrantId | RequestId>;
  readonly #clock: Clock;
  readonly #waiting = new Set<string>();

  constructor(clock: Clock, live: LiveState, onForgotten: (id: GrantId | RequestId) => void) {
    this.#clock = clock;
    this.#due = new Deadlines(
      clock,
      (id) => {
        this.#waiting.delete(id);
        if (live.now.grants[id]) live.apply({ type: 'grant.forgotten', grantId: id as GrantId });
        if (live.now.requests[id]) live.apply({ type: 'request.forgotten', requestId: id as RequestId });
        onForgotten(id);
      },
      // Nobody waits for it: no need to look four times a second.
      60_000,
    );
    live.onChange(({ change }) => this.#see(change));
  }

  stop(): void {
    this.#due.close();
  }

  #see(change: Change): void {
    if (change.type === 'grant' && !mayStand(change.grant.state)) this.#later(change.grant.id, change.grant.goneAt);
    // A granted request lives as long as its grant is worth looking at.
    if (change.type === 'request' && !isOpen(change.request.state) && change.request.grantId === undefined) this.#later(change.request.id);
    if (change.type === 'grant' && !mayStand(change.grant.state)) this.#later(change.grant.requestId, change.grant.goneAt);
  }

  #later(id: GrantId | RequestId, since = this.#clock.now()): void {
    if (this.#waiting.has(id)) return;
    this.#waiting.add(id);
    this.#due.set(id, Math.max(since, this.#clock.now() - KEPT) + KEPT);
  }
}
