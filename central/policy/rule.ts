import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { HOUR, MINUTE, type Millis } from '../../protocol/clock.ts';

/** How many people of which group must say yes. `needed` 0: nobody. */
export interface Requirement {
  needed: number;
  group?: string | undefined;
}

/** One policy of the set with its annotations read. */
export interface Rule {
  id: string;
  effect: 'permit' | 'forbid';
  /** Action ids such as `elevate`; empty: all of them (a forbid only). */
  actions: readonly string[];
  /** The group in `principal in Group::"…"`, when it names one. */
  group?: string | undefined;
  /** What grants of this rule need. Only on a permit of `elevate`. */
  requirement?: Requirement | undefined;
  /** Longest grant of this rule. Only on a permit of `elevate`. */
  longest?: Millis | undefined;
  /** In words, for people. */
  reason: string;
  policy: PolicyJson;
}

/** What is wrong with a policy set, where, and the way out. */
export interface Finding {
  /** File or policy id. */
  where: string;
  problem: string;
  wayOut?: string | undefined;
}

const GRANTING = 'elevate';

/** Reads one policy; adds what is wrong with it to `findings`. Undefined when it cannot be used at all. */
export function readRule(policy: PolicyJson, file: string, findings: Finding[]): Rule | undefined {
  const annotations = policy.annotations ?? {};
  const id = annotations['id'];
  if (!id) {
    findings.push({ where: file, problem: `a ${policy.effect} without @id`, wayOut: 'Give every policy an @id("…") of its own' });
    return undefined;
  }
  const find = (problem: string, wayOut?: string) => findings.push({ where: `${file}, policy ${id}`, problem, wayOut });
  const actions = namedActions(policy);
  if (actions === undefined && policy.effect === 'permit') {
    find('a permit that does not name its actions', 'Write action == Portcullis::Action::"…" or action in [Portcullis::Action::"…", …]');
  }
  const rule: Rule = {
    id,
    effect: policy.effect,
    actions: actions ?? [],
    group: groupOf(policy),
    reason: annotations['reason'] ?? id,
    policy,
  };
  if (policy.effect === 'permit' && rule.actions.includes(GRANTING)) {
    rule.requirement = readRequirement(annotations['require']);
    rule.longest = readDuration(annotations['max_duration']);
    if (!rule.requirement) find('a permit of elevate without a valid @require', 'Write @require("none") or @require("2 of some-group")');
    if (!rule.longest) find('a permit of elevate without a valid @max_duration', 'Write @max_duration("30m") or @max_duration("4h")');
  } else if ('require' in annotations || 'max_duration' in annotations) {
    find('@require and @max_duration mean nothing here', 'They belong on a permit of elevate');
  }
  return rule;
}

/** `none` or `N of group`. */
export function readRequirement(text: string | undefined): Requirement | undefined {
  if (text === 'none') return { needed: 0 };
  const [, count, group] = /^([1-9]\d?) of (\S+)$/.exec(text ?? '') ?? [];
  return count && group ? { needed: Number(count), group } : undefined;
}

/** `90m`, `4h`. */
export function readDuration(text: string | undefined): Millis | undefined {
  const [, count, unit] = /^([1-9]\d{0,3})([mh])$/.exec(text ?? '') ?? [];
  return count ? Number(count) * (unit === 'h' ? HOUR : MINUTE) : undefined;
}

/** Undefined when the policy is not limited to named actions: an action group could grow behind the lint's back. */
function namedActions(policy: PolicyJson): string[] | undefined {
  const { action } = policy;
  if (action.op === '==' && 'entity' in action) return [idOf(action.entity)];
  if (action.op === 'in' && 'entities' in action) return action.entities.map(idOf);
  return undefined;
}

function groupOf({ principal }: PolicyJson): string | undefined {
  if (principal.op !== 'in' || !('entity' in principal)) return undefined;
  return typeOf(principal.entity) === 'Portcullis::Group' ? idOf(principal.entity) : undefined;
}

type Uid = { __entity: { type: string; id: string } } | { type: string; id: string };
const idOf = (uid: Uid): string => ('__entity' in uid ? uid.__entity.id : uid.id);
const typeOf = (uid: Uid): string => ('__entity' in uid ? uid.__entity.type : uid.type);
