import type { Bound, Unbound } from '../../cloud/provider.ts';
import type { AuditBody, AuditKind } from '../../protocol/audit.ts';
import type { Instant, Millis } from '../../protocol/clock.ts';
import type { GrantId, RequestId } from '../../protocol/ids.ts';
import type { Decision, EndReason, GrantState, Person, Problem, ResourceRef, RoleRef } from '../../protocol/model.ts';

/** Everything central knows of one grant: kept in the store as it stands here. Instants are of central's wall clock. */
export interface GrantLife {
  id: GrantId;
  requestId: RequestId;
  issuer: string;
  holder: Person;
  /** The holder as the cloud knows them. */
  principalId: string;
  resource: ResourceRef;
  role: RoleRef;
  actions: string[];
  reason: string;
  ticket?: string | undefined;
  decision?: Decision | undefined;
  approvedBy: Person[];
  follows?: GrantId | undefined;
  state: GrantState;
  createdAt: Instant;
  notAfter: Instant;
  /** What is known of the call that binds the right. From its sending until it is known, it may land late. */
  bind: { outcome: 'not sent' } | { outcome: 'unknown' | 'assigned' | 'refused'; calledAt: Instant };
  /** Without a heartbeat until then the lease is lost. */
  holdUntil: Instant;
  /** The daemon that holds the lease. */
  instance?: string | undefined;
  usableAt?: Instant | undefined;
  endingAt?: Instant | undefined;
  endReason?: EndReason | undefined;
  endedBy?: Person | undefined;
  goneAt?: Instant | undefined;
  proof?: 'denied' | 'absent' | undefined;
  releasableAt?: Instant | undefined;
  awaiting?: string | undefined;
  problem?: Problem | undefined;
  /** The next call to the cloud and when; absent while one is under way or none is needed. */
  act?: { call: 'unbind' | 'look'; at: Instant } | undefined;
  /** It waits because another grant holds the same right. */
  shares?: boolean | undefined;
  /** Tries in a row that failed. */
  attempts: number;
  /** When the cloud was last asked to take it back. */
  askedAt?: Instant | undefined;
  /** When the right was last known to be taken away: accepted by the cloud, or found absent with nothing to remove. */
  removedAt?: Instant | undefined;
  /** The cloud said that there was nothing to remove. Not proof, but the list may now be believed. */
  emptyAt?: Instant | undefined;
  /** The holder was denied after the removal was asked for. */
  deniedAt?: Instant | undefined;
  /** That the end takes long was said in the record. */
  alarmed?: boolean | undefined;
}

export type GrantEvent =
  /** The turn of the call that binds the right has come. */
  | { type: 'sending' }
  /** It was not sent after all. */
  | { type: 'not sent'; problem: Problem }
  | { type: 'bound'; bound: Bound }
  | { type: 'bind failed'; problem: Problem }
  /** The holder's own identity was allowed or denied, by its daemon's clock at `at`. */
  | { type: 'observed'; access: 'allowed' | 'denied'; at: Instant }
  | { type: 'heartbeat'; instance: string }
  | { type: 'end'; reason: EndReason; by?: Person | undefined }
  /** `notAfter` has come, by the wall clock or the boot clock. */
  | { type: 'due' }
  | { type: 'hold lost' }
  /** The instant of `act` has come. `shared`: another grant that has not ended holds the same right. */
  | { type: 'act'; shared?: { state: GrantState; notAfter: Instant } | undefined }
  /** The call that takes it back was not made after all: another grant that has not ended holds the same right. */
  | { type: 'not asked' }
  | { type: 'unbound'; answer: Unbound }
  | { type: 'unbind failed'; problem: Problem }
  | { type: 'looked'; answer: 'standing' | 'absent' }
  | { type: 'look failed'; problem: Problem }
  /** The cloud's list of what is ours does not have it. */
  | { type: 'unlisted' }
  /** Another grant took the right over. */
  | { type: 'superseded'; by: GrantId }
  /** The wall clock was set, or the machine was started again: instants of before are no measure any more. */
  | { type: 'clock jumped' }
  /** Central was started again and found this grant in the store. */
  | { type: 'restarted' };

export type GrantEffect =
  | { type: 'record'; kind: AuditKind; text: string; more?: Pick<AuditBody, 'person' | 'lateBy' | 'lateAfter' | 'data'> }
  | { type: 'call'; call: 'bind' | 'prolong' | 'unbind' | 'look' }
  | { type: 'supersede'; grantId: GrantId }
  | { type: 'fail request'; problem: Problem };

export interface LifeRules {
  /** Longest time that a removed right may still work. */
  propagation: Millis;
  /** Longest time after which a call to the cloud may still take effect. */
  longestRequestLife: Millis;
  /** Without a heartbeat for so long the lease is lost. */
  grace: Millis;
  /** 0 to 1, new for each step: spreads retries. */
  chance: number;
}

export interface Step {
  life: GrantLife;
  effects: GrantEffect[];
}

export const isLive = ({ state }: Pick<GrantLife, 'state'>): boolean =>
  state === 'activating' || state === 'assigned' || state === 'usable' || state === 'unknown';

/** Two grants of one right are two references to the same thing in the cloud. */
export const rightKey = ({ principalId, role, resource }: Pick<GrantLife, 'principalId' | 'role' | 'resource'>): string =>
  JSON.stringify([principalId, role.id, resource.id]);

/** When each clock-driven event of a grant is due. */
export function wakes(life: GrantLife): { due?: Instant | undefined; hold?: Instant | undefined; act?: Instant | undefined } {
  return {
    due: isLive(life) ? life.notAfter : undefined,
    hold: isLive(life) && life.state !== 'activating' ? life.holdUntil : undefined,
    act: life.act?.at,
  };
}
