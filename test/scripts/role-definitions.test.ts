import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { catalogueDefinitions } from '../../roles/catalogue.ts';
import { ROOT } from '../../scripts/root.ts';
import { scratch } from '../support/scratch.ts';

const SCRIPT = path.join(ROOT, 'scripts/role-definitions.ts');
const GROUP = '/providers/Microsoft.Management/managementGroups/edge';

test('one file and one command for each role that Azure can enforce, with the id that Portcullis binds', (t) => {
  const folder = path.join(scratch(t), 'roles');
  const out = execFileSync(process.execPath, [SCRIPT, GROUP, folder], { encoding: 'utf8' });
  const definitions = catalogueDefinitions('azure');
  assert.equal(readdirSync(folder).length, definitions.length);
  for (const { roleId, guid, name, actions } of definitions) {
    const { properties } = JSON.parse(readFileSync(path.join(folder, `${roleId}.json`), 'utf8'));
    assert.deepEqual([properties.roleName, properties.permissions[0].actions, properties.assignableScopes], [name, actions, [GROUP]]);
    assert.ok(out.includes(`https://management.azure.com${GROUP}/providers/Microsoft.Authorization/roleDefinitions/${guid}?`));
  }
  assert.equal(out.trim().split('\n').length, definitions.length);
});

test('a scope that is none is refused with the usage', () => {
  for (const args of [[], [GROUP], ['edge', 'x'], ["/subscriptions/'; rm -rf", 'x']]) {
    assert.equal(spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8' }).status, 2);
  }
});
