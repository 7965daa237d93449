import { backoff } from '../../protocol/backoff.ts';
import { type Instant, MINUTE, SECOND } from '../../protocol/clock.ts';
import { endBegan } from '../../protocol/lateness.ts';
import type { Grant } from '../../protocol/model.ts';
import {
  type CentralLease,
  type CentralLeaseEffect,
  type CentralLeaseEvent,
  type CentralLeaseRules,
  type CentralLeaseStep,
  Ending,
  isEnding,
  isOver,
  type LeaseBasis,
  named,
} from './lease.ts';
import { type From, LEASE_LIFE, type LeaseCause, type LeasePhase, type To } from './lease-table.ts';

/** Renewals are this often within the time that central gives. */
const PER_HOLD = 5;
/** An end that takes longer is told. */
const ALARM_AFTER = MINUTE;

/** A new hold on a grant: durable first, then renewed. */
export function takeLease(grant: Grant, basis: LeaseBasis): CentralLeaseStep {
  return {
    lease: { phase: 'holding', grant, ...basis, end: grant.notAfter, tries: 0, alarmed: false },
    effects: [keep, record('lease.taken', `This daemon holds ${named(grant)}`), show, beat],
  };
}

/** The life of a lease on a grant of central's. Pure and total: an event that means nothing in this phase changes nothing. */
export function leaseStep(lease: CentralLease, event: CentralLeaseEvent, now: Instant, rules: CentralLeaseRules): CentralLeaseStep {
  switch (event.type) {
    case 'resumed':
      return resumed(lease, event.known, now);
    case 'shown':
      return shown(lease, event.grant, now);
    case 'not known':
      return notKnown(lease, now);
    case 'due':
      if (inPhase(lease, 'holding')) return ask(move(lease, 'due instant passed'), 'expired', now);
      return inPhase(lease, 'over', 'lost') ? { lease: undefined, effects: [] } : same(lease);
    case 'end':
      return inPhase(lease, 'holding') ? ask(move(lease, 'end wanted'), event.because, now) : same(lease);
    case 'act':
      return act(lease);
    case 'renewed':
      return heldUntil(lease, Math.max(SECOND, Math.min(MINUTE, (event.holdUntil - now) / PER_HOLD)), now);
    case 'not renewed':
      // When it is ending, central's feed says how; asking seldom is for a feed that does not.
      return heldUntil(lease, event.why === 'ending' ? MINUTE : event.why === 'refused' ? 5 * SECOND : 2 * SECOND, now);
    case 'answered':
      return answered(lease, event, now, rules);
  }
}

function resumed(before: CentralLease, known: Grant | undefined, now: Instant): CentralLeaseStep {
  if (inPhase(before, 'over', 'lost')) return same(before);
  const effects = [record('lease.resumed', `This daemon holds ${named(before.grant)} again after a restart`)];
  const asking = inPhase(before, 'asking') ? began(before, now) : {};
  const lease: CentralLease = { ...before, ...asking, actAt: inPhase(before, 'holding', 'asking') ? now : undefined };
  if (!known) return { lease: { ...lease, doubt: 'Verifying after a restart' }, effects: [...effects, show] };
  const after = shown(lease, known, now);
  return { lease: after.lease, effects: [...effects, ...after.effects] };
}

function shown(before: CentralLease, grant: Grant, now: Instant): CentralLeaseStep {
  const end = Math.min(before.end, grant.notAfter);
  const changed = grant.state !== before.grant.state || end !== before.end;
  const lease: CentralLease = { ...before, doubt: undefined, grant, end };
  const over = isOver(grant);
  const effects = changed ? [over ? { ...keep, endedAt: grant.goneAt ?? now } : keep, show] : [show];
  if (over) {
    const moves = inPhase(lease, 'holding', 'asking', 'accepted', 'ending', 'lost');
    return { lease: moves ? quiet(move(lease, 'shown as over')) : lease, effects };
  }
  if (isEnding(grant)) {
    const moves = inPhase(lease, 'holding', 'asking', 'accepted', 'over', 'lost');
    return { lease: moves ? quiet(move(lease, 'shown as ending')) : lease, effects };
  }
  // It was ending once, and central has lost that: from a copy of yesterday, perhaps.
  if (inPhase(lease, 'ending', 'over')) return ask(move(lease, 'shown alive after its end'), endOf(before), now);
  if (inPhase(lease, 'lost')) {
    if (before.ending !== undefined || isEnding(before.grant)) return ask(move(lease, 'known again, end wanted'), endOf(before), now);
    return { lease: move(lease, 'known again'), effects: [keep, show, beat] };
  }
  return { lease, effects };
}

/** Nothing of it can be held. It is remembered, for who forgets a grant may remember it again. */
function notKnown(lease: CentralLease, now: Instant): CentralLeaseStep {
  if (!inPhase(lease, 'holding', 'asking', 'accepted', 'ending')) return same(lease);
  const text = `Central does not know ${named(lease.grant)} any more`;
  return { lease: quiet(move(lease, 'not known to central')), effects: [record('lease.lost', text), { type: 'keep', endedAt: now }] };
}

