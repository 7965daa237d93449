import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isOver, type PimLease } from '../../../daemon/pim/lease.ts';
import { type LeaseEvent, LONGEST_IN_FLIGHT, step } from '../../../daemon/pim/step.ts';
import { story } from '../../../daemon/pim/story.ts';
import { PIM_LIFE } from '../../../daemon/pim/table.ts';
import { grantOf, requestOf } from '../../../daemon/pim/view.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { mayGrantMove, mayRequestMove } from '../../../protocol/lifecycle.ts';
import { ALICE, BEN, grantId, RESOURCE, ROLE, requestId } from '../support/cloud.ts';

const START = 1_000_000;
const DURATION = 30 * MINUTE;
const approvers = { needed: 1, people: [BEN] };
const rules = { propagation: 10 * MINUTE, random: 0.5 };

const fresh = (needsApproval: boolean): PimLease => ({
  grantId: grantId(1),
  requestId: requestId(1),
  person: ALICE,
  resource: RESOURCE,
  role: { id: ROLE.id, title: ROLE.title, enforcement: 'native' },
  allows: [],
  actions: ROLE.actions,
  duration: DURATION,
  reason: 'r',
  decision: { outcome: 'granted', because: 'b', wouldChange: [], rules: [], policyVersion: 'v', at: START },
  approvals: [],
  createdAt: START,
  lapsesAt: START + 24 * 60 * MINUTE,
  phase: 'intended',
  notAfter: START + DURATION,
  shown: !needsApproval,
  confirmed: false,
  checks: 0,
  tries: 0,
  denials: 0,
  nextAt: START,
  next: 'activate',
  alarmed: false,
});

const problem = { code: 'x', message: 'm' };

/** What the cloud may answer to the act that the lease asks for next. */
function answers(lease: PimLease, now: number): LeaseEvent[] {
  const failed: LeaseEvent = { type: 'failed', problem };
  const bounds = [
    { state: 'assigned' as const, releasableAt: now + 5 * MINUTE },
    { state: 'pending approval' as const, approvers },
  ];
  switch (lease.next) {
    case 'activate':
      return [
        ...bounds.map((bound): LeaseEvent => ({ type: 'bound', bound })),
        { type: 'bound', bound: { state: 'refused', problem } },
        failed,
      ];
    case 'poll':
      return [
        ...bounds.map((bound): LeaseEvent => ({ type: 'polled', bound })),
        { type: 'polled', bound: { state: 'refused', problem } },
        { type: 'polled', bound: { state: 'denied', why: 'no' } },
        { type: 'polled', bound: { state: 'lapsed' } },
        failed,
      ];
    case 'cancel':
      return [{ type: 'cancelled' }, failed];
    case 'check':
      return [{ type: 'checked', access: 'allowed' }, { type: 'checked', access: 'denied' }, failed];
    case 'release':
      return [
        { type: 'released', unbound: { state: 'accepted' } },
        { type: 'released', unbound: { state: 'nothing there' } },
        { type: 'released', unbound: { state: 'not yet', again: now + 4 * MINUTE, why: 'too early' } },
        { type: 'released', unbound: { state: 'stuck', problem } },
        failed,
      ];
    case 'look':
      return [{ type: 'looked', answer: 'standing' }, { type: 'looked', answer: 'absent' }, failed];
    case 'nothing':
      return [];
  }
}

const interruptions: LeaseEvent[] = [
  { type: 'due' },
  { type: 'end', reason: 'revoked', by: ALICE },
  { type: 'cancel' },
  { type: 'resumed' },
  { type: 'end', reason: 'daemon stopped' },
  { type: 'clock jumped' },
];

/** One life, as a list of picks: the cloud's answer when due, or something in between. */
const life = fc.array(fc.record({ pick: fc.nat(), interrupt: fc.option(fc.nat(), { freq: 5 }), early: fc.nat(60_000) }), { maxLength: 60 });

