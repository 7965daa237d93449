import type { Bound } from '../../cloud/provider.ts';
import { type Instant, type Millis, SECOND } from '../../protocol/clock.ts';
import { mayStand } from '../../protocol/lifecycle.ts';
import type { Problem } from '../../protocol/model.ts';
import { isUnsent, stepUnsent } from './intent.ts';
import { type GrantEffect, type GrantEvent, type GrantLife, isLive, type LifeRules, type Step } from './life.ts';
import { move, named, record, same } from './moves.ts';
import { act, end, goneIfProven, isSettled, later, lookedForProof, retryAfter, unbound } from './revocation.ts';

/** The clock of a person's machine may differ by so much from central's. */
const SKEW: Millis = 5 * SECOND;

/**
 * The whole life of a grant after its intent. Pure and total: an event that means nothing in this state changes nothing.
 */
export function step(life: GrantLife, event: GrantEvent, now: Instant, rules: LifeRules): Step {
  const unsent = isUnsent(life) ? stepUnsent(life, event, now) : undefined;
  if (unsent) return unsent;
  switch (event.type) {
    case 'sending':
    case 'not sent':
      return same(life);
    case 'bound':
      return bound(life, event.bound, now, rules);
    case 'bind failed':
      return bindFailed(life, event.problem, now);
    case 'observed':
      return event.access === 'allowed' ? allowed(life, now) : denied(life, event.at, now, rules);
    case 'heartbeat':
      return heartbeat(life, event.instance, now, rules);
    case 'end':
      return isLive(life) ? end(life, event.reason, now, event.by) : same(life);
    case 'due':
      return isLive(life) ? end({ ...life, endingAt: Math.min(now, life.notAfter) }, 'expired', now) : same(life);
    case 'hold lost':
      return isLive(life) ? holdLost(life, now) : same(life);
    case 'act':
      return act(life, event.shared, now);
    case 'unbound':
      return life.state === 'revoking' ? unbound(life, event.answer, now, rules) : same(life);
    case 'unbind failed':
      return life.state === 'revoking' ? later({ ...life, problem: event.problem }, 'unbind', now, rules) : same(life);
    case 'looked':
      return life.state === 'revoking' ? lookedForProof(life, event.answer, now, rules) : lookedForLife(life, event.answer, now);
    case 'look failed':
      return lookFailed(life, event.problem, now, rules);
    case 'superseded':
      return superseded(life, event.by, now);
    case 'restarted':
      return restarted(life, now, rules);
  }
}

function bound(life: GrantLife, answer: Bound, now: Instant, { grace }: LifeRules): Step {
  if (life.bind.outcome !== 'unknown' || !mayStand(life.state)) return same(life);
  if (answer.state === 'pending approval') {
    const message = 'The cloud wants approval of its own, which central cannot wait for';
    return bindFailed(
      life,
      { code: 'cloud-approval', message, wayOut: 'Let the identity of central assign this role without approval' },
      now,
    );
  }
  if (answer.state === 'refused') {
    const known: GrantLife = { ...life, bind: { ...life.bind, outcome: 'refused' }, problem: answer.problem };
    if (life.state !== 'activating') return { life: { ...known, act: { call: 'look', at: now } }, effects: [] };
    const failed = move(known, 'failed');
    const text = `The cloud did not give ${life.holder.name} ${named(life)}: ${answer.problem.message}`;
    return { life: failed, effects: [record('grant.failed', text), { type: 'fail request', problem: answer.problem }] };
  }
  const known: GrantLife = { ...life, bind: { ...life.bind, outcome: 'assigned' }, releasableAt: answer.releasableAt };
  if (life.state !== 'activating') {
    // It landed after its end was asked for: whatever was removed before was removed too early.
    return {
      life: {
        ...known,
        removedAt: undefined,
        emptyAt: undefined,
        deniedAt: undefined,
        absentAt: undefined,
        act: { call: 'unbind', at: now },
      },
      effects: [],
    };
  }
  const assigned: GrantLife = { ...move(known, 'assigned'), holdUntil: now + grace };
  const effects: GrantEffect[] = [record('grant.assigned', `The cloud gave ${life.holder.name} ${named(life)}`)];
  if (life.follows) effects.push({ type: 'supersede', grantId: life.follows });
  return { life: assigned, effects };
}

/** The outcome is not known: it may have been given, or may still be. It is taken back until it is known to be gone. */
function bindFailed(life: GrantLife, problem: Problem, now: Instant): Step {
  if (life.state !== 'activating') return same(life);
  const ended = end({ ...life, problem }, 'activation failed', now);
  const unknown = record('grant.unknown', `It is not known whether the cloud gave ${life.holder.name} ${named(life)}: ${problem.message}`);
  return { life: ended.life, effects: [unknown, ...ended.effects, { type: 'fail request', problem }] };
}

