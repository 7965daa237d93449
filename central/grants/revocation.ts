import type { Unbound } from '../../cloud/provider.ts';
import { backoff } from '../../protocol/backoff.ts';
import { type Instant, MINUTE, type Millis, SECOND } from '../../protocol/clock.ts';
import { IMPRECISION } from '../../protocol/clock-watch.ts';
import { endBegan, lateAfter } from '../../protocol/lateness.ts';
import type { EndReason, GrantState, Person } from '../../protocol/model.ts';
import { endWords, proofWords } from '../../protocol/record-words.ts';
import type { GrantEffect, GrantLife, LifeRules, Step } from './life.ts';
import { clockTime, move, named, record, same } from './moves.ts';

const FIRST_RETRY: Millis = SECOND;
/** No cloud keeps a right from being taken back for longer after it was given. */
const LONGEST_HOLD: Millis = 5 * MINUTE;
/** Grants of one right wake each other; this is in case that they do not. */
export const SHARED_RETRY: Millis = 5 * SECOND;
/** An end that takes longer than this is said in the record, once. */
const ALARM_AFTER: Millis = MINUTE;

/** The one way in which every end begins. What is ending or over already stays as it is. */
export function end(before: GrantLife, cause: EndReason | 'vanished', now: Instant, by?: Person): Step {
  const life = move(before, cause);
  if (!life) return same(before);
  const reason = cause === 'vanished' ? 'revoked' : cause;
  const ending: GrantLife = {
    ...life,
    endReason: reason,
    endedBy: by,
    endingAt: life.endingAt ?? endBegan(now, life.notAfter),
    awaiting: 'Asking the cloud to take it back',
    attempts: 0,
    act: { call: 'unbind', at: now },
  };
  const text = `Taking ${named(life)} back from ${life.holder.name}: ${endWords(reason)}`;
  return { life: ending, effects: [record('grant.ending', text, by ? { person: by } : undefined)] };
}

export function act(life: GrantLife, shared: { state: GrantState; notAfter: Instant } | undefined, now: Instant): Step {
  if (!life.act) return same(life);
  const { call } = life.act;
  if (life.state !== 'revoking') return { life: { ...life, act: undefined }, effects: [{ type: 'call', call }] };
  if (shared) {
    // References are counted: ending one grant never takes the right from another.
    const awaiting = `Shares its right with another grant until ${clockTime(shared.notAfter)}`;
    return { life: { ...life, awaiting, problem: undefined, shares: true, act: { call: 'unbind', at: now + SHARED_RETRY } }, effects: [] };
  }
  const effects: GrantEffect[] = [{ type: 'call', call }];
  if (call === 'unbind') {
    const data = { attempt: life.attempts + 1 };
    effects.unshift(record('revocation.attempted', `Asking the cloud to take ${named(life)} back from ${life.holder.name}`, { data }));
  }
  const askedAt = call === 'unbind' ? now : life.askedAt;
  return { life: { ...life, shares: undefined, askedAt, act: undefined }, effects };
}

export function unbound(life: GrantLife, answer: Unbound, now: Instant, rules: LifeRules): Step {
  switch (answer.state) {
    case 'accepted': {
      const removed: GrantLife = {
        ...life,
        removedAt: now,
        emptyAt: undefined,
        // Denied since it was asked for: that was this removal. Denied before: that was something else.
        deniedAt: life.deniedAt !== undefined && life.deniedAt >= (life.askedAt ?? now) ? life.deniedAt : undefined,
        problem: undefined,
        attempts: 0,
      };
      const proven = isSettled(life, now, rules) ? goneIfProven(removed, now) : undefined;
      return (
        proven ?? { life: { ...removed, awaiting: 'Waiting until the cloud denies access', act: { call: 'look', at: now } }, effects: [] }
      );
    }
    case 'nothing there':
      return {
        life: {
          ...life,
          emptyAt: life.emptyAt ?? now,
          awaiting: 'Waiting for proof that it is gone',
          problem: undefined,
          act: { call: 'look', at: now },
        },
        effects: [],
      };
    case 'not yet': {
      // By the cloud's clock: this one may have been set back by any length.
      const again = Math.min(Math.max(answer.again, now + FIRST_RETRY), now + LONGEST_HOLD);
      const awaiting = `${answer.why}; the cloud allows the release from ${clockTime(again)}`;
      return alarm({ ...life, releasableAt: again, awaiting, problem: undefined, act: { call: 'unbind', at: again } }, awaiting, now);
    }
    case 'stuck':
      return later({ ...life, problem: answer.problem }, 'unbind', now, rules);
  }
}

