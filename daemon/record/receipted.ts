import type { AuditBody } from '../../protocol/audit.ts';

/** What must be true of the record before anything may give new power. What ends power asks nobody. */
export interface Receipted {
  /**
   * Records what is about to be asked for. Resolves when that is on this machine's disk and, where there is a central, signed for
   * by it.
   * @throws Fault `store-failed` when it is not durable, `central-unreachable` or `sign-in-failed` when central has not signed in
   * time: nothing may be asked for then.
   */
  intend(body: Omit<AuditBody, 'at' | 'boot'>, signal: AbortSignal): Promise<void>;
}