function allowed(life: GrantLife, now: Instant): Step {
  if (life.state !== 'assigned') return same(life);
  const text = `${life.holder.name} can use ${named(life)}`;
  return {
    life: { ...move(life, 'usable'), usableAt: life.usableAt ?? now },
    effects: [record('grant.usable', text, { data: { seenBy: 'holder' } })],
  };
}

function denied(life: GrantLife, at: Instant, now: Instant, rules: LifeRules): Step {
  if (life.state === 'usable') {
    const text = `${life.holder.name} is denied what ${named(life)} allows, so the cloud is asked whether it still stands`;
    return { life: { ...move(life, 'unknown'), act: { call: 'look', at: now } }, effects: [record('grant.unknown', text)] };
  }
  // Before the removal was asked for, or while a late grant may still land, a denial proves nothing.
  if (life.state !== 'revoking' || life.askedAt === undefined || at + SKEW < life.askedAt || !isSettled(life, now, rules))
    return same(life);
  const seen: GrantLife = { ...life, deniedAt: now };
  if (life.removedAt === undefined) return same(seen);
  return goneIfProven(seen, now) ?? { life: { ...seen, act: { call: 'look', at: now } }, effects: [] };
}

function heartbeat(life: GrantLife, instance: string, now: Instant, { grace }: LifeRules): Step {
  if (!isLive(life)) return same(life);
  const held: GrantLife = { ...life, instance, holdUntil: now + grace };
  if (life.instance === instance) return same(held);
  const first = life.instance === undefined;
  const text = `The daemon of ${life.holder.name} ${first ? 'holds' : 'holds again'} ${named(life)}`;
  return { life: held, effects: [record(first ? 'lease.taken' : 'lease.resumed', text, { data: { instance } })] };
}

function holdLost(life: GrantLife, now: Instant): Step {
  const ended = end(life, 'lease lost', now);
  const text = `The daemon of ${life.holder.name} has gone silent, so it no longer holds ${named(life)}`;
  return { life: ended.life, effects: [record('lease.lost', text), ...ended.effects] };
}

function lookedForLife(life: GrantLife, answer: 'standing' | 'absent', now: Instant): Step {
  if (life.state !== 'assigned' && life.state !== 'usable' && life.state !== 'unknown') return same(life);
  if (answer === 'absent') {
    const message = 'The cloud does not have this right any more';
    return end({ ...life, problem: { code: 'not-found-in-cloud', message } }, 'revoked', now);
  }
  if (life.state !== 'unknown') return same({ ...life, attempts: 0 });
  const back: GrantLife = { ...move(life, 'assigned'), attempts: 0, problem: undefined };
  return { life: back, effects: [record('grant.assigned', `The cloud still gives ${life.holder.name} ${named(life)}`)] };
}

function lookFailed(life: GrantLife, problem: Problem, now: Instant, rules: LifeRules): Step {
  if (life.state === 'revoking') return later({ ...life, problem }, life.removedAt === undefined ? 'unbind' : 'look', now, rules);
  if (!isLive(life) || life.state === 'activating') return same(life);
  const retry: GrantLife = {
    ...life,
    problem,
    attempts: life.attempts + 1,
    act: { call: 'look', at: now + retryAfter(life.attempts, rules) },
  };
  if (life.state === 'unknown') return same(retry);
  const text = `It is not known whether ${life.holder.name} still has ${named(life)}: ${problem.message}`;
  return { life: move(retry, 'unknown'), effects: [record('grant.unknown', text)] };
}

function superseded(life: GrantLife, by: string, now: Instant): Step {
  if (life.state === 'gone' || life.state === 'failed') return same(life);
  const ended = life.state === 'revoking' ? same(life) : end(life, 'superseded', now);
  const life_: GrantLife = { ...move(ended.life, 'gone'), goneAt: now, awaiting: undefined, problem: undefined, act: undefined };
  const text = `${named(life)} goes on for ${life.holder.name} under a later grant`;
  return { life: life_, effects: [...ended.effects, record('grant.gone', text, { data: { successor: by, seenBy: 'central' } })] };
}

function restarted(life: GrantLife, now: Instant, rules: LifeRules): Step {
  switch (life.state) {
    case 'activating':
      return bindFailed(life, { code: 'restarted', message: 'Central stopped while the cloud was being asked' }, now);
    case 'assigned':
    case 'usable':
    case 'unknown':
      // Nobody could be heard while central was down.
      return same({ ...life, holdUntil: Math.max(life.holdUntil, now + rules.grace), act: { call: 'look', at: now } });
    case 'revoking':
      return same({ ...life, act: { call: 'unbind', at: now } });
    case 'gone':
    case 'failed':
      return same(life);
  }
}