function live(
  needsApproval: boolean,
  picks: { pick: number; interrupt: number | null; early: number }[],
  see: (before: PimLease, event: LeaseEvent, after: PimLease, now: number) => void,
): { lease: PimLease; now: number } {
  let lease = fresh(needsApproval);
  let now = START;
  // The activation is on its way from the start; what happens meanwhile does not call it back.
  let inFlight = answers(lease, now);
  for (const { pick, interrupt, early } of picks) {
    if (isOver(lease)) break;
    let event: LeaseEvent | undefined;
    if (interrupt !== null) {
      now += early;
      // A daemon that was started again hears no answers to what another one asked.
      const late = inFlight.length > 0 && pick % 2 === 0;
      event = late ? inFlight[pick % inFlight.length] : interruptions[interrupt % interruptions.length];
      if (late || event?.type === 'resumed') inFlight = [];
      if (event?.type === 'due') now = Math.max(now, lease.notAfter);
    } else {
      now = Math.max(now, lease.nextAt);
      const possible = answers(lease, now);
      event = possible[pick % possible.length];
      // One act at a time: nothing else is asked before the activation is answered.
      if (inFlight.length > 0) event = inFlight[pick % inFlight.length];
      inFlight = [];
    }
    if (!event) break;
    const after = step(lease, event, now, rules);
    see(lease, event, after, now);
    lease = after;
  }
  return { lease, now };
}

test('every step on the screen is a legal one, for request and grant', () => {
  fc.assert(
    fc.property(fc.boolean(), life, (needsApproval, picks) => {
      live(needsApproval, picks, (before, event, after) => {
        const [from, to] = [requestOf(before).state, requestOf(after).state];
        assert.ok(from === to || mayRequestMove(from, to), `request ${from} → ${to} by ${event.type}`);
        const [was, is] = [grantOf(before)?.state, grantOf(after)?.state];
        assert.ok(was === is || !was || !is || mayGrantMove(was, is), `grant ${was} → ${is} by ${event.type}`);
        if (was && !is) assert.equal(after.phase, 'waiting', 'a grant disappears only when it turns out that nobody has decided yet');
      });
    }),
    { numRuns: 3_000 },
  );
});

test('power that may stand is never forgotten: an end comes only by proof, or by a definite no', () => {
  fc.assert(
    fc.property(fc.boolean(), life, (needsApproval, picks) => {
      live(needsApproval, picks, (before, event, after, now) => {
        if (!isOver(after)) {
          assert.notEqual(after.next, 'nothing', 'something always follows');
          assert.ok(after.nextAt - now <= 5 * MINUTE, `the next act comes soon: ${after.nextAt - now} ms`);
          return;
        }
        if (after.phase === 'gone') {
          const denied = event.type === 'checked' && event.access === 'denied' && before.phase === 'proving';
          const absent =
            event.type === 'looked' &&
            event.answer === 'absent' &&
            before.releasedAt !== undefined &&
            now >= before.releasedAt + rules.propagation;
          const never = event.type === 'bound' && event.bound.state === 'refused';
          const unsent =
            event.type === 'cancelled' || (event.type === 'polled' && ['refused', 'denied', 'lapsed'].includes(event.bound.state));
          assert.ok(denied || absent || never || unsent, `gone by ${JSON.stringify(event)}`);
          if (denied) {
            assert.ok(before.confirmed || now >= START + LONGEST_IN_FLIGHT, 'what may still land is waited for');
            assert.ok(before.denials > 0, 'one denial may lag behind');
            if (before.usableAt === undefined)
              assert.ok(
                after.proof === 'absent' && now >= (before.releasedAt ?? now) + rules.propagation,
                'what was never seen may come late',
              );
          }
          return;
        }
        assert.ok(!before.confirmed, `${after.phase} only when it was never assigned`);
      });
    }),
    { numRuns: 3_000 },
  );
});

