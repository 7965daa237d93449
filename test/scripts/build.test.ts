import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../../scripts/root.ts';

const script = (...args: string[]) => spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });

test('a target that does not exist is named, with those that do', () => {
  const { status, stderr } = script('scripts/build.ts', 'webvieuw');
  assert.equal(status, 1);
  assert.match(stderr, /webvieuw.*extension, portcullis, central, webview/);
});

test('an old Node is told what to do, before it meets TypeScript', () => {
  const guard = path.join(ROOT, 'scripts/need-node.cjs');
  const old = `Object.defineProperty(process, 'versions', { value: { node: '20.20.2' } }); require(${JSON.stringify(guard)})`;
  const { status, stderr } = script('-e', old);
  assert.equal(status, 1);
  assert.match(stderr, /Node 24.*\n.*npm ci/);
  assert.equal(script('-r', guard, '-e', '0').status, 0);
});
