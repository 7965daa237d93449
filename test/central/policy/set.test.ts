import assert from 'node:assert/strict';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { catalogueTree } from '../../../central/policy/catalogue.ts';
import { policyCommand } from '../../../central/policy/command.ts';
import { check, explain, isGood, readFolder, test as runTests } from '../../../central/policy/folder.ts';
import { roleTree } from '../../../central/policy/roles.ts';
import { readDuration, readRequirement } from '../../../central/policy/rule.ts';
import { type PolicySource, readSet } from '../../../central/policy/set.ts';
import { HOUR, MINUTE } from '../../../protocol/clock.ts';
import { scratch } from '../../support/scratch.ts';
import { EXAMPLE_POLICY, ROLE_TREE } from '../samples.ts';

const example = await readFolder(EXAMPLE_POLICY);
const withPolicy = (text: string): PolicySource => ({ ...example, files: [...example.files, { name: 'more.cedar', text }] });
const findings = (source: PolicySource) => {
  const read = readSet(source, ROLE_TREE);
  return 'findings' in read ? read.findings.map(({ where, problem }) => `${where}: ${problem}`) : [];
};
const ELEVATE = 'action == Portcullis::Action::"elevate"';
const GOOD = '@id("more") @require("none") @max_duration("5m")';

test('the example passes its lint, its validation and its own cases, with the real catalogue', async () => {
  const report = await runTests(EXAMPLE_POLICY, catalogueTree('azure'));
  assert.deepEqual(report.findings, []);
  assert.deepEqual(
    report.cases.filter(({ ok }) => !ok),
    [],
  );
  assert.ok(report.cases.length >= 20);
});

for (const [why, text, expected] of [
  ['no @id', `@require("none") @max_duration("5m") permit (principal, ${ELEVATE}, resource);`, /without @id/],
  ['an @id twice', `${GOOD.replace('more', 'leads-approve')} permit (principal, ${ELEVATE}, resource);`, /used twice/],
  ['no action named', `${GOOD} permit (principal, action, resource);`, /does not name its actions/],
  ['no @require', `@id("more") @max_duration("5m") permit (principal, ${ELEVATE}, resource);`, /valid @require/],
  [
    'two groups in @require',
    `@id("more") @require("1 of a or 2 of b") @max_duration("5m") permit (principal, ${ELEVATE}, resource);`,
    /valid @require/,
  ],
  [
    'nobody in @require',
    `@id("more") @require("0 of leads") @max_duration("5m") permit (principal, ${ELEVATE}, resource);`,
    /valid @require/,
  ],
  ['no @max_duration', `@id("more") @require("none") permit (principal, ${ELEVATE}, resource);`, /valid @max_duration/],
  [
    'a time that is none',
    `@id("more") @require("none") @max_duration("1d") permit (principal, ${ELEVATE}, resource);`,
    /valid @max_duration/,
  ],
  ['obligations on a forbid', `@id("more") @require("none") forbid (principal, ${ELEVATE}, resource);`, /mean nothing here/],
  [
    'a role that nobody has',
    `${GOOD} permit (principal, ${ELEVATE}, resource) when { context.role == Portcullis::Role::"bakends" };`,
    /no role "bakends"/,
  ],
  ['an attribute that may be absent', `@id("more") forbid (principal, ${ELEVATE}, resource) when { context.ticket.id == "x" };`, /ticket/],
  ['an attribute that is not there', `@id("more") forbid (principal, ${ELEVATE}, resource) unless { context.device.managed };`, /device/],
  ['a condition that can never hold', `@id("more") forbid (principal, ${ELEVATE}, resource is Portcullis::Group);`, /more/],
  ['a template', `@id("more") permit (principal == ?principal, ${ELEVATE}, resource);`, /template/],
  ['not Cedar', 'permit everything', /more\.cedar, line 1/],
  ['an annotation twice', `@id("more") @id("again") permit (principal, ${ELEVATE}, resource);`, /more\.cedar/],
] as const) {
  test(`a set is refused whole, and says where: ${why}`, () => {
    assert.match(findings(withPolicy(text)).join('\n'), expected);
  });
}

test('an action group does not slip past the lint', () => {
  const schema = example.schema.replace('action elevate appliesTo', 'action all; action elevate in [all] appliesTo');
  const found = findings({ ...withPolicy('@id("more") permit (principal, action in Portcullis::Action::"all", resource);'), schema });
  assert.match(found.join('\n'), /does not name its actions/);
});

