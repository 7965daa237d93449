import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide, reach } from '../../../central/policy/decide.ts';
import { PolicyEngine } from '../../../central/policy/engine.ts';
import { calendarOf, type Question } from '../../../central/policy/facts.ts';
import { readFolder } from '../../../central/policy/folder.ts';
import { type PolicySource, readSet } from '../../../central/policy/set.ts';
import { HOUR, MINUTE } from '../../../protocol/clock.ts';
import { EXAMPLE_POLICY, ROLE_TREE } from '../samples.ts';

const example = await readFolder(EXAMPLE_POLICY);
const MONDAY_TEN = Date.UTC(2026, 0, 5, 10);
const ELEVATE = 'action == Portcullis::Action::"elevate"';

function engineOf(...texts: string[]): PolicyEngine {
  const source: PolicySource = { ...example, files: texts.map((text, index) => ({ name: `${index}.cedar`, text })) };
  const read = readSet(source, ROLE_TREE);
  if ('findings' in read) throw new Error(JSON.stringify(read.findings));
  const engine = new PolicyEngine(ROLE_TREE, 'UTC', 8 * HOUR);
  engine.swap(read.set, () => ({ ok: true, report: undefined }));
  return engine;
}

const asked = (changes: Partial<Question> & { tags?: Record<string, string> } = {}): Question => {
  const { tags = { env: 'prod' }, ...rest } = changes;
  const target = {
    id: 'azure:p1',
    account: 's',
    provider: 'azure',
    kind: 'load-balancer',
    name: 'p1',
    resourceGroup: 'g',
    location: 'l',
    exposure: 'public',
    tags,
  };
  return { person: { id: 'alice', groups: ['edge-sre'] }, role: 'full', target, duration: 2 * HOUR, now: MONDAY_TEN, ...rest };
};

/** The worked example: two leads, a ticket, working hours; and a guardrail. */
const WORKED = `
@id("prod-lb-admin") @require("2 of edge-leads") @max_duration("4h") @reason("Two leads, a ticket, working hours")
permit (principal in Portcullis::Group::"edge-sre", ${ELEVATE}, resource)
when { resource.env == "prod" && context.role == Portcullis::Role::"full" && context.durationSec <= 14400 &&
       context has ticket && context.ticket.id like "CHG-*" &&
       context.weekday >= 1 && context.weekday <= 5 && context.minuteOfDay >= 480 && context.minuteOfDay < 1140 };
@id("auto-drain") @require("none") @max_duration("1h") @reason("Own pools at once")
permit (principal in Portcullis::Group::"edge-sre", ${ELEVATE}, resource) when { context.role in Portcullis::Role::"backends" };
@id("guard") @reason("Frozen") forbid (principal, ${ELEVATE}, resource) when { resource.hasTag("freeze") };
@id("leads-approve") permit (principal in Portcullis::Group::"edge-leads", action == Portcullis::Action::"approve", resource);
@id("no-self") forbid (principal, action == Portcullis::Action::"approve", resource) when { principal == context.requester };
`;

test('the worked example, case by case', () => {
  const engine = engineOf(WORKED);
  const needs = decide(engine, asked({ ticket: 'CHG-1' }));
  assert.deepEqual([needs.decision.outcome, needs.requirements], ['needs approval', [{ needed: 2, group: 'edge-leads' }]]);
  const drain = decide(engine, asked({ role: 'backends', duration: 30 * MINUTE }));
  assert.deepEqual([drain.decision.outcome, drain.decision.rules], ['granted', ['auto-drain']]);
  const frozen = decide(engine, asked({ ticket: 'CHG-1', tags: { env: 'prod', Freeze: 'x' } }));
  assert.deepEqual([frozen.decision.outcome, frozen.decision.because, frozen.decision.wouldChange], ['refused', 'Frozen', []]);
  const noTicket = decide(engine, asked());
  assert.deepEqual([noTicket.decision.outcome, noTicket.hopeless], ['refused', false]);
  assert.match(noTicket.decision.wouldChange[0] ?? '', /^With a ticket it would need approval by 2 of edge-leads/);
  const night = decide(engine, asked({ ticket: 'CHG-1', now: Date.UTC(2026, 0, 5, 22) }));
  assert.equal(night.decision.outcome, 'refused');
  const weekend = decide(engine, asked({ ticket: 'CHG-1', now: Date.UTC(2026, 0, 4, 10) }));
  assert.equal(weekend.decision.outcome, 'refused');
  const long = decide(engine, asked({ ticket: 'CHG-1', duration: 5 * HOUR }));
  assert.match(long.decision.wouldChange[0] ?? '', /^For 4 hours or less/);
  assert.deepEqual(reach(engine, asked({ role: 'full' })), { longest: 4 * HOUR, atOnce: 0, ticketRequired: true });

  const lead = (id: string) => ({ id, groups: ['edge-leads', 'edge-sre'] });
  const request = { requester: lead('max'), role: 'full', target: asked().target, duration: HOUR };
  assert.equal(engine.mayApprove(lead('lee'), request), true);
  assert.equal(engine.mayApprove(lead('max'), request), false);
});

