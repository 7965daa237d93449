import type { Bound } from '../../cloud/provider.ts';
import { backoff } from '../../protocol/backoff.ts';
import { type Instant, type Millis, SECOND } from '../../protocol/clock.ts';
import { endBegan } from '../../protocol/lateness.ts';
import { mayStand } from '../../protocol/lifecycle.ts';
import type { Problem } from '../../protocol/model.ts';
import { isUnsent, stepUnsent } from './intent.ts';
import { type GrantEffect, type GrantEvent, type GrantLife, isLive, type LifeRules, type Step } from './life.ts';
import { move, named, record, same } from './moves.ts';
import { act, end, goneIfProven, isSettled, later, lookedForProof, SHARED_RETRY, unbound } from './revocation.ts';

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
      return end(life, event.reason, now, event.by);
    case 'due':
      return isLive(life) ? end({ ...life, endingAt: endBegan(now, life.notAfter) }, 'expired', now) : same(life);
    case 'hold lost':
      return holdLost(life, now);
    case 'act':
      return act(life, event.shared, now);
    case 'not asked':
      return life.state === 'revoking' ? notAsked(life, now) : same(life);
    case 'unbound':
      return life.state === 'revoking' ? unbound(life, event.answer, now, rules) : same(life);
    case 'unbind failed':
      return life.state === 'revoking' ? later({ ...unheard(life), problem: event.problem }, 'unbind', now, rules) : same(life);
    case 'looked':
      return life.state === 'revoking' ? lookedForProof(life, event.answer, now, rules) : lookedForLife(life, event.answer, now);
    case 'look failed':
      return lookFailed(life, event.problem, now, rules);
    case 'unlisted':
      return isLive(life) && life.state !== 'activating' ? same({ ...life, act: { call: 'look', at: now } }) : same(life);
    case 'superseded':
      return superseded(life, event.by, now);
    case 'clock jumped':
      return clockJumped(life, now);
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
    const failed = move(known, 'refused by the cloud');
    if (!failed) return { life: { ...known, act: { call: 'look', at: now } }, effects: [] };
    const text = `The cloud did not give ${life.holder.name} ${named(life)}: ${answer.problem.message}`;
    return { life: failed, effects: [record('grant.failed', text), { type: 'fail request', problem: answer.problem }] };
  }
  const known: GrantLife = { ...life, bind: { ...life.bind, outcome: 'assigned' }, releasableAt: answer.releasableAt };
  const given = move(known, 'given by the cloud');
  if (!given) {
    // It landed after its end was asked for: whatever was removed before was removed too early.
    return {
      life: {
        ...known,
        removedAt: undefined,
        emptyAt: undefined,
        deniedAt: undefined,
        act: { call: 'unbind', at: now },
      },
      effects: [],
    };
  }
  const assigned: GrantLife = { ...given, holdUntil: now + grace };
  const effects: GrantEffect[] = [record('grant.assigned', `The cloud gave ${life.holder.name} ${named(life)}`)];
  if (life.follows) effects.push({ type: 'supersede', grantId: life.follows });
  return { life: assigned, effects };
}

/** The outcome is not known: it may have been given, or may still be. It is taken back until it is known to be gone. */
function bindFailed(life: GrantLife, problem: Problem, now: Instant): Step {
  const ended = end({ ...life, problem }, 'activation failed', now);
  if (ended.effects.length === 0) return same(life);
  const unknown = record('grant.unknown', `It is not known whether the cloud gave ${life.holder.name} ${named(life)}: ${problem.message}`);
  return { life: ended.life, effects: [unknown, ...ended.effects, { type: 'fail request', problem }] };
}

function allowed(life: GrantLife, now: Instant): Step {
  const usable = move(life, 'used by the holder');
  if (!usable) return same(life);
  const text = `${life.holder.name} can use ${named(life)}`;
  return {
    life: { ...usable, usableAt: life.usableAt ?? now },
    effects: [record('grant.usable', text, { data: { seenBy: 'holder' } })],
  };
}

