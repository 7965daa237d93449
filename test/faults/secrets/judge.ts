import assert from 'node:assert/strict';
import type { Life } from './life.ts';
import { hits, needlesOf } from './scan.ts';

/** Zero hits outside the daemon's memory, and signs that the secrets were there to be found. */
export function judgeLife({ canaries, doorSecret, sinks, extensionHeap, extensionCopies, copies, problems }: Life): void {
  const credentials = [canaries.cli, canaries.session].flatMap(needlesOf);
  assert.deepEqual(hits(sinks, credentials), []);
  assert.deepEqual(hits([{ name: 'what the person was told', bytes: Buffer.from(problems.join('\n')) }], credentials), []);
  // Of the session, too, nothing is alive once it was handed over.
  assert.deepEqual(hits([extensionHeap], credentials), []);
  // A client knows the secret of its door; it is on no wire, in no log and no command line.
  assert.deepEqual(hits(sinks, needlesOf(doorSecret)), []);
  assert.equal(hits([extensionHeap], needlesOf(doorSecret)).length, 1, 'the heap of the extension can be searched');
  // Troubles were met, and told in other words than Azure's.
  assert.ok(
    problems.some((told) => /not allowed/.test(told) && /…/.test(told)),
    problems.join('\n'),
  );
  for (const kind of ['journal.db', 'daemon.log', 'record.jsonl', 'portcullis status', 'what the door said', 'page', '/environ'])
    assert.ok(
      sinks.some(({ name, bytes }) => name.includes(kind) && bytes.length > 10),
      `${kind} was looked at`,
    );
  if (!copies || !extensionCopies) return;
  assert.ok(copies.cli.signedIn > 0 && copies.session.signedIn > 0, 'the daemon had them in its memory');
  assert.equal(extensionCopies.cli, 0, 'the extension never had what the Azure CLI gave');
}