test('a lease moves by its table alone, and by all of it', () => {
  const taken = new Set<string>();
  fc.assert(
    fc.property(fc.boolean(), life, (needsApproval, picks) => {
      live(needsApproval, picks, (before, event, after) => {
        if (before.phase === after.phase) return;
        assert.ok(
          (Object.values(PIM_LIFE[before.phase]) as string[]).includes(after.phase),
          `${before.phase} → ${after.phase} by ${event.type}`,
        );
        taken.add(`${before.phase} → ${after.phase}`);
      });
    }),
    { numRuns: 5_000, seed: 1 },
  );
  // Seldom: it was approved while it was being taken back.
  const seldom: LeaseEvent[] = [
    { type: 'bound', bound: { state: 'pending approval', approvers } },
    { type: 'cancel' },
    { type: 'failed', problem },
    { type: 'polled', bound: { state: 'assigned' } },
  ];
  seldom.reduce((lease, event) => {
    const after = step(lease, event, START + MINUTE, rules);
    if (after.phase !== lease.phase) taken.add(`${lease.phase} → ${after.phase}`);
    return after;
  }, fresh(true));
  const all = Object.entries(PIM_LIFE).flatMap(([from, causes]) => Object.values(causes).map((to) => `${from} → ${to}`));
  assert.deepEqual([...taken].sort(), [...new Set(all)].sort());
});

test('an end is never lengthened: its instant moves once at most, when approvers have decided', () => {
  fc.assert(
    fc.property(fc.boolean(), life, (needsApproval, picks) => {
      live(needsApproval, picks, (before, event, after, now) => {
        if (after.notAfter === before.notAfter) return;
        assert.ok(before.phase === 'waiting' || before.phase === 'cancelling', `moved by ${event.type} in ${before.phase}`);
        assert.equal(after.notAfter, now + DURATION);
        assert.equal(before.confirmed, false, 'once');
      });
    }),
    { numRuns: 2_000 },
  );
});

test('once it is ending it never comes back', () => {
  fc.assert(
    fc.property(life, (picks) => {
      live(false, picks, (before, event, after) => {
        if (before.endingAt === undefined) return;
        assert.ok(
          ['releasing', 'proving', 'gone', 'cancelling', 'cancelled', 'denied', 'lapsed', 'failed'].includes(after.phase),
          `${before.phase} → ${after.phase} by ${event.type}`,
        );
        assert.equal(after.endReason, before.endReason);
      });
    }),
    { numRuns: 2_000 },
  );
});

test('with a cloud that answers and is honest, every life ends, and soon after it should', () => {
  fc.assert(
    fc.property(life, (picks) => {
      // Time goes on from where that life stopped: a clock that went back untold would be another world.
      const lived = live(false, picks, () => {});
      let lease = lived.lease;
      let now = Math.max(lived.now, lease.notAfter, lease.nextAt);
      lease = step(lease, { type: 'end', reason: 'revoked' }, now, rules);
      const began = now;
      for (let turn = 0; turn < 400 && !isOver(lease); turn++) {
        now = Math.max(now, lease.nextAt);
        const kind: Record<PimLease['next'], LeaseEvent> = {
          activate: { type: 'bound', bound: { state: 'refused', problem } },
          poll: { type: 'polled', bound: { state: 'lapsed' } },
          cancel: { type: 'cancelled' },
          check: { type: 'checked', access: 'denied' },
          release: { type: 'released', unbound: { state: 'nothing there' } },
          look: { type: 'looked', answer: 'absent' },
          nothing: { type: 'due' },
        };
        lease = step(lease, kind[lease.next], now, rules);
        if (lease.phase === 'waiting') lease = step(lease, { type: 'cancel' }, now, rules);
      }
      assert.ok(isOver(lease), lease.phase);
      assert.ok(now - began <= LONGEST_IN_FLIGHT + rules.propagation + 5 * MINUTE, `${now - began} ms`);
    }),
    { numRuns: 1_000 },
  );
});

