import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { intend } from '../../../central/grants/intent.ts';
import type { GrantEvent, GrantLife } from '../../../central/grants/life.ts';
import { step } from '../../../central/grants/step.ts';
import { GRANT_LIFE } from '../../../central/grants/table.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { mayGrantMove } from '../../../protocol/lifecycle.ts';
import { EndReason, GrantState } from '../../../protocol/model.ts';
import { anOrder } from './world.ts';

const START = Date.UTC(2026, 10, 23, 9);
const RULES = { propagation: MINUTE, longestRequestLife: 10 * MINUTE, grace: 5 * MINUTE };
const problem = { code: 'x', message: 'It did not work' };

/** Every event there is, with every content that makes a difference. */
const events = fc.constantFrom<GrantEvent[]>(
  { type: 'sending' },
  { type: 'not sent', problem },
  { type: 'bound', bound: { state: 'assigned', releasableAt: START + 5 * MINUTE } },
  { type: 'bound', bound: { state: 'refused', problem } },
  { type: 'bound', bound: { state: 'pending approval', approvers: { needed: 1, people: [] } } },
  { type: 'bind failed', problem },
  { type: 'observed', access: 'allowed', at: START + MINUTE },
  { type: 'observed', access: 'denied', at: START + MINUTE },
  { type: 'observed', access: 'denied', at: START + 60 * MINUTE },
  { type: 'heartbeat', instance: 'd' },
  ...EndReason.options.map((reason): GrantEvent => ({ type: 'end', reason })),
  { type: 'due' },
  { type: 'hold lost' },
  { type: 'act' },
  { type: 'act', shared: { state: 'usable', notAfter: START + 15 * MINUTE } },
  { type: 'unbound', answer: { state: 'accepted' } },
  { type: 'unbound', answer: { state: 'nothing there' } },
  { type: 'unbound', answer: { state: 'not yet', again: START + 6 * MINUTE, why: 'Too young' } },
  { type: 'unbound', answer: { state: 'stuck', problem } },
  { type: 'unbind failed', problem },
  { type: 'looked', answer: 'standing' },
  { type: 'looked', answer: 'absent' },
  { type: 'look failed', problem },
  { type: 'superseded', by: '00000000-0000-4000-8000-000000000009' as GrantId },
  { type: 'unlisted' },
  { type: 'not asked' },
  { type: 'clock jumped' },
  { type: 'restarted' },
);

interface Walk {
  lives: GrantLife[];
  /** `from to` of every step that moved. */
  moves: Set<string>;
}

/** A life through the events, with time passing between them. */
function walk(
  steps: { event: GrantEvent; after: number }[],
  check: (before: GrantLife, event: GrantEvent, after: GrantLife) => void,
): Walk {
  let now = START;
  let { life } = intend(anOrder(START + 15 * MINUTE), now, RULES);
  const walked: Walk = { lives: [life], moves: new Set() };
  for (const { event, after } of steps) {
    now += after;
    const next = step(life, event, now, { ...RULES, chance: 0.5 });
    check(life, event, next.life);
    if (next.life.state !== life.state) walked.moves.add(`${life.state} ${next.life.state}`);
    life = next.life;
    walked.lives.push(life);
  }
  return walked;
}

type Story = { event: GrantEvent; after: number }[];

/** Where the interesting part begins: by chance alone few grants would ever be given. */
const BEGINNINGS: GrantEvent[][] = [
  [],
  [{ type: 'sending' }],
  [{ type: 'sending' }, { type: 'bound', bound: { state: 'assigned' } }],
  [{ type: 'sending' }, { type: 'bound', bound: { state: 'assigned' } }, { type: 'observed', access: 'allowed', at: START }],
];

const stories: fc.Arbitrary<Story> = fc
  .tuple(
    fc.constantFrom(...BEGINNINGS),
    fc.array(fc.record({ event: events, after: fc.constantFrom(0, 1_000, MINUTE, 11 * MINUTE) }), { maxLength: 12 }),
  )
  .map(([beginning, rest]) => [...beginning.map((event) => ({ event, after: 0 })), ...rest]);

/** States that the table reaches from one in a single event: an extension ends what it follows and takes it over at once. */
const reached = (from: GrantState): GrantState[] => {
  const next: GrantState[] = Object.values(GRANT_LIFE[from]);
  return next.includes('revoking') ? [...next, 'gone'] : next;
};

test('every event in every state gives a named step of the table, or no change of state', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(stories, (story) => {
      const { moves } = walk(story, (before, event, after) => {
        if (before.state === after.state) return;
        assert.ok(reached(before.state).includes(after.state), `${before.state} → ${after.state} by ${event.type}`);
        if (after.state === 'gone' && before.state !== 'revoking') assert.equal(event.type, 'superseded');
      });
      for (const move of moves) seen.add(move);
    }),
    { numRuns: 4_000, seed: 7 },
  );
  const told = Object.entries(GRANT_LIFE).flatMap(([from, causes]) => Object.values(causes).map((to) => `${from} ${to}`));
  assert.deepEqual(
    [...new Set(told)].filter((move) => !seen.has(move)),
    [],
    'no step of the table is only there for show',
  );
});

test('the table keeps to what all authorities keep to', () => {
  for (const from of GrantState.options)
    for (const [cause, to] of Object.entries(GRANT_LIFE[from])) assert.ok(mayGrantMove(from, to), `${from} → ${to}: ${cause}`);
});

test('whatever happens, a grant never gets longer, and what has ended stays so', () => {
  fc.assert(
    fc.property(stories, (story) => {
      walk(story, (before, event, after) => {
        assert.equal(after.notAfter, before.notAfter, event.type);
        if (before.state === 'gone' || before.state === 'failed') assert.deepEqual(after, before);
        if (before.state === 'revoking') assert.ok(after.state === 'revoking' || after.state === 'gone', event.type);
      });
    }),
    { numRuns: 1_000 },
  );
});
