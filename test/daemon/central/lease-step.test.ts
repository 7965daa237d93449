import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type CentralLease,
  type CentralLeaseEffect,
  type CentralLeaseEvent,
  keptOf,
  readLease,
  shownOf,
} from '../../../daemon/central/lease.ts';
import { leaseStep, takeLease } from '../../../daemon/central/lease-step.ts';
import { LEASE_LIFE, type LeasePhase } from '../../../daemon/central/lease-table.ts';
import { HOUR, MINUTE, SECOND } from '../../../protocol/clock.ts';
import { GrantState } from '../../../protocol/model.ts';
import { ALICE, grantId, RESOURCE, ROLE, requestId } from '../support/cloud.ts';

const START = 1_000_000_000;
const END = START + 30 * MINUTE;

const grant = (state: GrantState, notAfter = END) => ({
  id: grantId(1),
  requestId: requestId(1),
  authority: 'central' as const,
  resource: RESOURCE,
  role: { id: ROLE.id, title: ROLE.title, enforcement: 'native' as const },
  holder: ALICE,
  mine: true,
  reason: 'r',
  state,
  createdAt: START,
  notAfter,
  extendable: { ok: true },
});

/** What happens on this machine, whether or not central can be reached. */
const alone = fc.oneof(
  fc.constant<CentralLeaseEvent>({ type: 'due' }),
  fc.constantFrom<CentralLeaseEvent>(
    { type: 'end', because: 'revoked' },
    { type: 'end', because: 'window closed' },
    { type: 'end', because: 'daemon stopped' },
  ),
  fc.constant<CentralLeaseEvent>({ type: 'act' }),
  fc.constant<CentralLeaseEvent>({ type: 'not renewed', why: 'unanswered' }),
  fc.constant<CentralLeaseEvent>({ type: 'answered', answer: 'unanswered' }),
);

