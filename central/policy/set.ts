import { createHash } from 'node:crypto';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { RoleTree } from './roles.ts';
import { type Finding, type Rule, readRule } from './rule.ts';

/** The text of a policy set, as read from its folder. */
export interface PolicySource {
  schema: string;
  files: readonly { name: string; text: string }[];
  /** The set's own test cases: JSON text. */
  cases: string;
}

/** A set that passed every check but its own cases. */
export interface PolicySet {
  /** Hex SHA-256 over schema and policies: the policy version of every decision. */
  version: string;
  schema: string;
  rules: ReadonlyMap<string, Rule>;
  cases: string;
}

/** Reads, lints and validates. A set with a single finding is no set. */
export function readSet(source: PolicySource, roles: RoleTree): { set: PolicySet } | { findings: Finding[] } {
  const findings: Finding[] = [];
  const rules = new Map<string, Rule>();
  const schema = cedar.checkParseSchema(source.schema);
  if (schema.type === 'failure') findings.push(...schema.errors.map(({ message }) => ({ where: 'schema.cedarschema', problem: message })));
  if (source.files.length === 0)
    findings.push({ where: 'policies', problem: 'no .cedar file', wayOut: 'Put policies into files that end in .cedar' });
  for (const { name, text } of source.files) {
    for (const policy of parse(name, text, findings)) {
      const rule = readRule(policy, name, findings);
      if (!rule) continue;
      if (rules.has(rule.id))
        findings.push({
          where: `${name}, policy ${rule.id}`,
          problem: 'this @id is used twice',
          wayOut: 'Give every policy an @id of its own',
        });
      rules.set(rule.id, rule);
      for (const role of rolesNamed(policy)) {
        if (role in roles) continue;
        const known = Object.keys(roles).sort().join(', ');
        findings.push({ where: `${name}, policy ${rule.id}`, problem: `there is no role "${role}"`, wayOut: `Roles are ${known}` });
      }
    }
  }
  if (findings.length === 0) findings.push(...validate(source.schema, rules));
  if (findings.length > 0) return { findings };
  return { set: { version: versionOf(source), schema: source.schema, rules, cases: source.cases } };
}

export const policiesOf = (rules: ReadonlyMap<string, Rule>): Record<string, PolicyJson> =>
  Object.fromEntries([...rules].map(([id, { policy }]) => [id, policy]));

function parse(name: string, text: string, findings: Finding[]): PolicyJson[] {
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === 'failure') {
    findings.push(
      ...parts.errors.map(({ message, sourceLocations }) => ({ where: `${name}${lineOf(text, sourceLocations)}`, problem: message })),
    );
    return [];
  }
  if (parts.policy_templates.length > 0)
    findings.push({ where: name, problem: 'templates are not used here', wayOut: 'Write the policy out' });
  return parts.policies.flatMap((part) => {
    const answer = cedar.policyToJson(part);
    if (answer.type === 'success') return [answer.json];
    findings.push(...answer.errors.map(({ message }) => ({ where: name, problem: message })));
    return [];
  });
}

function validate(schema: string, rules: ReadonlyMap<string, Rule>): Finding[] {
  const answer = cedar.validate({ schema, policies: { staticPolicies: policiesOf(rules) }, validationSettings: { mode: 'strict' } });
  if (answer.type === 'failure') return answer.errors.map(({ message }) => ({ where: 'policies', problem: message }));
  const ofPolicies = [...answer.validationErrors, ...answer.validationWarnings].map(({ policyId, error }) => ({
    where: `policy ${policyId}`,
    problem: error.message,
    wayOut: error.help ?? undefined,
  }));
  return [...ofPolicies, ...answer.otherWarnings.map(({ message }) => ({ where: 'policies', problem: message }))];
}

function versionOf({ schema, files }: PolicySource): string {
  const hash = createHash('sha256').update(JSON.stringify(schema));
  for (const { name, text } of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) hash.update(JSON.stringify([name, text]));
  return hash.digest('hex');
}

/** Ids of every Role::"…" that a policy names, however deep. */
function rolesNamed(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  const { type, id } = value as { type?: unknown; id?: unknown };
  if (type === 'Portcullis::Role' && typeof id === 'string') return [id];
  return Object.values(value).flatMap(rolesNamed);
}

function lineOf(text: string, locations: readonly { start: number }[] | undefined): string {
  const start = locations?.[0]?.start;
  return start === undefined ? '' : `, line ${text.slice(0, start).split('\n').length}`;
}
