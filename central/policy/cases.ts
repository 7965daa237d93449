import * as v from 'valibot';
import { describeIssues } from '../configuration/issues.ts';
import { inWords, outcomeOf } from './decide.ts';
import type { PolicyEngine } from './engine.ts';
import type { Question, Subject, Target } from './facts.ts';
import { readDuration } from './rule.ts';

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const duration = v.pipe(
  v.string(),
  v.check((text) => readDuration(text) !== undefined, 'Write a time like "15m" or "1h"'),
  v.transform((text) => readDuration(text) ?? 0),
);
const at = v.pipe(
  v.string(),
  v.isoTimestamp('Write an instant like "2026-11-23T10:00:00Z"'),
  v.transform((text) => Date.parse(text)),
);

const CaseTarget = v.strictObject({
  kind: v.optional(name, 'load-balancer'),
  part: v.optional(v.boolean(), false),
  provider: v.optional(name, 'azure'),
  account: v.optional(name, 'account'),
  resourceGroup: v.optional(name, 'group'),
  location: v.optional(name, 'westeurope'),
  exposure: v.optional(v.picklist(['public', 'internal', 'unknown']), 'public'),
  tags: v.optional(v.record(v.string(), v.string()), {}),
});

const common = { name, person: name, on: name, at: v.optional(at, '2026-11-23T10:00:00Z') };
const ElevateCase = v.strictObject({
  ...common,
  may: v.literal('elevate'),
  role: name,
  for: duration,
  ticket: v.optional(name),
  expect: v.picklist(['granted', 'needs approval', 'refused']),
  /** Ids of the rules that must have decided. */
  rules: v.optional(v.array(name)),
  /** `1 of edge-leads`: must be among what suffices. */
  approval: v.optional(name),
});
const PersonCase = v.strictObject({
  ...common,
  may: v.picklist(['approve', 'revoke']),
  role: name,
  for: v.optional(duration, '15m'),
  /** The requester or the holder. */
  of: name,
  expect: v.picklist(['allowed', 'refused']),
});
const AuditCase = v.strictObject({ name, person: name, may: v.literal('audit'), expect: v.picklist(['allowed', 'refused']) });

const Cases = v.strictObject({
  people: v.record(name, v.strictObject({ groups: v.array(name) })),
  resources: v.record(name, CaseTarget),
  cases: v.pipe(v.array(v.variant('may', [ElevateCase, PersonCase, AuditCase])), v.minLength(1, 'A policy set needs at least one case')),
});
type Cases = v.InferOutput<typeof Cases>;
type Case = Cases['cases'][number];

export interface CaseResult {
  name: string;
  ok: boolean;
  /** What was found, in words. */
  found: string;
  expected: string;
}

/** Reads the set's own cases. Throws nothing: what is wrong comes back in words. */
export function readCases(text: string): { cases: Cases } | { problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { problem: `cases.json is not JSON: ${(error as Error).message}` };
  }
  const parsed = v.safeParse(Cases, json);
  return parsed.success ? { cases: parsed.output } : { problem: describeIssues(parsed.issues).join('; ') };
}

export const runCases = (engine: PolicyEngine, cases: Cases): CaseResult[] => cases.cases.map((each) => runCase(engine, cases, each));

function runCase(engine: PolicyEngine, cases: Cases, each: Case): CaseResult {
  const result = (found: string, ok: boolean, expected: string = each.expect): CaseResult => ({ name: each.name, ok, found, expected });
  const person = subject(cases, each.person);
  if (!person) return result(`there is no person "${each.person}"`, false);
  if (each.may === 'audit') return verdict(engine.mayAudit(person));
  const target = targetOf(cases, each.on);
  if (!target) return result(`there is no resource "${each.on}"`, false);
  if (each.may === 'elevate')
    return runElevate(engine, { person, target, role: each.role, duration: each.for, ticket: each.ticket, now: each.at }, each);
  const other = subject(cases, each.of);
  if (!other) return result(`there is no person "${each.of}"`, false);
  if (each.may === 'revoke') return verdict(engine.mayRevoke(person, { holder: other, role: each.role, target }));
  return verdict(engine.mayApprove(person, { requester: other, role: each.role, target, duration: each.for }));

  function verdict(allowed: boolean): CaseResult {
    const found = allowed ? 'allowed' : 'refused';
    return result(found, found === each.expect);
  }
}

function runElevate(engine: PolicyEngine, question: Question, each: v.InferOutput<typeof ElevateCase>): CaseResult {
  const { outcome, rules, requirements } = outcomeOf(engine.elevate(question));
  const ids = rules.map(({ id }) => id);
  const suffices = requirements.map(({ needed, group }) => `${needed} of ${group}`);
  const rulesHold = (each.rules ?? []).every((rule) => ids.includes(rule));
  const approvalHolds = !each.approval || suffices.includes(each.approval);
  const expected = [each.expect, each.rules && `by ${each.rules.join(', ')}`, each.approval && `with ${each.approval}`]
    .filter(Boolean)
    .join(' ');
  const found = [outcome, `by ${ids.join(', ') || 'no rule'}`, ...requirements.map(inWords)].join(' ');
  return { name: each.name, ok: outcome === each.expect && rulesHold && approvalHolds, found, expected };
}

/** One case of the set as a question, for *explain*. */
export function questionOf(cases: Cases, caseName: string): Question | undefined {
  const each = cases.cases.find((one) => one.name === caseName);
  if (each?.may !== 'elevate') return undefined;
  const person = subject(cases, each.person);
  const target = targetOf(cases, each.on);
  return person && target ? { person, target, role: each.role, duration: each.for, ticket: each.ticket, now: each.at } : undefined;
}

function subject(cases: Cases, id: string): Subject | undefined {
  const person = cases.people[id];
  return person && { id, groups: person.groups };
}

function targetOf(cases: Cases, id: string): Target | undefined {
  const resource = cases.resources[id];
  if (!resource) return undefined;
  const { part, ...facts } = resource;
  return { ...facts, id, name: id, balancerId: part ? `${id}-balancer` : undefined };
}
