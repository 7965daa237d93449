import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { packedFiles, withoutLinksInside } from '../../scripts/package.ts';
import { ROOT } from '../../scripts/root.ts';

/** Chunks of the daemon's bundle have a hash in their names. */
const CHUNK = /^dist\/portcullis\/[\w.-]+-[A-Z0-9]{8}\.mjs$/;

const PACKED = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'dist/THIRD-PARTY-NOTICES.txt',
  'dist/extension.cjs',
  'dist/portcullis.mjs',
  'dist/webview/audit.css',
  'dist/webview/audit.js',
  'extension/media/icon.png',
  'extension/media/portcullis.svg',
  'package.json',
];

test('the .vsix holds exactly what a person needs', () => {
  assert.ok(existsSync(path.join(ROOT, 'dist/extension.cjs')), 'dist/extension.cjs is not built: npm run package');
  const files = packedFiles();
  const [chunks, rest] = [files.filter((file) => CHUNK.test(file)), files.filter((file) => !CHUNK.test(file))];
  assert.deepEqual(rest, PACKED);
  assert.ok(chunks.length > 0, 'the cloud SDKs come in chunks of their own');
});

test('the README in it has no link or picture that leads nowhere, and no words less', () => {
  const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const packed = withoutLinksInside(readme);
  assert.ok(/\]\(docs\//.test(readme), 'there is something to take out');
  assert.doesNotMatch(packed, /\]\((?!https:|#)/);
  const words = (text: string) => text.replaceAll(/!\[.*\n|\]\([^)]*\)|\[/g, '').split(/\s+/);
  assert.deepEqual(words(packed), words(readme));
});
