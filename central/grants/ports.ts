import type { AuditBody } from '../../protocol/audit.ts';
import type { Instant, Millis } from '../../protocol/clock.ts';
import type { GrantId, RequestId, ResourceId } from '../../protocol/ids.ts';
import type { RequestLife } from '../requests/life.ts';
import type { Call, Subject } from './calls.ts';
import type { intend } from './intent.ts';
import type { GrantEvent, GrantLife, wakes } from './life.ts';
import type { step } from './step.ts';

/** A grant as the store keeps it. */
export interface KeptGrant {
  life: GrantLife;
  /** How often it was written. Whoever writes it next must have read this one. */
  version: number;
  /** Both clocks when it was written. */
  written: { wall: Instant; boot: Millis };
  /**
   * When `notAfter` falls due by the boot clock, and the start of the machine during which that means something.
   * Absent where the system does not name its starts.
   */
  bootDue?: { bootId: string; at: Millis } | undefined;
}

/** What the runner needs of a store. */
export interface GrantStore {
  /** Nobody else can write to it while this one is open: what is in memory is then known to be the latest. */
  readonly exclusive?: boolean | undefined;
  /** What may stand, as it is now: a copy that lags behind does not do. */
  standing(): Promise<KeptGrant[]>;
  kept(id: GrantId): Promise<KeptGrant | undefined>;
  /** Grants of one right that may stand, by `rightKey`. */
  sharing(right: string): Promise<KeptGrant[]>;
  /** Durable when it resolves. Everything in it happened, or nothing did: then it rejects. `work` may be asked for twice. */
  write<T>(work: (tx: GrantWriting) => Promise<T>): Promise<T>;
}

/** One transaction. */
export interface GrantWriting {
  /** @returns False, and nothing is written, unless the store holds the version before this one; none before the first. */
  putGrant(grant: KeptGrant): Promise<boolean>;
  append(body: AuditBody): Promise<unknown>;
  request(id: RequestId): Promise<RequestLife | undefined>;
  putRequest(request: RequestLife, now: Instant): Promise<void>;
}

/** Calls to the cloud, each answered by the event it leads to. */
export interface GrantCalls {
  /** @see CloudCalls.make */
  make(call: Call, resource: ResourceId, atTurn: () => Promise<Subject | undefined>): Promise<GrantEvent | undefined>;
  /** Nothing is answered after this. */
  close(): void;
}

/** The life of a grant, as pure functions. */
export interface GrantMachine {
  intend: typeof intend;
  step: typeof step;
  wakes: typeof wakes;
}
