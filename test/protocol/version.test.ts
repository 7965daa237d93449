import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNewer } from '../../protocol/version.ts';

test('versions are compared by their numbers, not as text', () => {
  assert.equal(isNewer('0.10.0', '0.9.3'), true);
  assert.equal(isNewer('0.9.3', '0.10.0'), false);
  assert.equal(isNewer('1', '0.99.99'), true);
  assert.equal(isNewer('1.0.0', '1.0'), false);
  assert.equal(isNewer('1.0.0', '1.0.0'), false);
});

test('what is no version is newer than nothing, and nothing is newer than it', () => {
  assert.equal(isNewer('latest', '0.1.0'), false);
  assert.equal(isNewer('0.1.0', ''), false);
});
