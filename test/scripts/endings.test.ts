import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ended, Endings } from '../../scripts/endings.ts';

test('undoes the last first, and one that fails does not keep the others', async () => {
  const done: string[] = [];
  const endings = new Endings((message) => done.push(`! ${message}`));
  await endings.add(() => done.push('first'));
  await endings.add(() => Promise.reject(new Error('no')));
  await endings.add(async () => done.push('last'));
  await endings.run();
  assert.deepEqual(done, ['last', '! no', 'first']);
});

test('what is begun too late is undone at once, and the work that began it stops', async () => {
  const done: string[] = [];
  const endings = new Endings(() => {});
  await endings.run();
  await assert.rejects(
    endings.add(() => done.push('late')),
    Ended,
  );
  assert.deepEqual(done, ['late']);
});
