import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditBody, AuditEvent } from '../../protocol/audit.ts';
import type { RecordLine } from '../../protocol/record-file.ts';
import { RecordVerifier, type Trust } from '../../protocol/record-verifier.ts';
import { recorded, storyBodies } from '../support/audit-events.ts';
import { recordCrypto } from '../support/record-crypto.ts';
import { leftOut, Signer } from '../support/signed-record.ts';

const signer = new Signer();
const bodies = (count: number): AuditBody[] =>
  Array.from({ length: Math.ceil(count / 8) }, (_, n) => storyBodies(n))
    .flat()
    .slice(0, count);
const CENTRAL = recorded(bodies(20));
const OWN = recorded(bodies(9), 'daemon-1');
const CHECKPOINT = { checkpoint: signer.checkpoint(CENTRAL) };
const RECEIPT = { receipt: signer.receipt(OWN) };
const WHOLE: RecordLine[] = [signer.keyLine, CHECKPOINT, RECEIPT, ...CENTRAL, ...OWN];

function report(lines: Iterable<RecordLine>, trust: Trust = {}) {
  const verifier = new RecordVerifier(recordCrypto, trust);
  for (const line of lines) verifier.add(line);
  return verifier.end();
}
const wrong = (lines: Iterable<RecordLine>, trust: Trust = {}): [string, number, string] => {
  const found = report(lines, trust);
  return found.ok ? assert.fail('it verifies') : [found.source, found.seq, found.why];
};
const signed = (lines: Iterable<RecordLine>, trust: Trust = {}) => {
  const found = report(lines, trust);
  return found.ok ? found.chains.map((chain) => [chain.source, chain.signed]) : assert.fail(`${found.source} ${found.seq}: ${found.why}`);
};
/** Whoever has the file can make the links anew; not the signature. */
const rebuilt = (events: readonly AuditEvent[]): AuditEvent[] =>
  recorded(
    events.map(({ source: _, seq: __, prev: ___, hash: ____, ...body }) => body as AuditBody),
    events[0]?.source,
  );

test('a signed record verifies to its signatures, with the key of the file or the given one', () => {
  const found = report(WHOLE);
  assert.ok(found.ok);
  assert.equal(found.keyFrom, 'file');
  assert.deepEqual(signed(WHOLE, { key: signer.key }), [
    ['central', 20],
    ['daemon-1', 9],
  ]);
  assert.deepEqual(signed([signer.keyLine, { checkpoint: signer.checkpoint(CENTRAL, 12) }, ...CENTRAL]), [['central', 12]]);
});

test('what was written anew with all its links is found by the signed root, and the events that it covers are named', () => {
  const edited = rebuilt(CENTRAL.map((event) => (event.seq === 15 ? { ...event, reason: 'Nothing of note' } : event)));
  assert.deepEqual(wrong([signer.keyLine, CHECKPOINT, ...edited]).slice(0, 2), ['central', 1]);
  const two = [signer.keyLine, { checkpoint: signer.checkpoint(CENTRAL, 12) }, CHECKPOINT];
  assert.deepEqual(wrong([...two, ...edited]), ['central', 13, 'events 13 to 20 are not those that central has signed (checkpoint)']);
  const deleted = rebuilt(CENTRAL.filter(({ seq }) => seq !== 15));
  assert.deepEqual(wrong([...two, ...deleted]), ['central', 20, 'it is missing: central has signed a checkpoint of 20 events']);
  const own = rebuilt(OWN.map((event) => (event.seq === 9 ? { ...event, text: 'Idle' } : event)));
  assert.deepEqual(wrong([signer.keyLine, { receipt: signer.receipt(OWN, 8) }, RECEIPT, ...own]).slice(0, 2), ['daemon-1', 9]);
});

