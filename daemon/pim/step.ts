import type { Bound, Unbound } from '../../cloud/provider.ts';
import { backoff } from '../../protocol/backoff.ts';
import type { Instant, Millis } from '../../protocol/clock.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import { endBegan } from '../../protocol/lateness.ts';
import type { EndReason, Person, Problem } from '../../protocol/model.ts';
import { checkAgain } from '../check-again.ts';
import { isOver, type PimLease } from './lease.ts';
import { next, type PimCause } from './table.ts';

export type LeaseEvent =
  | { type: 'bound'; bound: Bound }
  | { type: 'polled'; bound: Bound | { state: 'denied'; why: string } | { state: 'lapsed' } }
  | { type: 'checked'; access: 'allowed' | 'denied' }
  | { type: 'released'; unbound: Unbound }
  | { type: 'looked'; answer: 'standing' | 'absent' }
  | { type: 'cancelled' }
  /** The cloud did not answer, or its answer leaves the outcome open. */
  | { type: 'failed'; problem: Problem }
  | { type: 'due' }
  | { type: 'end'; reason: EndReason; by?: Person | undefined }
  | { type: 'cancel' }
  /** The wall clock was set: what was counted by it is counted anew. */
  | { type: 'clock jumped' }
  | { type: 'resumed' };

export interface StepRules {
  /** Longest time that a removed right may still work. */
  propagation: Millis;
  /** From 0 to 1, for jitter. */
  random: number;
}

export type PimMachine = (lease: PimLease, event: LeaseEvent, now: Instant, rules: StepRules) => PimLease;

/** An activation that was sent and not confirmed may still be applied for this long. */
export const LONGEST_IN_FLIGHT: Millis = 10 * MINUTE;
/** While denial is awaited, the cloud is asked to release again this often: a late grant may have landed. */
const RELEASE_AGAIN: Millis = MINUTE;
const WATCH_EVERY: Millis = MINUTE;
/** One denial may be a replica that lags behind; this much later another one is asked. */
const DENIED_TWICE: Millis = SECOND / 2;
/** PIM lets an activation be ended after this at the latest. */
const LONGEST_HOLD: Millis = 5 * MINUTE;
/** An end that the cloud has not accepted for so long is told. */
const ALARM_AFTER: Millis = MINUTE;

/**
 * The life of a lease under Entra PIM, which says itself what to do next and when. Pure: the same lease, event and instant give
 * the same lease.
 */
export function step(lease: PimLease, event: LeaseEvent, now: Instant, rules: StepRules): PimLease {
  const after = isOver(lease) ? lease : taken(lease, event, now, rules);
  const late = after !== lease && after.phase === 'releasing' && !after.alarmed && now - (after.endingAt ?? now) >= ALARM_AFTER;
  return late ? { ...after, alarmed: true } : after;
}

function taken(lease: PimLease, event: LeaseEvent, now: Instant, rules: StepRules): PimLease {
  switch (event.type) {
    case 'bound':
    case 'polled':
      return answered(lease, event.bound, now);
    case 'checked':
      return checked(lease, event.access, now, rules);
    case 'released':
      return released(lease, event.unbound, now, rules);
    case 'looked':
      return looked(lease, event.answer, now, rules);
    case 'cancelled':
      return lease.next === 'cancel' ? never(lease, 'cancelled', now) : lease;
    case 'failed':
      return failed(lease, event.problem, now, rules);
    case 'due':
      return due(lease, now);
    case 'end':
      return ended(lease, event.reason, event.by, now);
    case 'cancel':
      return takenBack(lease, now);
    case 'clock jumped':
      return jumped(lease, now);
    case 'resumed':
      return resumed(lease, now);
  }
}

function answered(lease: PimLease, bound: Extract<LeaseEvent, { type: 'polled' }>['bound'], now: Instant): PimLease {
  switch (bound.state) {
    case 'assigned':
      return assigned(lease, bound.releasableAt, now);
    case 'pending approval': {
      const approvers = { ...lease, approvers: bound.approvers };
      // It was ended, or taken back, while the cloud was being asked.
      if (lease.phase === 'releasing' || lease.phase === 'proving' || lease.phase === 'cancelling')
        return { ...approvers, next: 'cancel', nextAt: now + waitBetween(lease.tries), tries: lease.tries + 1 };
      // Polled with a growing interval: people take minutes, and the cloud's own events reach nobody.
      const checks = lease.phase === 'waiting' ? lease.checks + 1 : 0;
      const polled = { ...approvers, shown: false, checks, tries: 0, next: 'poll', nextAt: now + 2 * checkAgain(checks) } as const;
      return lease.phase === 'waiting' ? polled : moved(lease, 'approvers asked', polled);
    }
    case 'refused':
      return never({ ...lease, problem: bound.problem }, lease.phase === 'intended' ? 'refused at once' : 'refused', now);
    case 'denied':
      return never({ ...lease, problem: { code: 'denied', message: bound.why } }, 'denied', now);
    case 'lapsed':
      return never(lease, 'lapsed', now);
  }
}