test('the least demanding rule that covers the asked time wins', () => {
  const permit = (id: string, require: string, max: string) =>
    `@id("${id}") @require("${require}") @max_duration("${max}") permit (principal, ${ELEVATE}, resource);`;
  const engine = engineOf(
    permit('a', '2 of x', '8h'),
    permit('b', '1 of y', '2h'),
    permit('c', 'none', '30m'),
    permit('d', '1 of z', '4h'),
  );
  const outcome = (duration: number) => {
    const { decision, requirements } = decide(engine, asked({ duration }));
    return [decision.outcome, requirements.map(({ needed, group }) => `${needed} ${group}`)];
  };
  assert.deepEqual(outcome(30 * MINUTE), ['granted', []]);
  assert.deepEqual(outcome(HOUR), ['needs approval', ['1 z', '1 y', '2 x']]);
  assert.deepEqual(outcome(3 * HOUR), ['needs approval', ['1 z', '2 x']]);
  assert.deepEqual(outcome(8 * HOUR), ['needs approval', ['2 x']]);
  assert.deepEqual(outcome(8 * HOUR + MINUTE), ['refused', []], 'the cap of the configuration holds whatever a rule says');
});

test('a policy that errs is a refusal, also where Cedar itself would allow', () => {
  const overflow = `@id("errs") @reason("x") forbid (principal, ${ELEVATE}, resource) when { context.durationSec * 9007199254740991 > 0 };`;
  const permit = `@id("p") @require("none") @max_duration("8h") permit (principal, ${ELEVATE}, resource);`;
  const { decision } = decide(engineOf(overflow, permit), asked());
  assert.equal(decision.outcome, 'refused');
  assert.match(decision.because, /could not be evaluated/);
});

test('forbid wins over every permit, and more time or fewer groups never gets more', () => {
  const engine = engineOf(...example.files.map(({ text }) => text));
  const rank = { granted: 0, 'needs approval': 1, refused: 2 } as const;
  const question = fc.record({
    role: fc.constantFrom(...Object.keys(ROLE_TREE)),
    duration: fc.integer({ min: 1, max: 200 }).map((minutes) => minutes * MINUTE),
    tags: fc.record(
      { env: fc.constantFrom('prod', 'staging', 'dev', 'PROD', ''), freeze: fc.constantFrom('true', 'false') },
      { requiredKeys: [] },
    ),
    person: fc.record({ id: fc.constantFrom('alice', 'dan'), groups: fc.subarray(['edge-sre', 'edge-leads', 'auditors']) }),
    ticket: fc.option(fc.constant('CHG-1'), { nil: undefined }),
  });
  fc.assert(
    fc.property(question, fc.integer({ min: 1, max: 100 }), (each, more) => {
      const outcome = (changes: object) => rank[decide(engine, asked({ ...each, ...changes })).decision.outcome];
      const now = outcome({});
      assert.ok(outcome({ duration: each.duration + more * MINUTE }) >= now);
      assert.ok(outcome({ person: { id: each.person.id, groups: [] } }) >= now);
      assert.ok(outcome({ ticket: undefined }) >= now);
      if (each.role === 'full' && each.tags.freeze === 'true') assert.equal(now, rank.refused);
      if (!each.person.groups.includes('edge-sre')) assert.equal(now, rank.refused);
    }),
    { numRuns: 150 },
  );
});

test('what decide offers as a way out really is one', () => {
  const engine = engineOf(...example.files.map(({ text }) => text));
  const refused = decide(engine, asked({ role: 'full', duration: 2 * HOUR, tags: { env: 'prod' } }));
  assert.match(refused.decision.wouldChange.join(), /With a ticket and for 1 hour or less it would need approval/);
  const taken = decide(engine, asked({ role: 'full', duration: HOUR, ticket: 'X', tags: { env: 'prod' } }));
  assert.equal(taken.decision.outcome, 'needs approval');
});

test('the calendar is that of the configured time zone', () => {
  const sundayNight = Date.UTC(2026, 6, 5, 23, 30);
  assert.deepEqual(calendarOf('UTC')(sundayNight), { weekday: 7, minuteOfDay: 1_410 });
  assert.deepEqual(calendarOf('Europe/Berlin')(sundayNight), { weekday: 1, minuteOfDay: 90 });
});
