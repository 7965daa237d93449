import { parseArgs } from 'node:util';
import { inWords } from './decide.ts';
import { check, explain, isGood, type Report, test } from './folder.ts';
import type { RoleTree } from './roles.ts';
import type { Finding } from './rule.ts';

export interface Output {
  out(text: string): void;
  error(text: string): void;
}

const DONE = 0;
const USAGE = 2;
const REFUSED = 3;

/**
 * `check DIR`, `test DIR`, `explain DIR CASE`, each with `--json`.
 * @returns 0 good · 2 usage · 3 the set is not good.
 */
export async function policyCommand(argv: string[], roles: RoleTree, output: Output): Promise<number> {
  const read = readArguments(argv);
  const [verb, dir, caseName] = read?.positionals ?? [];
  const json = read?.json ?? false;
  if (verb === 'check' && dir) return tell(await check(dir, roles), json, output);
  if (verb === 'test' && dir) return tell(await test(dir, roles), json, output);
  if (verb === 'explain' && dir && caseName) return tellRuling(dir, caseName, roles, json, output);
  output.error('Usage: policy check DIR | policy test DIR | policy explain DIR CASE   [--json]\n');
  return USAGE;
}

function tell(report: Report, json: boolean, { out }: Output): number {
  const good = isGood(report);
  if (json) out(`${JSON.stringify({ ok: good, ...report })}\n`);
  else {
    for (const finding of report.findings) out(`${line(finding)}\n`);
    for (const { name, ok, expected, found } of report.cases)
      out(ok ? `ok      ${name}\n` : `not ok  ${name}\n        expected ${expected}\n        found    ${found}\n`);
    const failed = report.cases.filter(({ ok }) => !ok).length;
    const cases = report.cases.length > 0 ? `, ${report.cases.length - failed} of ${report.cases.length} cases hold` : '';
    out(good ? `${report.rules} rules are good${cases}\n` : `This set would be refused${cases}\n`);
  }
  return good ? DONE : REFUSED;
}

async function tellRuling(dir: string, caseName: string, roles: RoleTree, json: boolean, { out, error }: Output): Promise<number> {
  const ruling = await explain(dir, caseName, roles);
  if (!ruling) {
    error(`There is no elevate case "${caseName}"\n`);
    return USAGE;
  }
  if ('findings' in ruling) {
    out(json ? `${JSON.stringify({ ok: false, findings: ruling.findings })}\n` : `${ruling.findings.map(line).join('\n')}\n`);
    return REFUSED;
  }
  const { decision, requirements } = ruling;
  if (json) out(`${JSON.stringify({ ok: true, decision, requirements })}\n`);
  else {
    out(`${decision.outcome}: ${decision.because}\n`);
    if (decision.rules.length > 0) out(`rules: ${decision.rules.join(', ')}\n`);
    for (const requirement of requirements) out(`needs: ${inWords(requirement)}\n`);
    for (const way of decision.wouldChange) out(`${way}\n`);
  }
  return DONE;
}

const line = ({ where, problem, wayOut }: Finding): string => `${where}: ${problem}${wayOut ? `. ${wayOut}` : ''}`;

function readArguments(argv: string[]): { positionals: string[]; json: boolean } | undefined {
  try {
    const { positionals, values } = parseArgs({ args: argv, allowPositionals: true, options: { json: { type: 'boolean' } } });
    return { positionals, json: values.json ?? false };
  } catch {
    return undefined;
  }
}