/** Wants the end, for ever: durable first, then asked for at once, and until central shows it. */
function ask(lease: CentralLease<'asking'>, because: Ending, now: Instant): CentralLeaseStep {
  const asking = { ...lease, ...began({ ...lease, ending: because }, now), tries: 0, actAt: undefined };
  return { lease: asking, effects: [keep, show, revoke(because)] };
}

const began = ({ ending, end, endingAt, awaiting }: CentralLease, now: Instant): Partial<CentralLease> => ({
  ending,
  endingAt: endingAt ?? endBegan(now, end),
  awaiting: awaiting ?? 'Asking central to end it',
});

function act(lease: CentralLease): CentralLeaseStep {
  if (inPhase(lease, 'holding')) return { lease: { ...lease, actAt: undefined }, effects: [beat] };
  if (inPhase(lease, 'asking', 'accepted') && lease.ending !== undefined)
    return { lease: { ...lease, actAt: undefined }, effects: [revoke(lease.ending)] };
  return same(lease);
}

const heldUntil = (lease: CentralLease, renewIn: number, now: Instant): CentralLeaseStep =>
  inPhase(lease, 'holding') ? { lease: { ...lease, actAt: now + renewIn }, effects: [] } : same(lease);

function answered(
  before: CentralLease,
  event: Extract<CentralLeaseEvent, { type: 'answered' }>,
  now: Instant,
  rules: CentralLeaseRules,
): CentralLeaseStep {
  if (!inPhase(before, 'asking', 'accepted')) return same(before);
  const tries = before.tries + 1;
  const lease = { ...before, tries, actAt: now + backoff(tries, rules.random), awaiting: awaits(event) };
  const effects: CentralLeaseEffect[] = [];
  if (tries === 1) {
    const text = ATTEMPTED[event.answer](named(lease.grant));
    effects.push(record('revocation.attempted', text, { data: { outcome: event.answer } }));
  }
  const delayed = late(lease, now);
  if (delayed) effects.push(delayed);
  const alarmed = lease.alarmed || delayed !== undefined;
  effects.push(show);
  if (event.answer === 'accepted' && inPhase(lease, 'asking')) return { lease: { ...move(lease, 'end accepted'), alarmed }, effects };
  if (event.answer === 'refused' && inPhase(lease, 'accepted'))
    return { lease: { ...move(lease, 'end refused after all'), alarmed }, effects };
  return { lease: { ...lease, alarmed }, effects };
}

function late({ alarmed, endingAt, ending, grant }: CentralLease, now: Instant): CentralLeaseEffect | undefined {
  const lateBy = now - (endingAt ?? now);
  if (alarmed || lateBy < ALARM_AFTER) return undefined;
  const text = `Central does not show the end of ${named(grant)} yet`;
  return record('revocation.delayed', text, { lateBy, lateAfter: ending === 'expired' ? 'due' : 'asked' });
}

function awaits(event: Extract<CentralLeaseEvent, { type: 'answered' }>): string {
  switch (event.answer) {
    case 'accepted':
      return 'Central has accepted the end, and does not show it yet';
    case 'unanswered':
      return 'Central does not answer; it is asked again until it does';
    case 'refused':
      return event.why;
  }
}

const ATTEMPTED = {
  accepted: (which: string) => `Central accepted the end of ${which}`,
  refused: (which: string) => `Central refused to end ${which}, and is asked again`,
  unanswered: (which: string) => `Central did not answer when asked to end ${which}, and is asked again`,
};

/** Why it ended, in the words of those who may ask central for an end. */
function endOf({ ending, grant }: CentralLease): Ending {
  return ending ?? Ending.options.find((option) => option === grant.endReason) ?? 'revoked';
}

/** Moves by the table. A cause that means nothing in this phase does not compile. */
function move<Cause extends LeaseCause>(lease: CentralLease<From<Cause>>, cause: Cause): CentralLease<To<Cause>> {
  const causes: Partial<Record<LeaseCause, LeasePhase>> = LEASE_LIFE[lease.phase];
  return { ...lease, phase: causes[cause] as To<Cause> };
}

const quiet = (lease: CentralLease): CentralLease => ({ ...lease, actAt: undefined, awaiting: undefined });

function inPhase<Phase extends LeasePhase>(lease: CentralLease, ...phases: Phase[]): lease is CentralLease<Phase> {
  return phases.some((phase) => phase === lease.phase);
}

const same = (lease: CentralLease): CentralLeaseStep => ({ lease, effects: [] });
const keep = { type: 'keep' } as const;
const show: CentralLeaseEffect = { type: 'show' };
const beat: CentralLeaseEffect = { type: 'call', call: 'heartbeat' };
const revoke = (because: Ending): CentralLeaseEffect => ({ type: 'call', call: 'revoke', because });
const record = (
  kind: Extract<CentralLeaseEffect, { type: 'record' }>['kind'],
  text: string,
  more?: Extract<CentralLeaseEffect, { type: 'record' }>['more'],
): CentralLeaseEffect => ({ type: 'record', kind, text, ...(more ? { more } : {}) });
