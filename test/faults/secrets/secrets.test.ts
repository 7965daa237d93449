import { test } from 'node:test';
import { judgeLife } from './judge.ts';
import { live } from './life.ts';

test('a credential is in the memory of the daemon, and nowhere else', { timeout: 170_000 }, async (t) => {
  const life = await live(t);
  const bytes = life.sinks.reduce((sum, { bytes }) => sum + bytes.length, 0);
  t.diagnostic(`${life.sinks.length} sinks with ${bytes} bytes, and a heap of ${life.extensionHeap.bytes.length}`);
  t.diagnostic(`copies in memory: ${JSON.stringify({ daemon: life.copies, extension: life.extensionCopies })}`);
  judgeLife(life);
});