function assigned(lease: PimLease, releasableAt: Instant | undefined, now: Instant): PimLease {
  const known: PimLease = { ...lease, confirmed: true, shown: true, ...(releasableAt === undefined ? {} : { releasableAt }) };
  if (lease.phase === 'releasing' || lease.phase === 'proving')
    return lease.next === 'cancel' || lease.next === 'poll' ? { ...known, next: 'release', nextAt: now } : known;
  // The person took the request back while it was being approved.
  if (lease.phase === 'cancelling') return ending({ ...known, notAfter: now + lease.duration }, 'activated', now, { reason: 'revoked' });
  // The cloud starts to count when its approvers have said yes, which is not later than now.
  const notAfter = lease.phase === 'waiting' ? now + lease.duration : lease.notAfter;
  const held = moved(known, 'activated', {
    notAfter,
    awaiting: 'Waiting until the cloud allows it',
    checks: 0,
    tries: 0,
    next: 'check',
    nextAt: now,
  });
  return now >= notAfter ? due(held, now) : held;
}

function checked(lease: PimLease, access: 'allowed' | 'denied', now: Instant, rules: StepRules): PimLease {
  switch (lease.phase) {
    case 'assigned':
    case 'usable':
      return access === 'allowed' ? allowed(lease, now) : deniedEarly(lease, now);
    case 'proving':
      return proving({ ...lease, problem: undefined }, access, now, rules);
    default:
      return lease;
  }
}

function allowed({ doubt: _, awaiting: __, ...lease }: PimLease, now: Instant): PimLease {
  const seen = { usableAt: lease.usableAt ?? now, denials: 0, tries: 0, next: 'check', nextAt: now + WATCH_EVERY } as const;
  return lease.phase === 'usable' ? { ...lease, ...seen } : moved(lease, 'allowed by the cloud', seen);
}

function deniedEarly({ doubt: _, ...lease }: PimLease, now: Instant): PimLease {
  if (lease.usableAt === undefined) {
    const checks = lease.checks + 1;
    return { ...lease, checks, tries: 0, next: 'check', nextAt: now + checkAgain(checks) };
  }
  const denials = lease.denials + 1;
  // One denial may be a lagging replica; three say that somebody else has ended it.
  if (denials >= 3) return ending(lease, 'denied before its end', now, { reason: 'revoked' });
  return { ...lease, denials, doubt: 'The cloud denies access before the end', next: 'check', nextAt: now + 2 * SECOND };
}

function proving(lease: PimLease, access: 'allowed' | 'denied', now: Instant, rules: StepRules): PimLease {
  const checks = lease.checks + 1;
  if (access === 'denied') return deniedAtLast({ ...lease, checks, denials: lease.denials + 1 }, now, rules);
  const asked = lease.releaseAskedAt ?? lease.releasedAt ?? now;
  const again = now - asked >= RELEASE_AGAIN;
  return {
    ...lease,
    checks,
    denials: 0,
    // Late, but seen: from here on a denial says that it is over.
    usableAt: lease.usableAt ?? now,
    next: again ? 'release' : 'check',
    nextAt: again ? now : now + checkAgain(checks),
    awaiting: 'Waiting until the cloud denies access',
  };
}

/** A denial proves the end of what was seen to work. What never did may be on its way still: only time says that it is not. */
function deniedAtLast(lease: PimLease, now: Instant, rules: StepRules): PimLease {
  // Absent so far; an activation whose answer was lost may still land.
  if (!settled(lease, now, rules))
    return { ...lease, next: 'release', nextAt: now + 10 * SECOND, awaiting: 'Making sure that nothing lands late' };
  const arrivesUntil = (lease.releasedAt ?? now) + rules.propagation;
  if (lease.usableAt === undefined && now < arrivesUntil) {
    const nextAt = Math.min(now + checkAgain(lease.checks), arrivesUntil);
    return { ...lease, next: 'check', nextAt, awaiting: 'The cloud denies access, and may not have heard of it yet: making sure' };
  }
  if (lease.denials < 2) return { ...lease, next: 'check', nextAt: now + DENIED_TWICE };
  return lease.usableAt === undefined ? gone(lease, 'absence proven', now) : gone(lease, 'denial proven', now);
}

