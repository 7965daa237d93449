import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { readConfiguration } from '../central/configuration/configuration.ts';
import { FileDirectory } from '../central/people/directory.ts';
import { catalogueTree } from '../central/policy/catalogue.ts';
import { check } from '../central/policy/folder.ts';
import { EXIT } from '../daemon/cli/outcome.ts';
import { Enrolment, parseEnrolment } from '../daemon/enrolment.ts';
import { BalancerKind } from '../protocol/model.ts';
import { catalogueRoles } from '../roles/catalogue.ts';
import { ROOT } from '../scripts/root.ts';
import { stage } from './daemon/cli/stage.ts';
import { scratch } from './support/scratch.ts';

const DOCUMENTS = [...globSync('*.md', { cwd: ROOT }), ...globSync('docs/**/*.md', { cwd: ROOT })].sort();
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

/** The JSON example after `<!-- name -->`. */
function example(file: string, name: string): string {
  const [, json] = new RegExp(`<!-- ${name} -->\\s*\`\`\`json\\n([\\s\\S]*?)\`\`\``).exec(read(file)) ?? [];
  assert.ok(json, `${file} has no example ${name}`);
  return json;
}

test('every link inside the project leads somewhere', () => {
  for (const file of DOCUMENTS) {
    for (const [, target = ''] of read(file).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https:/.test(target)) continue;
      const [to = '', anchor] = target.split('#');
      const linked = to === '' ? file : path.posix.join(path.posix.dirname(file), to);
      assert.ok(existsSync(path.join(ROOT, linked)), `${file} links to ${target}`);
      const anchors = [...read(linked).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replace(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
      if (anchor) assert.ok(anchors.includes(anchor), `${file} links to ${target}`);
    }
  }
});

test('each dependency at run time has its reason, and no other is named', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const named = [...read('docs/adr/0002-dependencies.md').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(named.sort(), Object.keys(dependencies).sort());
  for (const [name, version] of Object.entries(dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
});

test('pages of decisions are numbered without a gap, and a page begins with its number', () => {
  const pages = globSync('docs/adr/*.md', { cwd: ROOT }).sort();
  for (const [index, page] of pages.entries()) {
    assert.equal(Number(path.basename(page).slice(0, 4)), index + 1, page);
    assert.match(read(page), new RegExp(`^# ${index + 1}\\. `), page);
  }
});

test('the example of an enrolment file is a good one, and each of its members is explained', () => {
  const enrolment = parseEnrolment(example('docs/operating/enrolment.md', 'enrolment'), 'example');
  assert.deepEqual(enrolment.authorities, ['central', 'pim']);
  assert.equal(enrolment.central?.signIn, 'browser');
  const { central, azure, authorities } = Enrolment.entries;
  const members = [
    ...Object.keys(central.wrapped.pipe[0].entries).map((name) => `central.${name}`),
    ...Object.keys(azure.wrapped.entries).map((name) => `azure.${name}`),
    'authorities',
  ];
  assert.ok(authorities);
  const page = read('docs/operating/enrolment.md');
  for (const member of members) assert.ok(page.includes(`\`${member}\``), member);
});

test('the examples for central are good ones', async (t) => {
  const folder = scratch(t);
  const file = path.join(folder, 'central.json');
  writeFileSync(file, example('docs/operating/central.md', 'central'));
  const configuration = await readConfiguration(file);
  assert.equal(configuration.heartbeatGrace, 300_000);
  const people = path.join(folder, 'people.json');
  writeFileSync(people, example('docs/operating/central.md', 'directory'));
  const directory = new FileDirectory(people, 'https://id.example.com');
  await directory.reload();
  assert.equal(directory.members('edge-sre').length, 1);
  assert.deepEqual((await check(path.join(ROOT, 'central/policy/example'), catalogueTree('azure'))).findings, []);
});

test('the policy that the page quotes stands in the example', () => {
  const [, quoted] = /```cedar\n([\s\S]*?)```/.exec(read('docs/operating/policy.md')) ?? [];
  assert.ok(quoted && read('central/policy/example/policies/elevate.cedar').includes(quoted));
});

test('the table of roles says what the catalogue says', () => {
  const rows = [...read('docs/operating/azure.md').matchAll(/^\| (`[^|]+`) \| (\S+) \| (\S+) \|$/gm)];
  const said = new Map(
    rows.flatMap(([, ids = '', ...kinds]) => [...ids.matchAll(/`([\w-]+)`/g)].map(([, id = '']) => [id, kinds] as const)),
  );
  const roles = BalancerKind.options.map(
    (kind) => new Map(catalogueRoles('azure', kind).map(({ id, enforcement }) => [id as string, enforcement])),
  );
  assert.deepEqual([...said.keys()].sort(), [...new Set(roles.flatMap((known) => [...known.keys()]))].sort());
  for (const [id, kinds] of said)
    assert.deepEqual(
      kinds,
      roles.map((known) => known.get(id) ?? '–'),
      id,
    );
});

test('the README lists the verbs of the command line, all of them, and its exit statuses', async (t) => {
  const { run } = await stage(t);
  const { out } = await run('--help');
  const verbs = [...(out.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z-]+)(?= )/gm)]
    .map(([, verb]) => verb)
    .filter((verb) => verb !== 'help');
  const readme = read('README.md');
  const [, block = ''] = /```\n(portcullis ls[\s\S]*?)```/.exec(readme) ?? [];
  const listed = [...block.matchAll(/(?:^portcullis |(?<!\[[^\]]*)\| )([a-z-]+)/gm)].map(([, verb]) => verb);
  for (const verb of verbs) assert.ok(listed.includes(verb), `README.md does not list ${verb}`);
  const inGroups = ['tail', 'export', 'verify', 'check', 'test', 'explain'];
  for (const verb of listed) assert.ok(verbs.includes(verb) || inGroups.includes(verb ?? ''), `there is no verb ${verb}`);
  for (const status of Object.values(EXIT)) assert.match(readme, new RegExp(`\\b${status} [a-z]`), `status ${status}`);
});
