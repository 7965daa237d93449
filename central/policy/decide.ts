import { HOUR, MINUTE, type Millis } from '../../protocol/clock.ts';
import type { Decision } from '../../protocol/model.ts';
import type { PolicyEngine, Verdict } from './engine.ts';
import type { Question } from './facts.ts';
import type { Requirement, Rule } from './rule.ts';
import { ticketsThatFit } from './tickets.ts';

/** A decision with what code needs to act on it. */
export interface Ruling {
  decision: Decision;
  /** Any one of these suffices. Empty unless approval is needed. */
  requirements: Requirement[];
  /** Refused, and no change of time or ticket would help this person with this role here. */
  hopeless: boolean;
}

/** What a verdict comes to. */
export interface Outcome {
  outcome: Decision['outcome'];
  because: string;
  rules: readonly Rule[];
  /** As in `Ruling`. */
  requirements: Requirement[];
}

/** Pure given the engine's set: the same question has the same answer, in words a person can act on. */
export function decide(engine: PolicyEngine, question: Question): Ruling {
  const verdict = engine.elevate(question);
  const { outcome, because, rules, requirements } = outcomeOf(verdict);
  const ways = outcome === 'granted' ? [] : waysOut(engine, question, verdict);
  return {
    decision: {
      outcome,
      because: clip(because, 1_000),
      wouldChange: ways.map(({ words }) => clip(words, 500)),
      rules: rules.map(({ id }) => id),
      policyVersion: engine.set.version,
      at: question.now,
    },
    requirements,
    hopeless: outcome === 'refused' && !ways.some(({ own }) => own),
  };
}

/** Without the ways out of a no: those take many more questions to the policy. */
export function outcomeOf(verdict: Verdict): Outcome {
  const refused = (because: string, rules: readonly Rule[]): Outcome => ({ outcome: 'refused', because, rules, requirements: [] });
  switch (verdict.kind) {
    case 'allowed': {
      const [{ rule, requirement }] = verdict.grants;
      if (requirement.needed === 0) return { outcome: 'granted', because: rule.reason, rules: [rule], requirements: [] };
      return {
        outcome: 'needs approval',
        because: `${rule.reason} (${inWords(requirement)})`,
        rules: verdict.grants.map((each) => each.rule),
        requirements: verdict.grants.map((each) => each.requirement),
      };
    }
    case 'too long':
      return refused(`At most ${inMinutes(verdict.longest)} here: ${verdict.rules[0]?.reason ?? ''}`, verdict.rules);
    case 'forbidden':
      return refused(verdict.rules.map(({ reason }) => reason).join('; '), verdict.rules);
    case 'no rule':
      return refused('No rule lets you have this role here', []);
    case 'broken':
      return refused('The policy could not be evaluated, so nothing is granted. Tell whoever looks after it', []);
  }
}

/** The longest time that is not refused, how long goes at once, and whether a ticket is what it takes. */
export interface Reach {
  longest: Millis;
  atOnce: Millis;
  ticketRequired: boolean;
}

/** What a person could get here at best. Zero: nothing, whatever they change. */
export function reach(engine: PolicyEngine, asked: Omit<Question, 'duration' | 'ticket'>): Reach {
  const found: Reach = { longest: 0, atOnce: 0, ticketRequired: false };
  for (const duration of durations(engine)) {
    const question = helpedByTicket(engine, { ...asked, duration });
    const best = engine.elevate(question);
    if (best.kind !== 'allowed') continue;
    if (duration > found.longest) found.ticketRequired = question.ticket !== undefined;
    found.longest = Math.max(found.longest, duration);
    if (best.grants[0].requirement.needed === 0) found.atOnce = Math.max(found.atOnce, duration);
  }
  return found;
}

/** The question as it stands, or with a ticket that fits if one would turn a refusal into something better. */
export function helpedByTicket(engine: PolicyEngine, question: Question): Question {
  if (question.ticket || engine.elevate(question).kind === 'allowed') return question;
  const tried = ticketsThatFit(engine.set).map((ticket) => ({ ...question, ticket }));
  return tried.find((each) => engine.elevate(each).kind === 'allowed') ?? question;
}

interface Way {
  words: string;
  /** Something the person can change alone. */
  own: boolean;
}