function released(lease: PimLease, unbound: Unbound, now: Instant, rules: StepRules): PimLease {
  if (lease.phase !== 'releasing' && lease.phase !== 'proving') return lease;
  const asked = { ...lease, releaseAskedAt: now, tries: lease.tries + 1, problem: undefined };
  const wait = { next: 'check', nextAt: now, awaiting: 'Waiting until the cloud denies access' } as const;
  switch (unbound.state) {
    case 'accepted':
      return inProof(asked, 'end accepted', { confirmed: true, releasedAt: now, checks: 0, tries: 0, ...wait });
    case 'nothing there': {
      const releasedAt = lease.releasedAt ?? now;
      if (isAnother({ ...lease, releasedAt }, now, rules))
        return inProof(asked, 'nothing to end', { releasedAt, ...wait, next: 'look', awaiting: 'Looking whether the cloud lists it' });
      return inProof(asked, 'nothing to end', { releasedAt, ...wait });
    }
    case 'not yet':
      return notReleased(asked, {
        releasableAt: unbound.again,
        awaiting: unbound.why,
        next: 'release',
        // By the cloud's clock: this one may have been set back by any length.
        nextAt: Math.min(Math.max(unbound.again, now + SECOND), now + LONGEST_HOLD),
      });
    case 'stuck':
      return notReleased(asked, {
        problem: unbound.problem,
        awaiting: unbound.problem.message,
        next: 'release',
        nextAt: now + backoff(asked.tries, rules.random),
      });
  }
}

const inProof = (lease: PimLease, cause: 'end accepted' | 'nothing to end', changes: Partial<PimLease>): PimLease =>
  lease.phase === 'proving' ? { ...lease, ...changes } : moved(lease, cause, changes);

const notReleased = (lease: PimLease, changes: Partial<PimLease>): PimLease =>
  lease.phase === 'releasing' ? { ...lease, ...changes } : moved(lease, 'end refused after all', changes);

/** Nothing lands any more; and what landed late and was ended late is not in force any more either. */
const settled = (lease: PimLease, now: Instant, { propagation }: StepRules): boolean =>
  lease.confirmed || now >= (lease.countedFrom ?? lease.createdAt) + LONGEST_IN_FLIGHT + propagation;

/** Asked twice with the propagation bound in between, and still allowed: perhaps another right of this person's own. */
const isAnother = (lease: PimLease, now: Instant, rules: StepRules): boolean =>
  lease.phase === 'proving' &&
  lease.checks > 0 &&
  lease.denials === 0 &&
  lease.releasedAt !== undefined &&
  now >= lease.releasedAt + rules.propagation &&
  settled(lease, now, rules);

/** "Nothing there" may be false: only what the list does not show either is another right. */
function looked(lease: PimLease, answer: 'standing' | 'absent', now: Instant, rules: StepRules): PimLease {
  if (lease.phase !== 'proving') return lease;
  if (answer === 'absent' && isAnother(lease, now, rules)) return stillAllowed(lease, now);
  const awaiting = answer === 'standing' ? 'The cloud still lists it' : 'Making sure that it is over';
  return { ...unheard(lease), next: 'release', nextAt: now + RELEASE_AGAIN, awaiting };
}

function stillAllowed(lease: PimLease, now: Instant): PimLease {
  const problem = {
    code: 'other-right',
    message: 'This elevation is gone. You may still do the same by another assignment of your own.',
    wayOut: 'Look at your other role assignments on this resource.',
  };
  return gone({ ...lease, problem }, 'absence proven', now);
}

function failed(lease: PimLease, problem: Problem, now: Instant, rules: StepRules): PimLease {
  const tries = lease.tries + 1;
  const later = now + backoff(tries, rules.random);
  switch (lease.phase) {
    case 'intended':
      // Not known whether it was applied: take it back, and verify.
      return ending({ ...lease, problem }, 'answer lost', now, { reason: 'activation failed' });
    case 'assigned':
    case 'usable':
      return { ...lease, tries, doubt: noAnswer(lease, problem), next: 'check', nextAt: later };
    case 'cancelling':
      // Perhaps it was decided meanwhile.
      return { ...lease, tries, next: lease.next === 'cancel' ? 'poll' : 'cancel', nextAt: later };
    case 'releasing':
    case 'proving': {
      const known = lease.next === 'release' ? unheard(lease) : lease;
      return { ...known, problem, tries, next: instead(lease.next), awaiting: noAnswer(lease, problem), nextAt: later };
    }
    default:
      return { ...lease, tries, nextAt: later };
  }
}