test('a bad set never replaces a good one, a missing file is named, a failing case is shown', async (t) => {
  const dir = path.join(scratch(t), 'policy');
  cpSync(EXAMPLE_POLICY, dir, { recursive: true });
  const cases = JSON.stringify({
    people: { a: { groups: [] } },
    resources: { r: {} },
    cases: [{ name: 'all may', person: 'a', may: 'elevate', role: 'full', on: 'r', for: '5m', expect: 'granted' }],
  });
  writeFileSync(path.join(dir, 'cases.json'), cases);
  assert.ok(isGood(await check(dir, ROLE_TREE)), 'check does not run the cases');
  const report = await runTests(dir, ROLE_TREE);
  assert.deepEqual(report.cases, [{ name: 'all may', ok: false, expected: 'granted', found: 'refused by no rule' }]);
  writeFileSync(path.join(dir, 'cases.json'), '{"people": {}, "resources": {}, "cases": []}');
  assert.match((await check(dir, ROLE_TREE)).findings[0]?.problem ?? '', /at least one case/);
  rmSync(path.join(dir, 'schema.cedarschema'));
  assert.match((await check(dir, ROLE_TREE)).findings[0]?.where ?? '', /schema\.cedarschema$/);
});

test('whatever a policy file holds, it is a finding and never a fault', () => {
  const tokens = fc.constantFrom(
    'permit',
    'forbid',
    '(',
    ')',
    'principal',
    'action',
    'resource',
    ',',
    ';',
    '@id("x")',
    '@require("none")',
    'when',
    '{',
    '}',
    '==',
    'Portcullis::Role::"full"',
    '\0',
    '"',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(tokens).map((each) => each.join(' ')),
      ),
      (text) => {
        assert.ok('set' in readSet(withPolicy(text), ROLE_TREE) || findings(withPolicy(text)).length > 0);
      },
    ),
    { numRuns: 60 },
  );
});

test('annotations are read exactly', () => {
  assert.deepEqual(readRequirement('none'), { needed: 0 });
  assert.deepEqual(readRequirement('2 of edge-leads'), { needed: 2, group: 'edge-leads' });
  for (const text of [undefined, '', 'None', '0 of x', '-1 of x', '1.5 of x', '1 of', '1 of a b', '100 of x'])
    assert.equal(readRequirement(text), undefined);
  assert.deepEqual([readDuration('90m'), readDuration('4h')], [90 * MINUTE, 4 * HOUR]);
  for (const text of [undefined, '', '0m', '1', '1d', '-5m', '1.5h', '5 m', '99999m']) assert.equal(readDuration(text), undefined);
});

test('a role is part of another when that one may do all that it may, and more', () => {
  const tree = roleTree([
    { id: 'read', actions: ['N/lb/read'] },
    { id: 'pools', actions: ['N/lb/read', 'n/LB/pools/write'] },
    { id: 'all', actions: ['N/lb/*'] },
    { id: 'same', actions: ['N/lb/*'] },
    { id: 'guarded', actions: [] },
  ]);
  assert.deepEqual(tree, { read: ['pools', 'all', 'same'], pools: ['all', 'same'], all: [], same: [], guarded: [] });
});

test('the command line checks, tests and explains; --json is one document', async () => {
  const run = async (...argv: string[]) => {
    const said = { out: '', error: '' };
    const status = await policyCommand(argv, ROLE_TREE, {
      out: (text) => {
        said.out += text;
      },
      error: (text) => {
        said.error += text;
      },
    });
    return { status, ...said };
  };
  assert.match((await run('check', EXAMPLE_POLICY)).out, /10 rules are good/);
  const tested = await run('test', EXAMPLE_POLICY, '--json');
  assert.deepEqual([tested.status, JSON.parse(tested.out).ok], [0, true]);
  const explained = await run('explain', EXAMPLE_POLICY, 'full on prod needs a ticket');
  assert.match(explained.out, /With a ticket it would need approval by 1 of edge-leads/);
  assert.deepEqual(
    [(await run('explain', EXAMPLE_POLICY, 'nothing like it')).status, (await run('check')).status, (await run('test', '/nowhere')).status],
    [2, 2, 3],
  );
  assert.equal(await explain(EXAMPLE_POLICY, 'a lead approves', ROLE_TREE), undefined);
});
