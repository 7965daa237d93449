import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { COMMANDS, manifest, SETTINGS } from '../extension/contributions.ts';
import { withContributions, withTables } from '../scripts/manifest.ts';
import { ROOT } from '../scripts/root.ts';

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

test('the manifest says exactly what the code declares', () => {
  assert.deepEqual(JSON.parse(read('package.json')).contributes, JSON.parse(JSON.stringify(manifest())));
});

test('the README lists the same commands and settings', () => {
  assert.equal(withTables(read('README.md')), read('README.md'));
});

test('a command that only the code knows is noticed', () => {
  const older = JSON.parse(read('package.json'));
  older.contributes.commands.pop();
  const text = JSON.stringify(older, null, 2);
  assert.notEqual(withContributions(text), text);
});

test('a README without a place for a table is noticed', () => {
  assert.throws(() => withTables('# Portcullis\n'), /commands/);
});

test('every command and setting belongs to Portcullis, once', () => {
  const ids = COMMANDS.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of [...ids, ...Object.keys(SETTINGS)]) assert.match(id, /^portcullis\./);
});

test('every command that a menu, a view or a key names exists', () => {
  const ids = new Set<string>(COMMANDS.map(({ id }) => id));
  const { menus, keybindings, viewsWelcome } = manifest();
  const used = [...Object.values(menus).flat(), ...keybindings].map(({ command }) => command);
  const linked = viewsWelcome.flatMap(({ contents }) => [...contents.matchAll(/command:([\w.]+)/g)].map(([, id]) => id ?? ''));
  for (const id of [...used, ...linked]) assert.ok(ids.has(id), id);
});
