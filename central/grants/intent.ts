import type { Instant } from '../../protocol/clock.ts';
import type { Person, Problem } from '../../protocol/model.ts';
import type { GrantEvent, GrantLife, LifeRules, Step } from './life.ts';
import { move, named, record, same } from './moves.ts';

/** The first step: the intent. Recorded before the cloud is called. */
export function intend(
  order: Omit<GrantLife, 'state' | 'bind' | 'holdUntil' | 'attempts' | 'createdAt'>,
  now: Instant,
  { grace }: Pick<LifeRules, 'grace'>,
): Step {
  const life: GrantLife = {
    ...order,
    state: 'activating',
    createdAt: now,
    bind: { outcome: 'not sent' },
    holdUntil: now + grace,
    attempts: 0,
  };
  const text = `Asking the cloud to give ${life.holder.name} ${named(life)}`;
  return { life, effects: [record('grant.intended', text), { type: 'call', call: life.follows ? 'prolong' : 'bind' }] };
}

/** While the call waits for its turn nothing has reached the cloud: an end then is known to leave nothing behind. */
export const isUnsent = ({ state, bind }: GrantLife): boolean => state === 'activating' && bind.outcome === 'not sent';

/** The steps of an intent that was not sent. Undefined: as for any other grant. */
export function stepUnsent(life: GrantLife, event: GrantEvent, now: Instant): Step | undefined {
  switch (event.type) {
    case 'sending':
      return same({ ...life, bind: { outcome: 'unknown', calledAt: now } });
    case 'not sent':
    case 'bind failed':
      return neverSent(life, event.problem);
    case 'end':
      return neverSent(life, { code: 'ended', message: 'It was ended before the cloud was asked' }, event.by);
    case 'due':
      return neverSent(life, { code: 'expired', message: 'Its time was over before the cloud was asked' });
    case 'restarted':
      return neverSent(life, { code: 'restarted', message: 'Central stopped before the cloud was asked' });
    default:
      return undefined;
  }
}

function neverSent(life: GrantLife, problem: Problem, by?: Person): Step {
  const failed = move(life, 'never sent');
  if (!failed) return same(life);
  const text = `${life.holder.name} was not given ${named(life)}: ${problem.message}`;
  return {
    life: { ...failed, problem },
    effects: [record('grant.failed', text, by ? { person: by } : undefined), { type: 'fail request', problem }],
  };
}
