import * as v from 'valibot';
import type { AuditBody, AuditKind } from '../../protocol/audit.ts';
import type { Instant } from '../../protocol/clock.ts';
import { readJson } from '../../protocol/json.ts';
import { Decision, Grant, Person } from '../../protocol/model.ts';
import type { LeasePhase } from './lease-table.ts';

export const Ending = v.picklist(['revoked', 'daemon stopped', 'window closed', 'expired']);
export type Ending = v.InferOutput<typeof Ending>;

/** What the journal keeps of a lease. What is missing here is found out again after a restart. */
const Kept = v.object({
  grant: Grant,
  actions: v.array(v.string()),
  decision: v.optional(Decision),
  approvedBy: v.optional(v.array(Person)),
  ending: v.optional(Ending),
  end: v.optional(v.number()),
});

/** What the request says of a grant. Of a lease of an older daemon, the decision is not known. */
export interface LeaseBasis {
  /** What the role allows, for checks. */
  actions: string[];
  decision?: Decision | undefined;
  approvedBy?: Person[] | undefined;
}

/** This daemon's hold on a grant of central's. Pure data; instants are of this machine's wall clock. */
export interface CentralLease<Phase extends LeasePhase = LeasePhase> extends LeaseBasis {
  phase: Phase;
  /** As central last told it. */
  grant: Grant;
  /** When it ends: the earliest instant that central ever named. */
  end: Instant;
  /** Its end is wanted, and why. Never taken back. */
  ending?: Ending | undefined;
  /** When that end began. */
  endingAt?: Instant | undefined;
  /** What is awaited, in words, while it ends. */
  awaiting?: string | undefined;
  /** Why the last good news is no news. */
  doubt?: string | undefined;
  /** How often in a row central was asked for the end. */
  tries: number;
  /** That the end takes long was said in the record. */
  alarmed: boolean;
  /** When to renew the hold, or to ask for the end again. Absent while central is being asked, or nothing is to be asked. */
  actAt?: Instant | undefined;
}

export type CentralLeaseEvent =
  /** This daemon was started again. `known`: central has told of it before the journal could be read. */
  | { type: 'resumed'; known?: Grant | undefined }
  /** Central tells of the grant. */
  | { type: 'shown'; grant: Grant }
  /** Central tells of everything, and this grant is not in it. */
  | { type: 'not known' }
  /** `end` has come, by the wall clock or the boot clock. */
  | { type: 'due' }
  | { type: 'end'; because: Ending }
  /** `actAt` has come; or it need not be awaited: central answers again, or the clock was set. */
  | { type: 'act' }
  | { type: 'renewed'; holdUntil: Instant }
  /** `ending`: central says that there is nothing to hold any more. */
  | { type: 'not renewed'; why: 'ending' | 'refused' | 'unanswered' }
  /** What came of asking for the end. */
  | { type: 'answered'; answer: 'accepted' | 'unanswered' }
  | { type: 'answered'; answer: 'refused'; why: string };

/** In the order in which they are to be carried out. */
export type CentralLeaseEffect =
  /** Make it durable. */
  | { type: 'keep'; endedAt?: Instant | undefined }
  | { type: 'record'; kind: AuditKind; text: string; more?: Pick<AuditBody, 'lateBy' | 'lateAfter' | 'data'> }
  | { type: 'show' }
  | { type: 'call'; call: 'heartbeat' }
  | { type: 'call'; call: 'revoke'; because: Ending };

export interface CentralLeaseRules {
  /** From 0 to 1, new for each step: spreads retries. */
  random: number;
}

export interface CentralLeaseStep {
  /** Undefined: there is nothing to remember any more. */
  lease: CentralLease | undefined;
  effects: CentralLeaseEffect[];
}

export type CentralLeaseMachine = (
  lease: CentralLease,
  event: CentralLeaseEvent,
  now: Instant,
  rules: CentralLeaseRules,
) => CentralLeaseStep;

export const named = ({ role, resource }: Grant): string => `${role.title} on ${resource.name}`;

/** Central's own words for a grant that is on its way out, or out. */
export const isEnding = ({ state }: Pick<Grant, 'state'>): boolean => state === 'revoking' || isOver({ state });
export const isOver = ({ state }: Pick<Grant, 'state'>): boolean => state === 'gone' || state === 'failed';

/** What the screen shows: with its end wanted, power is on its way out, whatever central says meanwhile. */
export function shownOf({ phase, grant, endingAt, awaiting, doubt }: CentralLease): Grant {
  if (phase === 'asking' || phase === 'accepted')
    return { ...grant, state: 'revoking', endingAt: grant.endingAt ?? endingAt, awaiting: awaiting?.slice(0, 500) };
  return doubt === undefined || isEnding(grant) ? grant : { ...grant, state: 'unknown', awaiting: doubt };
}

export function keptOf({ grant, actions, decision, approvedBy, ending, end }: CentralLease): string {
  return JSON.stringify({ grant, actions, decision, approvedBy, ending, end });
}

/** A lease of an earlier life, as the journal has it; undefined when it is not understood. */
export function readLease(body: string): CentralLease | undefined {
  const kept = v.safeParse(Kept, readJson(body));
  if (!kept.success) return undefined;
  const { grant, ending, end = grant.notAfter, ...basis } = kept.output;
  const phase = isOver(grant) ? 'over' : isEnding(grant) ? 'ending' : ending === undefined ? 'holding' : 'asking';
  return { phase, grant, ...basis, end: Math.min(end, grant.notAfter), ending, endingAt: grant.endingAt, tries: 0, alarmed: false };
}
