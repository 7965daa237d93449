import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live } from './life.ts';
import { hits, needlesOf } from './scan.ts';

test('a credential is in the memory of the daemon, and nowhere else', { timeout: 170_000 }, async (t) => {
  const life = await live(t);
  const { canaries, sinks, extensionHeap, copies, extensionCopies, doorSecret } = life;
  t.diagnostic(
    `${sinks.length} sinks, ${sinks.reduce((sum, { bytes }) => sum + bytes.length, 0)} bytes, heap ${extensionHeap.bytes.length}`,
  );
  t.diagnostic(JSON.stringify({ copies, extensionCopies }));
  const credentials = [canaries.cli, canaries.session].flatMap(needlesOf);
  assert.deepEqual(hits(sinks, credentials), []);
  assert.deepEqual(hits([extensionHeap], credentials), []);
  assert.deepEqual(hits(sinks, needlesOf(doorSecret)), []);
  if (copies) {
    assert.ok(copies.cli.signedIn > 0 && copies.session.signedIn > 0, 'they were there');
  }
});