/** What central says, in any order: it may be a replica that lags, or a copy of yesterday. */
const told = fc
  .oneof(
    { weight: 4, arbitrary: fc.record({ state: fc.constantFrom(...GrantState.options), by: fc.integer({ min: -HOUR, max: HOUR }) }) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  )
  .map((said): CentralLeaseEvent => (said ? { type: 'shown', grant: grant(said.state, END + said.by) } : { type: 'not known' }));

const answers = fc.constantFrom<CentralLeaseEvent>(
  { type: 'renewed', holdUntil: START + 5 * MINUTE },
  { type: 'renewed', holdUntil: END + 9 * HOUR },
  { type: 'not renewed', why: 'ending' },
  { type: 'not renewed', why: 'refused' },
  { type: 'answered', answer: 'accepted' },
  { type: 'answered', answer: 'refused', why: 'not now' },
);

const events = fc.oneof({ weight: 3, arbitrary: alone }, { weight: 3, arbitrary: told }, { weight: 2, arbitrary: answers });
/** `crash`: the daemon is killed before the event, and resumes from what was kept. */
const moment = (event: typeof events) => fc.record({ event, wait: fc.integer({ min: -HOUR, max: 2 * MINUTE }), crash: fc.boolean() });
const life = fc.array(moment(events), { maxLength: 40 });

interface Seen {
  before: CentralLease;
  event: CentralLeaseEvent;
  after: CentralLease;
  effects: CentralLeaseEffect[];
  kept: string;
}

/** Plays one life. The clock goes both ways: it may be set. */
function play(moments: { event: CentralLeaseEvent; wait: number; crash: boolean }[], see: (seen: Seen) => void): CentralLease {
  const begun = takeLease(grant('assigned'), { actions: ROLE.actions });
  assert.ok(begun.lease);
  let [lease, kept, now] = [begun.lease, keptOf(begun.lease), START];
  const take = (event: CentralLeaseEvent): boolean => {
    const before = lease;
    const { lease: after, effects } = leaseStep(before, event, now, { random: 0.5 });
    if (!after) return false;
    lease = after;
    if (effects.some(({ type }) => type === 'keep')) kept = keptOf(after);
    see({ before, event, after, effects, kept });
    return true;
  };
  for (const { event, wait, crash } of moments) {
    now += wait;
    if (crash) {
      const again = readLease(kept);
      assert.ok(again, 'what was kept is understood');
      lease = again;
      if (!take({ type: 'resumed' })) return lease;
    }
    if (!take(event)) return lease;
  }
  return lease;
}

test('a lease never ends later than any end that central named, and a renewal never moves it', () => {
  fc.assert(
    fc.property(life, (moments) => {
      let earliest = END;
      play(moments, ({ before, event, after }) => {
        if (event.type === 'shown') earliest = Math.min(earliest, event.grant.notAfter);
        assert.ok(after.end <= before.end, 'never lengthened');
        assert.equal(after.end, earliest);
        if (event.type === 'renewed') assert.equal(after.end, before.end);
      });
    }),
    { numRuns: 2_000 },
  );
});

test('an end is never taken back, and what is to end is never shown as power', () => {
  fc.assert(
    fc.property(life, (moments) => {
      let wanted = false;
      play(moments, ({ event, after }) => {
        wanted ||= after.phase !== 'holding' && after.phase !== 'lost';
        if (event.type === 'end' && after.phase === 'holding') assert.fail('an end that is wanted begins');
        if (!wanted) return;
        assert.notEqual(after.phase, 'holding');
        const { state } = shownOf(after);
        if (after.phase !== 'lost')
          assert.ok(state === 'revoking' || state === 'gone' || state === 'failed', `${after.phase} is shown as ${state}`);
      });
    }),
    { numRuns: 2_000 },
  );
});

test('an end is never dropped: it is asked for again until central shows it, and is durable before central hears of it', () => {
  fc.assert(
    fc.property(life, (moments) => {
      let underWay = false;
      play(moments, ({ before, event, after, effects, kept }) => {
        if (before.ending !== undefined) assert.equal(after.ending, before.ending, 'and keeps its reason');
        if (event.type === 'resumed' || event.type === 'answered') underWay = false;
        for (const [at, effect] of effects.entries()) {
          if (effect.type !== 'call' || effect.call !== 'revoke') continue;
          underWay = true;
          const durable = readLease(kept)?.ending !== undefined;
          assert.ok(durable && (before.ending !== undefined || effects.slice(0, at).some(({ type }) => type === 'keep')));
        }
        if (after.phase === 'asking' || after.phase === 'accepted')
          assert.ok(underWay || after.actAt !== undefined, 'somebody asks, or will');
      });
    }),
    { numRuns: 2_000 },
  );
});

test('killed at any moment, the next daemon knows the same end and the same will', () => {
  fc.assert(
    fc.property(life, (moments) => {
      play(moments, ({ after, kept }) => {
        const again = readLease(kept);
        assert.equal(again?.end, after.end);
        assert.equal(again?.ending, after.ending);
        assert.equal(
          again?.phase === 'holding' && after.phase !== 'holding' && after.phase !== 'lost',
          false,
          'nothing comes back to life',
        );
      });
    }),
    { numRuns: 2_000 },
  );
});

test('without central a daemon can only end things', () => {
  fc.assert(
    fc.property(fc.array(moment(alone), { maxLength: 40 }), (moments) => {
      let ended = false;
      const last = play(moments, ({ after, effects }) => {
        ended ||= after.phase !== 'holding';
        assert.ok(after.phase === (ended ? 'asking' : 'holding'));
        assert.ok(
          effects.every(({ type }) => type !== 'keep' || ended),
          'nothing but an end is written',
        );
        assert.equal(after.end, END);
      });
      assert.equal(last.phase === 'holding', !moments.some(({ event }) => event.type === 'due' || event.type === 'end'));
    }),
    { numRuns: 1_000 },
  );
});

test('a lease moves by its table alone, and by all of it', () => {
  const taken = new Set<string>();
  fc.assert(
    fc.property(life, (moments) => {
      play(moments, ({ before, after, event }) => {
        if (event.type === 'resumed' || before.phase === after.phase) return;
        const next: Record<string, LeasePhase> = LEASE_LIFE[before.phase];
        assert.ok(Object.values(next).includes(after.phase), `${before.phase} → ${after.phase} on ${event.type}`);
        taken.add(`${before.phase} → ${after.phase}`);
      });
    }),
    { numRuns: 5_000, seed: 1 },
  );
  const all = Object.entries(LEASE_LIFE).flatMap(([from, causes]) => Object.values(causes).map((to) => `${from} → ${to}`));
  assert.deepEqual([...taken].sort(), [...new Set(all)].sort());
});

test('what has ended is remembered until its own instant, and then forgotten', () => {
  const { lease } = takeLease(grant('assigned'), { actions: ROLE.actions });
  assert.ok(lease);
  const over = leaseStep(lease, { type: 'shown', grant: grant('gone') }, START + MINUTE, { random: 0 });
  assert.equal(over.lease?.phase, 'over');
  assert.ok(over.lease);
  const back = leaseStep(over.lease, { type: 'shown', grant: grant('usable') }, START + 2 * MINUTE, { random: 0 });
  assert.equal(back.lease?.phase, 'asking');
  assert.deepEqual(back.effects.at(-1), { type: 'call', call: 'revoke', because: 'revoked' });
  assert.equal(leaseStep(over.lease, { type: 'due' }, END, { random: 0 }).lease, undefined);
});

test('a journal of before is understood: what it does not say is taken from the grant', () => {
  const old = readLease(JSON.stringify({ grant: grant('usable'), actions: ['a'], ending: 'revoked' }));
  assert.equal(old?.phase, 'asking');
  assert.equal(old?.end, END);
  assert.equal(readLease('{"grant":{}}'), undefined);
  const renewed = leaseStep(old as CentralLease, { type: 'resumed' }, START + SECOND, { random: 0 });
  assert.equal(renewed.lease?.actAt, START + SECOND, 'asked for at once');
});
