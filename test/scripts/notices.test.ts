import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notices, packageFolder } from '../../scripts/notices.ts';

test('a file belongs to the innermost package', () => {
  assert.equal(packageFolder('node_modules/ws/lib/sender.js'), 'node_modules/ws');
  assert.equal(packageFolder('node_modules/a/node_modules/@b/c/d/e.js'), 'node_modules/a/node_modules/@b/c');
  assert.equal(packageFolder('daemon/cli/main.ts'), undefined);
});

test('names each package that is really in a bundle, with its licence', () => {
  const output = (input: string, bytesInOutput: number) => ({ inputs: { [input]: { bytesInOutput } }, bytes: 1, imports: [], exports: [] });
  const text = notices([
    {
      inputs: {},
      outputs: { 'dist/a.mjs': output('node_modules/valibot/dist/index.mjs', 10), 'dist/b.mjs': output('node_modules/ws/index.js', 0) },
    },
  ]);
  assert.match(text, /valibot \d+\.\d+\.\d+ \(MIT\)\n\nMIT License/);
  assert.doesNotMatch(text, /^ws /m);
});