/** Asks the policy again with one or two things changed, and says which change would have helped. */
function waysOut(engine: PolicyEngine, question: Question, verdict: Verdict): Way[] {
  const ways: Way[] = [];
  const before = demand(verdict);
  const tried = (changed: Question, words: (rules: string, outcome: string) => string, own = true): boolean => {
    const then = engine.elevate(changed);
    if (then.kind !== 'allowed' || demand(then) >= before) return false;
    const [{ requirement, rule }] = then.grants;
    ways.push({
      words: words(rule.id, requirement.needed === 0 ? 'it would be granted at once' : `it would need ${inWords(requirement)}`),
      own,
    });
    return true;
  };
  const shorter = durations(engine).filter((duration) => duration < question.duration);
  for (const duration of shorter) {
    if (tried({ ...question, duration }, (rule, then) => `For ${inMinutes(duration)} or less ${then} (rule ${rule})`)) break;
  }
  if (!question.ticket) {
    for (const ticket of ticketsThatFit(engine.set)) {
      if (tried({ ...question, ticket }, (rule, then) => `With a ticket ${then} (rule ${rule})`)) break;
      const duration = ways.length > 0 ? undefined : shorter[0];
      if (
        duration &&
        tried(
          { ...question, ticket, duration },
          (rule, then) => `With a ticket and for ${inMinutes(duration)} or less ${then} (rule ${rule})`,
        )
      )
        break;
    }
  }
  if (ways.length === 0) {
    for (const group of groups(engine)) {
      if (question.person.groups.includes(group)) continue;
      const person = { ...question.person, groups: [...question.person.groups, group] };
      if (tried({ ...question, person }, (rule, then) => `For a member of ${group} ${then} (rule ${rule})`, false)) break;
    }
  }
  if (ways.length === 0 && verdict.kind !== 'forbidden') {
    const roles = Object.keys(engine.roles).filter(
      (role) => role !== question.role && engine.elevate({ ...question, role }).kind === 'allowed',
    );
    if (roles.length > 0) ways.push({ words: `You may ask for ${roles.sort().join(', ')} here`, own: false });
  }
  return ways;
}

/** How much a verdict asks for: refused is more than any number of approvals. */
const demand = (verdict: Verdict): number => (verdict.kind === 'allowed' ? verdict.grants[0].requirement.needed : Number.POSITIVE_INFINITY);

/** Times at which the answer may change, longest first: each rule's own limit, and what policies compare durationSec with. */
function durations(engine: PolicyEngine): Millis[] {
  const rules = [...engine.set.rules.values()];
  const compared = rules
    .flatMap(({ policy }) => numbersBesideDuration(policy))
    .flatMap((seconds) => [seconds * 1_000, seconds * 1_000 - MINUTE]);
  const all = [...rules.flatMap(({ longest }) => longest ?? []), ...compared, engine.hardCap];
  return [...new Set(all)].filter((duration) => duration >= MINUTE && duration <= engine.hardCap).sort((a, b) => b - a);
}

function numbersBesideDuration(value: unknown): number[] {
  if (value === null || typeof value !== 'object') return [];
  const { left, right } = value as { left?: unknown; right?: unknown };
  const own = [[left, right] as const, [right, left] as const].flatMap(([a, b]) => {
    const number = (b as { Value?: unknown } | undefined)?.Value;
    return isDuration(a) && typeof number === 'number' ? [number] : [];
  });
  return [...own, ...Object.values(value).flatMap(numbersBesideDuration)];
}

const isDuration = (value: unknown): boolean => (value as { '.'?: { attr?: unknown } } | undefined)?.['.']?.attr === 'durationSec';

const groups = (engine: PolicyEngine): string[] => [...new Set([...engine.set.rules.values()].flatMap(({ group }) => group ?? []))].sort();

export const inWords = ({ needed, group }: Requirement): string => `approval by ${needed} of ${group ?? 'nobody'}`;

export function inMinutes(duration: Millis): string {
  if (duration % HOUR === 0) return duration === HOUR ? '1 hour' : `${duration / HOUR} hours`;
  const minutes = Math.floor(duration / MINUTE);
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}

const clip = (text: string, max: number): string => (text.length > max ? `${text.slice(0, max - 1)}…` : text);