function denied(life: GrantLife, at: Instant, now: Instant, rules: LifeRules): Step {
  const doubted = move(life, 'denied to the holder');
  if (doubted) {
    const text = `${life.holder.name} is denied what ${named(life)} allows, so the cloud is asked whether it still stands`;
    return { life: { ...doubted, act: { call: 'look', at: now } }, effects: [record('grant.unknown', text)] };
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
  if (ended.effects.length === 0) return same(life);
  const text = `The daemon of ${life.holder.name} has gone silent, so it no longer holds ${named(life)}`;
  return { life: ended.life, effects: [record('lease.lost', text), ...ended.effects] };
}

function lookedForLife(life: GrantLife, answer: 'standing' | 'absent', now: Instant): Step {
  if (life.state !== 'assigned' && life.state !== 'usable' && life.state !== 'unknown') return same(life);
  if (answer === 'absent') {
    const message = 'The cloud does not have this right any more';
    return end({ ...life, problem: { code: 'not-found-in-cloud', message } }, 'vanished', now);
  }
  const back = move(life, 'still listed');
  if (!back) return same({ ...life, attempts: 0 });
  return {
    life: { ...back, attempts: 0, problem: undefined },
    effects: [record('grant.assigned', `The cloud still gives ${life.holder.name} ${named(life)}`)],
  };
}

function lookFailed(life: GrantLife, problem: Problem, now: Instant, rules: LifeRules): Step {
  if (life.state === 'revoking') return later({ ...life, problem }, life.removedAt === undefined ? 'unbind' : 'look', now, rules);
  if (!isLive(life) || life.state === 'activating') return same(life);
  const retry: GrantLife = {
    ...life,
    problem,
    attempts: life.attempts + 1,
    act: { call: 'look', at: now + backoff(life.attempts + 1, rules.chance) },
  };
  const doubted = move(retry, 'not answered');
  if (!doubted) return same(retry);
  const text = `It is not known whether ${life.holder.name} still has ${named(life)}: ${problem.message}`;
  return { life: doubted, effects: [record('grant.unknown', text)] };
}

function superseded(life: GrantLife, by: string, now: Instant): Step {
  const ended = end(life, 'superseded', now);
  const over = move(ended.life, 'taken over');
  if (!over) return same(life);
  const life_: GrantLife = { ...over, goneAt: now, awaiting: undefined, problem: undefined, act: undefined };
  const text = `${named(life)} goes on for ${life.holder.name} under a later grant`;
  return { life: life_, effects: [...ended.effects, record('grant.gone', text, { data: { successor: by, seenBy: 'central' } })] };
}

/** What was read from the clock before tells no length of time any more: every wait for proof begins anew. */
function clockJumped(life: GrantLife, now: Instant): Step {
  const { bind, askedAt, removedAt, act } = life;
  if (!mayStand(life.state) || (bind.outcome !== 'unknown' && askedAt === undefined && removedAt === undefined && !act)) return same(life);
  const anew = (at: Instant | undefined) => (at === undefined ? undefined : now);
  return same({
    ...life,
    bind: bind.outcome === 'unknown' ? { ...bind, calledAt: now } : bind,
    askedAt: anew(askedAt),
    removedAt: anew(removedAt),
    ...(act && { act: { ...act, at: now } }),
  });
}

/** The record has the attempt already: what was said there is taken back. */
function notAsked(life: GrantLife, now: Instant): Step {
  const text = `The cloud was not asked after all: another grant holds ${named(life)}`;
  const data = { outcome: 'not asked' };
  return { life: { ...life, act: { call: 'unbind', at: now + SHARED_RETRY } }, effects: [record('revocation.attempted', text, { data })] };
}

/** What became of a removal is not known: when the cloud has nothing to remove next, it may have gone only then. */
const unheard = (life: GrantLife): GrantLife => (life.emptyAt === undefined ? life : { ...life, removedAt: undefined });

function restarted(life: GrantLife, now: Instant, rules: LifeRules): Step {
  switch (life.state) {
    case 'activating':
      return bindFailed(life, { code: 'restarted', message: 'Central stopped while the cloud was being asked' }, now);
    case 'assigned':
    case 'usable':
    case 'unknown':
      // Nobody could be heard while central was down.
      return same({ ...life, holdUntil: now + rules.grace, act: { call: 'look', at: now } });
    case 'revoking':
      return same({ ...unheard(life), act: { call: 'unbind', at: now } });
    case 'gone':
    case 'failed':
      return same(life);
  }
}
