import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { AuditEvent, AuditKind } from '../../protocol/audit.ts';
import { fieldsOf } from '../../webview/details-model.ts';
import { kindLabel } from '../../webview/kinds.ts';
import { rowOf } from '../../webview/row-model.ts';
import { storyOf } from '../../webview/story-model.ts';
import { createTimes } from '../../webview/times.ts';
import { oneLine, visible } from '../../webview/visible-text.ts';
import { balancer, grantOf, HOSTILE, person, recorded, START, storyBodies } from '../support/audit-events.ts';

const times = createTimes('UTC');
const events = recorded(storyBodies(1));
const fieldOf = (name: string, index: number) =>
  fieldsOf(events[index] as (typeof events)[number], times, START + 3_600_000).find((field) => field.name === name)?.values;

test('a row says when, what, who and where, and a part is named with its balancer', () => {
  const row = rowOf(events[0] as (typeof events)[number], times);
  assert.equal(row.time, '2026-11-23 09:01:00');
  assert.equal(row.kind, 'Requested');
  assert.equal(row.person, person(1).name);
  assert.equal(row.resource, 'prod-checkout');
  assert.match(row.label, /Requested, prod-checkout, Ben Okafor, Asked for Backend pools/);
  const part = { ...balancer(1), id: `${balancer(1).id}/backendaddresspools/web`, name: 'web' } as ReturnType<typeof balancer>;
  assert.equal(rowOf({ ...(events[0] as (typeof events)[number]), resource: part }, times).resource, 'prod-checkout › web');
});

test('every kind has a label of its own', () => {
  const labels = AuditKind.options.map(kindLabel);
  assert.equal(new Set(labels).size, AuditKind.options.length);
});

test('the details answer who, what, which, when, why, by which decision, how late, and where in the chain', () => {
  assert.deepEqual(fieldOf('Why', 0), ['Drain web-2 before the kernel update']);
  assert.deepEqual(fieldOf('Ticket', 0), ['CHG-4711']);
  assert.deepEqual(fieldOf('Who', 0), ['Ben Okafor (ben@example.com)']);
  assert.deepEqual(fieldOf('Role', 0), ['Backend pools', 'Native: the cloud enforces exactly this']);
  assert.deepEqual(fieldOf('Decision', 1)?.[0], 'Granted');
  assert.deepEqual(fieldOf('Policy version', 1), ['3f9a1c77']);
  assert.deepEqual(fieldOf('How late', 7), ['1.4 s after its due instant']);
  assert.deepEqual(fieldOf('Chain hash', 7), [events[7]?.hash]);
});

test('nothing that deceives the eye reaches the screen', () => {
  const invisible = /(?![\t\n\r\u200c\u200d])[\p{Cc}\p{Cf}]/u;
  const text = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(text, (typed) => {
      assert.ok(!invisible.test(visible(typed)) && visible(typed).isWellFormed());
      assert.ok(!/[\r\n\t]/.test(oneLine(typed)));
    }),
  );
  assert.equal(visible('Zoë نمی‌خواهم 東京'), 'Zoë نمی‌خواهم 東京', 'people may have names');
});

test('a story runs from request to gone, with the time between its steps and the times people ask for', () => {
  const story = storyOf({ events: events.toReversed() }, times, START + 3_600_000);
  assert.deepEqual(
    story.steps.map(({ label }) => label),
    ['Requested', 'Granted by policy', 'Activating', 'Assigned', 'Usable', 'Lease taken', 'Revoking', 'Gone'],
  );
  assert.equal(story.steps[0]?.after, undefined);
  assert.equal(story.steps[4]?.after, '8.0 s later');
  assert.equal(story.standing, 'Gone');
  assert.equal(story.awaiting, undefined);
  assert.deepEqual(story.facts, ['From request to usable: 11 s', 'Usable until gone: 14 min 50 s', 'Gone 1.4 s after its due instant']);
});

test('a hold that the daemon and central both recorded is one step that says both; a second hold is another', () => {
  const taken = events.find(({ kind }) => kind === 'lease.taken') as AuditEvent;
  const daemon = {
    ...taken,
    source: 'b5cf6a52-5b4c-4f6c-9d3a-0f0e6f3a1b11',
    at: taken.at + 40,
    text: 'This daemon holds Backends on prod-edge',
  };
  const central = { ...taken, source: 'central', text: 'The daemon of Ben Okafor holds Backends on prod-edge' };
  const steps = (more: AuditEvent[]) =>
    storyOf({ events: [...events.filter((event) => event !== taken), ...more] }, times, START).steps.filter(
      ({ label }) => label === 'Lease taken',
    );
  for (const both of [
    [daemon, central],
    [{ ...daemon, at: taken.at - 40 }, central],
  ])
    assert.deepEqual(
      steps(both).map(({ text }) => text),
      ['This daemon holds Backends on prod-edge, and central has it on record'],
    );
  assert.equal(steps([central]).length, 1);
  assert.equal(steps([daemon, { ...central, at: taken.at + 300_000 }]).length, 2);
});