test('a tail that was cut is found by the file, by a checkpoint from elsewhere, or by what central says that it received', () => {
  assert.deepEqual(wrong([signer.keyLine, CHECKPOINT, ...CENTRAL.slice(0, 18)]).slice(0, 2), ['central', 19]);
  assert.deepEqual(wrong([signer.keyLine, RECEIPT, ...OWN.slice(0, 5)]).slice(0, 2), ['daemon-1', 6]);
  const bare = CENTRAL.slice(0, 18);
  assert.deepEqual(wrong(bare, { key: signer.key, checkpoints: [CHECKPOINT.checkpoint] }).slice(0, 2), ['central', 19]);
  assert.deepEqual(wrong([signer.keyLine, ...bare], { checkpoints: [CHECKPOINT.checkpoint] }).slice(0, 2), ['central', 19]);
  const told = recorded([
    { kind: 'record.received', at: 1, boot: 1, text: 'Received', data: { source: 'daemon-1', from: 1, to: 9, root: '' } },
  ]);
  assert.deepEqual(wrong([...OWN.slice(0, 5), ...told]), ['daemon-1', 6, 'it is missing: central has received 9 events']);
  assert.ok(report([...OWN, ...told]).ok);
  assert.ok(report(told).ok, "an auditor's file without the daemon's own chain");
});

test('a signature of another key, or for another record, counts for nothing', () => {
  const other = new Signer();
  assert.match(wrong([signer.keyLine, { checkpoint: other.checkpoint(CENTRAL) }, ...CENTRAL])[2], /not signed with the key of portcullis/);
  assert.match(wrong(WHOLE, { key: other.key })[2], /another key than the given one/);
  assert.match(wrong([signer.keyLine, other.keyLine, ...CENTRAL])[2], /two keys/);
  assert.match(wrong([CHECKPOINT, ...CENTRAL])[2], /a key that is not named/);
  assert.match(wrong(CENTRAL, { key: signer.key })[2], /nothing in it is signed/);
  assert.match(wrong([...CENTRAL], { checkpoints: [CHECKPOINT.checkpoint] })[2], /a key that is not named/);
  const foreign = recorded(bodies(9), 'daemon-2');
  assert.deepEqual(wrong([signer.keyLine, { receipt: signer.receipt(foreign) }, ...OWN]).slice(0, 2), ['daemon-2', 1]);
  assert.match(wrong([signer.keyLine, { checkpoint: RECEIPT.receipt }, ...OWN])[2], /a checkpoint is not signed/);
});

test('whatever is left out with its hashes, the root is still proven', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 20 }), (hidden) => {
      const lines: RecordLine[] = [signer.keyLine, CHECKPOINT];
      let from: number | undefined;
      for (const event of CENTRAL) {
        if (hidden.includes(event.seq)) from ??= event.seq;
        else {
          if (from !== undefined) lines.push(leftOut(CENTRAL, from, event.seq - 1));
          from = undefined;
          lines.push(event);
        }
      }
      if (from !== undefined) lines.push(leftOut(CENTRAL, from, 20));
      assert.deepEqual(signed(lines), hidden.length === 20 ? [] : [['central', 20]]);
    }),
  );
});

test('a lie about what is left out is found', () => {
  const truth = leftOut(CENTRAL, 5, 12);
  const around = (line: RecordLine): RecordLine[] => [signer.keyLine, CHECKPOINT, ...CENTRAL.slice(0, 4), line, ...CENTRAL.slice(12)];
  assert.deepEqual(signed(around(truth)), [['central', 20]]);
  const { hashes = [], ...bare } = truth.omitted;
  for (const [lie, expected] of [
    [{ ...truth.omitted, hashes: hashes.with(0, '00'.repeat(32)) }, /events 1 to 20 are not those/],
    [{ ...truth.omitted, hashes: hashes.toReversed() }, /events 1 to 20 are not those/],
    [{ ...truth.omitted, hashes: hashes.slice(1) }, /not as many/],
    [{ ...truth.omitted, hashes: hashes.with(0, 'xx') }, /not as many/],
    [leftOut(CENTRAL, 5, 11).omitted, /expected event 12/],
    [leftOut(CENTRAL, 4, 12).omitted, /event 5 is expected/],
    [bare, /cannot be proven: events 5 to 12 are left out without their hashes/],
  ] as const)
    assert.match(wrong(around({ omitted: lie }))[2], expected);
  const inside = [signer.keyLine, { checkpoint: signer.checkpoint(CENTRAL, 7) }, ...CENTRAL.slice(0, 4), truth, ...CENTRAL.slice(12)];
  assert.match(wrong(inside)[2], /ends among events that are left out/);
  assert.match(wrong([signer.keyLine, CHECKPOINT, ...CENTRAL.slice(4)])[2], /the file begins at event 5/);
  assert.match(wrong([signer.keyLine, ...CENTRAL, { checkpoint: signer.checkpoint(CENTRAL, 7) }])[2], /stands behind event 20/);
});