/** What to ask next when the cloud did not answer. */
function instead(next: PimLease['next']): PimLease['next'] {
  // Perhaps it was decided meanwhile: look, then take it back again.
  if (next === 'cancel') return 'poll';
  if (next === 'poll') return 'cancel';
  // A list that cannot be read keeps nobody from seeing a denial, nor from asking back in a minute.
  return next === 'look' ? 'check' : next;
}

/** What became of a release is not known: when the cloud has nothing to end next, it may have ended only then. */
const unheard = ({ releasedAt: _, ...lease }: PimLease): PimLease => lease;

/** Without the holder's own sign-in nothing can be said about what they may do, and nothing given back. */
const noAnswer = ({ person }: PimLease, { code, message }: Problem): string =>
  code === 'sign-in-failed'
    ? `${message} The access is ${person.name}'s: sign in as ${person.name}`
    : `The cloud does not answer: ${message}`;

function due(lease: PimLease, now: Instant): PimLease {
  // The cloud's own expiry may have ended what it did not let us end.
  if (lease.phase === 'releasing') return { ...lease, nextAt: Math.min(lease.nextAt, now) };
  return ending(lease, 'due instant passed', now, { reason: 'expired' });
}

function ended(lease: PimLease, reason: EndReason, by: Person | undefined, now: Instant): PimLease {
  return lease.phase === 'waiting' ? takenBack(lease, now) : ending(lease, 'end wanted', now, { reason, by });
}

const takenBack = (lease: PimLease, now: Instant): PimLease => moved(lease, 'taken back', { tries: 0, next: 'cancel', nextAt: now });

function ending(lease: PimLease, cause: PimCause, now: Instant, { reason, by }: { reason: EndReason; by?: Person | undefined }): PimLease {
  return moved(lease, cause, {
    shown: true,
    doubt: undefined,
    endingAt: endBegan(now, lease.notAfter),
    endReason: reason,
    ...(by ? { endedBy: by } : {}),
    awaiting: 'Asking the cloud to take it back',
    checks: 0,
    tries: 0,
    denials: 0,
    next: 'release',
    nextAt: now,
  });
}

function gone(lease: PimLease, cause: 'denial proven' | 'absence proven' | 'never given', now: Instant): PimLease {
  const proof = cause === 'denial proven' ? 'denied' : 'absent';
  return moved(lease, cause, { goneAt: now, proof, next: 'nothing', nextAt: now, awaiting: undefined, doubt: undefined });
}

/** A definite no of the cloud: it was never assigned. What was shown as ending is gone then, and not as if it had never been. */
function never(lease: PimLease, cause: 'refused at once' | 'refused' | 'denied' | 'cancelled' | 'lapsed', now: Instant): PimLease {
  if (lease.endingAt !== undefined) return gone(lease, 'never given', now);
  return moved(lease, cause, { next: 'nothing', awaiting: undefined, doubt: undefined });
}

/** What the wall clock was asked to count is not known any more: each wait for proof begins anew, and what waits is done now. */
function jumped(lease: PimLease, now: Instant): PimLease {
  const released = lease.releasedAt === undefined ? {} : { releasedAt: now };
  const asked = lease.releaseAskedAt === undefined ? {} : { releaseAskedAt: now };
  return { ...lease, ...released, ...asked, countedFrom: now, nextAt: Math.min(lease.nextAt, now) };
}

function resumed(lease: PimLease, now: Instant): PimLease {
  switch (lease.phase) {
    case 'intended':
      return {
        ...ending(lease, 'answer lost', now, { reason: 'activation failed' }),
        problem: { code: 'restarted', message: 'The daemon stopped before the cloud had answered.' },
      };
    case 'assigned':
    case 'usable':
      return now >= lease.notAfter
        ? due(lease, now)
        : { ...lease, doubt: 'Verifying after a restart', checks: 0, tries: 0, next: 'check', nextAt: now };
    default:
      return {
        ...(lease.next === 'release' ? unheard(lease) : lease),
        tries: 0,
        nextAt: lease.next === 'release' && lease.releasableAt ? Math.max(now, Math.min(lease.nextAt, lease.releasableAt)) : now,
      };
  }
}

/** Moves by the table. A cause that moves nothing in this phase changes nothing. */
function moved(lease: PimLease, cause: PimCause, changes: Partial<PimLease>): PimLease {
  const phase = next(lease.phase, cause);
  return phase ? { ...lease, ...changes, phase } : lease;
}

const waitBetween = (tries: number): Millis => checkAgain(4 + tries);