export function lookedForProof(life: GrantLife, answer: 'standing' | 'absent', now: Instant, rules: LifeRules): Step {
  const { removedAt, bind } = life;
  const bound = bind.outcome === 'refused' ? 0 : rules.propagation + IMPRECISION;
  if (answer === 'standing') {
    // Lists lag after a removal: ask again to remove it only when they have had their time. Then it is another removal that counts.
    const lags = removedAt !== undefined && now < removedAt + bound && isSettled(life, now, rules);
    return lags ? later(life, 'look', now, rules) : later({ ...life, removedAt: undefined }, 'unbind', now, rules);
  }
  // A list alone proves nothing: it lags after the binding, too.
  if (removedAt === undefined && life.emptyAt === undefined && bind.outcome !== 'refused') return later(life, 'unbind', now, rules);
  // Until then a grant may land and be listed, and a removal that is late itself may take it: an absence counts from then on.
  const arrived = bind.outcome === 'unknown' ? bind.calledAt + rules.longestRequestLife + bound : Number.NEGATIVE_INFINITY;
  const since = removedAt !== undefined && removedAt >= arrived ? removedAt : now;
  const absent: GrantLife = { ...life, removedAt: since, problem: undefined };
  // What was removed last has its time to be enforced.
  const provenAt = Math.max(since, arrived) + bound;
  if (now >= provenAt) return gone(absent, 'absent', now);
  const proven = isSettled(life, now, rules) ? goneIfProven(absent, now) : undefined;
  if (proven) return proven;
  // Accepted and known: nothing more to remove. Otherwise a right may still turn up, and is removed when it does.
  const known = bind.outcome !== 'unknown' && removedAt !== undefined && life.emptyAt === undefined;
  const at = known ? provenAt : Math.min(provenAt, now + backoff(life.attempts + 1, rules.chance));
  const awaiting = `Waiting until the cloud denies access, or ${clockTime(provenAt)}`;
  return alarm({ ...absent, awaiting, attempts: life.attempts + 1, act: { call: known ? 'look' : 'unbind', at } }, awaiting, now);
}

/** A denial proves the end of what worked before. What never did may be on its way still: only time says that it is not. */
export function goneIfProven(life: GrantLife, now: Instant): Step | undefined {
  const { removedAt, deniedAt, usableAt } = life;
  return removedAt === undefined || deniedAt === undefined || usableAt === undefined ? undefined : gone(life, 'denied', now);
}

function gone(life: GrantLife, proof: 'denied' | 'absent', now: Instant): Step {
  const over = move(life, proof === 'denied' ? 'denial proven' : 'absence proven');
  if (!over) return same(life);
  const life_: GrantLife = {
    ...over,
    goneAt: now,
    proof,
    awaiting: undefined,
    problem: undefined,
    releasableAt: undefined,
    act: undefined,
  };
  const seenBy = proof === 'denied' ? 'holder' : 'central';
  const late = { lateBy: Math.max(0, now - (life.endingAt ?? now)), lateAfter: lateAfter(life), data: { seenBy } };
  return { life: life_, effects: [record('grant.gone', `${life.holder.name} no longer has ${named(life)}: ${proofWords(proof)}`, late)] };
}

/** Again later, for ever. */
export function later(life: GrantLife, call: 'unbind' | 'look', now: Instant, rules: LifeRules): Step {
  const at = now + backoff(life.attempts + 1, rules.chance);
  return alarm({ ...life, attempts: life.attempts + 1, act: { call, at } }, life.problem?.message ?? 'The cloud still lists it', now);
}

function alarm(life: GrantLife, why: string, now: Instant): Step {
  if (life.alarmed || now - (life.endingAt ?? now) < ALARM_AFTER) return same(life);
  return {
    life: { ...life, alarmed: true },
    effects: [record('revocation.delayed', `${life.holder.name} may still have ${named(life)}. ${why}`)],
  };
}

/** No late grant can land any more. */
export const isSettled = ({ bind }: GrantLife, now: Instant, { longestRequestLife }: LifeRules): boolean =>
  bind.outcome !== 'unknown' || now >= bind.calledAt + longestRequestLife;
