import type { Clock } from '../../protocol/clock.ts';
import type { GrantId } from '../../protocol/ids.ts';
import type { Notices } from '../notices.ts';
import type { Store } from '../store.ts';
import type { TimeWords } from '../words/time.ts';

/** What the acts on access need. */
export interface ActParts {
  store: Store;
  clock: Clock;
  time: TimeWords;
  notices: Notices;
  newKey(): string;
  /** A request of this window was accepted: its answer is told here, when it comes. */
  requested(requestId: string): void;
  showInAudit(grantId: GrantId): void;
}
