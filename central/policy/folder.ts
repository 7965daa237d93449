import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { HOUR } from '../../protocol/clock.ts';
import { type CaseResult, questionOf, readCases, runCases } from './cases.ts';
import { decide, type Ruling } from './decide.ts';
import { PolicyEngine } from './engine.ts';
import type { RoleTree } from './roles.ts';
import type { Finding } from './rule.ts';
import { type PolicySet, type PolicySource, readSet } from './set.ts';

/** What is wrong with a set; `findings` empty and every case `ok`: it may be used. */
export interface Report {
  version?: string | undefined;
  rules: number;
  findings: Finding[];
  cases: CaseResult[];
}

export const isGood = ({ findings, cases }: Report): boolean => findings.length === 0 && cases.every(({ ok }) => ok);

/** A policy folder: `schema.cedarschema`, `cases.json` and every `.cedar` file in it or in its subfolders. */
export async function readFolder(dir: string): Promise<PolicySource> {
  const names = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.cedar')).sort();
  const [schema, cases, ...texts] = await Promise.all(
    [path.join(dir, 'schema.cedarschema'), path.join(dir, 'cases.json'), ...names.map((name) => path.join(dir, name))].map((file) =>
      readFile(file, 'utf8'),
    ),
  );
  return { schema: schema ?? '', cases: cases ?? '', files: names.map((name, at) => ({ name, text: texts[at] ?? '' })) };
}

/** Reads, lints and validates the set in a folder; its cases are not run. */
export async function check(dir: string, roles: RoleTree): Promise<Report> {
  const read = await load(dir, roles);
  if ('findings' in read) return { rules: 0, findings: read.findings, cases: [] };
  const cases = readCases(read.set.cases);
  const findings = 'problem' in cases ? [{ where: 'cases.json', problem: cases.problem }] : [];
  return { version: read.set.version, rules: read.set.rules.size, findings, cases: [] };
}

/** All of `check`, and the set's own cases. */
export async function test(dir: string, roles: RoleTree, timeZone = 'UTC'): Promise<Report> {
  const read = await load(dir, roles);
  if ('findings' in read) return { rules: 0, findings: read.findings, cases: [] };
  return rehearse(new PolicyEngine(roles, timeZone, 24 * HOUR), read.set);
}

/** How the set decides one of its own `elevate` cases, with what would have to change. Undefined when there is no such case. */
export async function explain(
  dir: string,
  caseName: string,
  roles: RoleTree,
  timeZone = 'UTC',
): Promise<Ruling | { findings: Finding[] } | undefined> {
  const read = await load(dir, roles);
  if ('findings' in read) return read;
  const cases = readCases(read.set.cases);
  if ('problem' in cases) return { findings: [{ where: 'cases.json', problem: cases.problem }] };
  const question = questionOf(cases.cases, caseName);
  if (!question) return undefined;
  const engine = new PolicyEngine(roles, timeZone, 24 * HOUR);
  return engine.swap(read.set, (ready) => ({ ok: true, report: decide(ready, question) })).report;
}

/** Runs the set's cases in the engine, and leaves in force what was. */
export function rehearse(engine: PolicyEngine, set: PolicySet): Report {
  const cases = readCases(set.cases);
  if ('problem' in cases) return { rules: set.rules.size, findings: [{ where: 'cases.json', problem: cases.problem }], cases: [] };
  return engine.swap(set, (ready) => ({
    ok: false,
    report: { version: set.version, rules: set.rules.size, findings: [], cases: runCases(ready, cases.cases) },
  })).report;
}

async function load(dir: string, roles: RoleTree): Promise<{ set: PolicySet } | { findings: Finding[] }> {
  try {
    return readSet(await readFolder(dir), roles);
  } catch (error) {
    const { code, path: file, message } = error as NodeJS.ErrnoException;
    const wayOut = 'A policy folder holds schema.cedarschema, cases.json and .cedar files';
    return { findings: [{ where: file ?? dir, problem: code === 'ENOENT' ? 'there is no such file' : message, wayOut }] };
  }
}