test('the record of a life is in order: intent first, assigned before usable, ending before gone', () => {
  fc.assert(
    fc.property(fc.boolean(), life, (needsApproval, picks) => {
      const kinds = story(undefined, fresh(needsApproval), START).map(({ kind }) => kind);
      live(needsApproval, picks, (before, _event, after, now) => {
        for (const { kind, text, lateBy, lateAfter } of story(before, after, now)) {
          kinds.push(kind);
          assert.match(text, /^[A-Z]/);
          if (lateBy !== undefined) assert.ok(lateBy >= 0 && lateAfter !== undefined);
        }
      });
      const at = (kind: (typeof kinds)[number]) => kinds.indexOf(kind);
      assert.equal(kinds[0], 'request.created');
      if (at('grant.usable') >= 0) assert.ok(at('grant.assigned') < at('grant.usable') && at('grant.assigned') > at('grant.intended'));
      if (at('grant.gone') >= 0) assert.ok(at('grant.ending') >= 0 && at('grant.ending') < at('grant.gone'));
      for (const kind of ['grant.gone', 'grant.usable', 'request.created'] as const)
        assert.ok(kinds.filter((each) => each === kind).length <= 1, `${kind} once`);
    }),
    { numRuns: 2_000 },
  );
});

// Each row of the live log in which Entra PIM behaves otherwise than one expects.
const TRAPS: [what: string, phase: Partial<PimLease>, event: LeaseEvent, expected: (after: PimLease) => void][] = [
  [
    'release at 44 s: not materialised yet is not gone',
    { phase: 'releasing', confirmed: true, next: 'release', endingAt: START },
    { type: 'released', unbound: { state: 'not yet', again: START + 60 * SECOND, why: 'not there yet' } },
    (after) => {
      assert.equal(after.phase, 'releasing');
      assert.equal(after.nextAt, START + 60 * SECOND);
    },
  ],
  [
    'release at 92 s: shortest hold, shown with its instant',
    { phase: 'releasing', confirmed: true, next: 'release', endingAt: START },
    { type: 'released', unbound: { state: 'not yet', again: START + 5 * MINUTE, why: 'five minutes' } },
    (after) => {
      assert.equal(grantOf(after)?.releasableAt, START + 5 * MINUTE);
      assert.equal(grantOf(after)?.awaiting, 'five minutes');
    },
  ],
  [
    'Revoked is the start of the proof, not its end',
    { phase: 'releasing', confirmed: true, next: 'release', endingAt: START },
    { type: 'released', unbound: { state: 'accepted' } },
    (after) => {
      assert.equal(after.phase, 'proving');
      assert.equal(grantOf(after)?.state, 'revoking');
    },
  ],
  [
    'denied right after an unanswered activation proves nothing',
    { phase: 'proving', confirmed: false, next: 'check', endingAt: START, releasedAt: START },
    { type: 'checked', access: 'denied' },
    (after) => {
      assert.equal(after.phase, 'proving');
      assert.equal(after.next, 'release');
    },
  ],
  [
    'provisioned is not usable',
    { phase: 'intended' },
    { type: 'bound', bound: { state: 'assigned' } },
    (after) => assert.equal(grantOf(after)?.state, 'assigned'),
  ],
  [
    'denied after activation is patience, not failure',
    { phase: 'assigned', confirmed: true, next: 'check' },
    { type: 'checked', access: 'denied' },
    (after) => assert.equal(after.phase, 'assigned'),
  ],
  [
    'a lock that appeared later is an alarm, and it is tried again',
    { phase: 'releasing', confirmed: true, next: 'release', endingAt: START },
    { type: 'released', unbound: { state: 'stuck', problem } },
    (after) => {
      assert.equal(after.phase, 'releasing');
      assert.ok(after.nextAt <= START + MINUTE);
      assert.deepEqual(grantOf(after)?.problem, problem);
    },
  ],
];

for (const [what, phase, event, expected] of TRAPS) {
  test(`timing of the field: ${what}`, () => expected(step({ ...fresh(false), ...phase }, event, START, rules)));
}