test('lateness counts from what the event says: the due instant, or when the end was asked for', () => {
  const late = (more: Partial<AuditEvent>) => {
    const gone = { ...(events[7] as AuditEvent), ...more };
    const facts = storyOf({ events: [...events.slice(0, 7), gone] }, times, START).facts;
    assert.deepEqual([`Gone ${fieldsOf(gone, times, START).find(({ name }) => name === 'How late')?.values[0]}`], [facts.at(-1)]);
    return facts.at(-1);
  };
  assert.equal(late({}), 'Gone 1.4 s after its due instant');
  assert.equal(late({ lateBy: 4_600, lateAfter: 'asked' }), 'Gone 4.6 s after it was asked for');
  assert.equal(late({ lateAfter: undefined }), 'Gone 1.4 s after its end began', 'an older event does not say which');
});

test('a kind that only a newer central knows is named as it is recorded, and moves no story', () => {
  const frozen = v.parse(AuditEvent, { ...events[5], kind: 'grant.put-on-hold', text: 'The grant is on hold', heldBy: 'auditors' });
  assert.equal((frozen as { heldBy?: string }).heldBy, 'auditors', 'what a newer writer adds belongs to the hash, and stays');
  const row = rowOf(frozen, times);
  assert.deepEqual([row.kind, row.text], ['Grant put on hold', 'The grant is on hold']);
  const story = storyOf({ events: [...events.slice(0, 5), frozen] }, times, START);
  assert.equal(story.standing, storyOf({ events: events.slice(0, 5) }, times, START).standing);
  assert.equal(story.steps.at(-1)?.text, 'The grant is on hold');
  for (const kind of ['', 'Grant.Gone', '<b>', 'a'.repeat(61), 'grant.']) assert.equal(v.is(AuditEvent, { ...events[5], kind }), false);
});

test('at every step the story says what is awaited, and only the end awaits nothing', () => {
  const awaited = events.map((_, index) => storyOf({ events: events.slice(0, index + 1) }, times, START).awaiting);
  assert.deepEqual(awaited, [
    'Waiting for the decision',
    'Waiting for the grant',
    'Waiting until the cloud has assigned the role',
    'Waiting until the right is proven usable',
    'Waiting for its end',
    'Waiting for its end',
    'Waiting until the cloud denies access',
    undefined,
  ]);
});

test('a request that policy refused, or that waits for people, says so', () => {
  const decided = (outcome: 'refused' | 'needs approval') =>
    events.slice(0, 2).map((event) => (event.decision ? { ...event, decision: { ...event.decision, outcome } } : event));
  const refused = storyOf({ events: decided('refused') }, times, START, false);
  assert.deepEqual([refused.standing, refused.awaiting], ['Refused by policy', undefined]);
  const waits = storyOf({ events: decided('needs approval') }, times, START);
  assert.deepEqual([waits.standing, waits.awaiting], ['Needs approval', 'Waiting for approval by an approver']);
});

test('a story never says Gone before the record does, whatever the order and the clocks', () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(events),
      fc.array(fc.integer({ min: -5_000, max: 5_000 }), { minLength: 8, maxLength: 8 }),
      (some, skew) => {
        const moved = some.map((event, index) => ({ ...event, at: event.at + (skew[index] ?? 0) }));
        const story = storyOf({ events: moved }, times, START);
        assert.equal(
          story.standing === 'Gone',
          some.some(({ kind }) => kind === 'grant.gone'),
        );
        assert.equal(story.steps.length, some.length);
        if (story.standing === 'Gone') assert.equal(story.awaiting, undefined);
      },
    ),
  );
});

test('how a living grant stands comes from its state: time left, what is awaited, and unknown without contact', () => {
  const running = storyOf({ events: events.slice(0, 6), grant: grantOf(1) }, times, START + 60_000);
  assert.equal(running.standing, 'Usable, 14 min left');
  assert.equal(running.awaiting, 'Ends at 09:15:00');
  const lost = storyOf({ events: events.slice(0, 6), grant: grantOf(1, { state: 'unknown' }) }, times, START + 60_000);
  assert.equal(lost.standing, 'Unknown');
  assert.equal(lost.awaiting, 'Waiting until it is known how the grant stands');
  const ending = storyOf(
    { events: events.slice(0, 7), grant: grantOf(1, { state: 'revoking', awaiting: 'Azure allows release at 09:06' }) },
    times,
    START,
  );
  assert.equal(ending.standing, 'Revoking');
  assert.equal(ending.awaiting, 'Azure allows release at 09:06');
});

test('without contact to the daemon nothing but the end is still believed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8 }), (length) => {
      const story = storyOf({ events: events.slice(0, length), grant: length < 8 ? grantOf(1) : undefined }, times, START, false);
      assert.equal(story.standing, length === 8 ? 'Gone' : 'Unknown');
      assert.equal(story.awaiting, length === 8 ? undefined : 'Waiting for contact with the daemon');
    }),
  );
});

test('every kind of event can be shown, alone and with all that may be missing', () => {
  for (const kind of AuditKind.options) {
    const event = recorded([{ kind, at: START, boot: 1, text: 'x' }])[0];
    assert.ok(event && v.is(AuditKind, event.kind));
    rowOf(event, times);
    fieldsOf(event, times, START);
    storyOf({ events: [event] }, times, START);
  }
  assert.equal(storyOf({ events: [] }, times, START).standing, 'Nothing is recorded yet');
});
