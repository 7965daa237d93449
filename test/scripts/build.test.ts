import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { refuseLazyCommonJs } from '../../scripts/build.ts';
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

test('a CommonJS package that is loaded lazily is refused: its named exports would be gone', () => {
  const sdk = (format: 'cjs' | 'esm') => ({
    inputs: {
      'cloud/azure/clients.ts': { bytes: 1, imports: [{ path: 'node_modules/sdk/index.js', kind: 'dynamic-import' as const }] },
      'node_modules/sdk/index.js': { bytes: 1, imports: [], format },
    },
  });
  assert.throws(() => refuseLazyCommonJs(sdk('cjs')), /clients\.ts loads node_modules\/sdk/);
  refuseLazyCommonJs(sdk('esm'));
});
