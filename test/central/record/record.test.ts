import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import * as v from 'valibot';
import { leafOf } from '../../../central/store/tree.ts';
import type { AuditEvent } from '../../../protocol/audit.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { Discovery, WELL_KNOWN } from '../../../protocol/central-api.ts';
import { type Checkpoint, openCheckpoint, openReceipt, readHashes } from '../../../protocol/checkpoint.ts';
import { SECOND } from '../../../protocol/clock.ts';
import { provesConsistency, provesInclusion } from '../../../protocol/merkle-proof.ts';
import { type NoteKey, readNoteKey } from '../../../protocol/note.ts';
import { recorded, storyBodies } from '../../support/audit-events.ts';
import { recordCrypto } from '../../support/record-crypto.ts';
import { leftOut, rootOf } from '../../support/signed-record.ts';
import { until } from '../../support/until.ts';
import { accepted, refusalOf, Stage } from '../stage.ts';

const { sha256 } = recordCrypto;

async function keyOf(stage: Stage): Promise<NoteKey> {
  const { json } = await stage.raw('GET', WELL_KNOWN, undefined);
  return readNoteKey(v.parse(Discovery, json).recordKey ?? '', sha256) ?? assert.fail('no key is published');
}

/** The newest checkpoint, with the hashes that lead to it. */
async function newest(stage: Stage, after = 0): Promise<Checkpoint & { note: string; proof: Uint8Array[] }> {
  const { checkpoint = '', consistency } = accepted(await stage.call('alice', 'checkpoint', { query: `?after=${after}` }));
  const opened = openCheckpoint(checkpoint, await keyOf(stage), recordCrypto) ?? assert.fail('not signed with the published key');
  return { ...opened, note: checkpoint, proof: readHashes(consistency) ?? assert.fail() };
}

const everything = async (stage: Stage): Promise<AuditEvent[]> => accepted(await stage.call('carla', 'record')).events;

test('what was appended is signed within ten seconds or a hundred events, and every checkpoint grew out of the one before', async (t) => {
  const stage = await Stage.open(t);
  const first = await newest(stage);
  await stage.elevated('alice');
  await stage.clock.advance(9 * SECOND);
  assert.equal((await newest(stage)).size, first.size);
  await stage.clock.advance(2 * SECOND);
  const second = await newest(stage, first.size);
  const events = await everything(stage);
  assert.equal(second.size, events.length);
  assert.equal(toHex(second.root), toHex(rootOf(events)));
  assert.ok(provesConsistency(sha256, { old: first.size, oldRoot: first.root, size: second.size, root: second.root, proof: second.proof }));
  for (const event of events) {
    const { proof } = accepted(await stage.call('alice', 'inclusion', { body: { seq: event.seq, size: second.size } }));
    const inclusion = { index: event.seq - 1, size: second.size, leaf: leafOf(event), root: second.root };
    assert.ok(provesInclusion(sha256, { ...inclusion, proof: readHashes(proof) ?? [] }), `event ${event.seq}`);
  }
  assert.equal(refusalOf(await stage.call('alice', 'inclusion', { body: { seq: 1, size: 9_999 } })).field, 'size');
  assert.equal(refusalOf(await stage.call('alice', 'inclusion', { body: { seq: 5, size: 4 } })).field, 'seq');
  assert.equal(refusalOf(await stage.call('alice', 'subtrees', { body: { ranges: [{ from: 2, to: 1 }] } })).field, 'ranges');

  // A burst does not wait for the clock.
  const burst = recorded(storyBodies(1), 'burst-1');
  const { size } = await newest(stage);
  for (let n = 0; n < 101; n++) {
    const [event] = recorded(storyBodies(n).slice(0, 1), `burst-${n}`);
    accepted(await stage.call('alice', 'deposit', { body: { events: [event ?? burst[0]] } }));
  }
  await stage.clock.advance(1);
  assert.ok((await newest(stage)).size >= size + 100);
});

test('the key is made once, kept 0600, and the same after a restart; a file that others may read is refused', async (t) => {
  const stage = await Stage.open(t);
  const file = path.join(path.dirname(stage.settings.storeFile), 'record-key.pem');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const key = await keyOf(stage);
  await stage.stop();
  await stage.start();
  assert.deepEqual(await keyOf(stage), key);
  await stage.stop();
  stage.settings.record = { keyFile: stage.directoryFile };
  await assert.rejects(stage.start(), /record\.keyFile: .* may be read by others/);
  const odd = path.join(path.dirname(file), 'odd.pem');
  writeFileSync(odd, 'no key', { mode: 0o600 });
  stage.settings.record = { keyFile: odd };
  await assert.rejects(stage.start(), /holds no private key/);
});

test('a record from before there were trees gets its own', async (t) => {
  const stage = await Stage.open(t);
  await stage.elevated('alice');
  const events = await everything(stage);
  await stage.stop();
  const db = new DatabaseSync(stage.settings.storeFile);
  db.exec("DELETE FROM tree; DELETE FROM checkpoints; UPDATE heads SET peaks = ''");
  db.close();
  await stage.start();
  const { size, root } = await newest(stage);
  const all = await everything(stage);
  assert.deepEqual(all.slice(0, events.length), events);
  assert.equal(size, all.length);
  assert.equal(toHex(root), toHex(rootOf(all)));
});

const OWN = recorded([...storyBodies(1), ...storyBodies(2)], 'daemon-1');
const send = (stage: Stage, events: readonly AuditEvent[], who: 'alice' | 'ben' = 'alice') =>
  stage.call(who, 'deposit', { body: { events } });

test("a daemon's events are taken in once, whatever is sent again, and each has a receipt", async (t) => {
  const stage = await Stage.open(t);
  const key = await keyOf(stage);
  const receiptOf = (note: string | undefined) => openReceipt(note ?? '', key, recordCrypto) ?? assert.fail('no receipt');
  assert.deepEqual(accepted(await send(stage, OWN.slice(2, 4))), { next: 1 }, 'what comes before is wanted first');
  const first = accepted(await send(stage, OWN.slice(0, 5)));
  const { source, from, to, root, seq, at } = receiptOf(first.receipt);
  assert.deepEqual([source, from, to, first.next], ['daemon-1', 1, 5, 6]);
  assert.equal(toHex(root), toHex(rootOf(OWN.slice(0, 5))));
  const told = (await everything(stage)).find((event) => event.seq === seq);
  assert.deepEqual([told?.kind, told?.data?.['to'], told?.person?.id, told?.at], ['record.received', 5, 'alice', at]);

  assert.deepEqual(accepted(await send(stage, OWN.slice(0, 5))), first, 'the answer was lost');
  assert.deepEqual(accepted(await send(stage, OWN.slice(1, 3))).receipt, first.receipt);
  const overlapping = accepted(await send(stage, OWN.slice(3, 9)));
  assert.deepEqual([receiptOf(overlapping.receipt).from, receiptOf(overlapping.receipt).to], [6, 9]);
  assert.equal(toHex(receiptOf(overlapping.receipt).root), toHex(rootOf(OWN.slice(0, 9))));
  await stage.stop();
  await stage.start();
  const rest = accepted(await send(stage, OWN.slice(9)));
  assert.equal(toHex(receiptOf(rest.receipt).root), toHex(rootOf(OWN)));
  assert.equal((await everything(stage)).filter(({ kind }) => kind === 'record.received').length, 3);
});

test('a fork of what was sent before is refused and recorded; nobody writes in the name of another', async (t) => {
  const stage = await Stage.open(t);
  accepted(await send(stage, OWN.slice(0, 5)));
  const rewritten = recorded([...storyBodies(1).slice(0, 3), ...storyBodies(4)], 'daemon-1');
  assert.match(refusalOf(await send(stage, rewritten.slice(0, 5))).message, /Event 4 is not the one/);
  assert.match(refusalOf(await send(stage, rewritten.slice(5, 8))).message, /Event 6 /, 'it does not follow');
  const edited = OWN.slice(5, 7).map((event) => ({ ...event, text: 'Idle' }));
  assert.match(refusalOf(await send(stage, edited)).message, /Event 6 /);
  const told = (await everything(stage)).filter(({ kind }) => kind === 'record.forked');
  assert.deepEqual(
    told.map(({ data, person }) => [data?.['seq'], person?.id]),
    [
      [4, 'alice'],
      [6, 'alice'],
      [6, 'alice'],
    ],
  );
  assert.equal(refusalOf(await send(stage, OWN.slice(5, 6), 'ben')).code, 'not-yours');
  for (const events of [recorded(storyBodies(1)), [OWN[0], OWN[2]], [OWN[1], OWN[0]], [], [{ kind: 'x' }]])
    assert.equal(refusalOf(await stage.call('alice', 'deposit', { body: { events } })).code, 'bad-input');
  assert.equal(accepted(await send(stage, OWN.slice(5, 6))).next, 7, 'the true ones go on');
});

test('the subtrees over what is hidden are those of the tree', async (t) => {
  const stage = await Stage.open(t);
  await stage.elevated('alice');
  await stage.clock.advance(11 * SECOND);
  const events = await everything(stage);
  const ranges = [
    { from: 1, to: 2 },
    { from: 2, to: events.length },
  ];
  const { hashes } = accepted(await stage.call('dan', 'subtrees', { body: { ranges } }));
  assert.deepEqual(
    hashes,
    ranges.map(({ from, to }) => leftOut(events, from, to).omitted.hashes),
  );
});

test('an anchor file grows by what is signed, and tells when the store behind it was put back', async (t) => {
  const stage = await Stage.open(t);
  await stage.stop();
  const anchor = path.join(path.dirname(stage.settings.storeFile), 'anchored.txt');
  stage.settings.record = { anchors: [{ kind: 'file', file: anchor }] };
  const old = readFileSync(stage.settings.storeFile);
  await stage.start();
  await stage.elevated('alice');
  await stage.clock.advance(11 * SECOND);
  const { note } = await newest(stage);
  await until('the checkpoint is anchored', () => readFileSync(anchor, 'utf8').endsWith(note));
  writeFileSync(anchor, 'portcullis\n12', { flag: 'a' });
  await stage.stop();
  await stage.start();
  const { note: next } = await newest(stage);
  await until('a note that a crash left half written spoils nothing', () => readFileSync(anchor, 'utf8').endsWith(next));
  assert.equal((await everything(stage)).filter(({ kind }) => kind === 'record.forked').length, 0);

  await stage.stop();
  writeFileSync(stage.settings.storeFile, old);
  await stage.start();
  const told = async () => (await everything(stage)).filter(({ kind }) => kind === 'record.forked');
  await until('the alarm is in the record', async () => (await told()).length > 0);
  const [forked] = await told();
  assert.match(forked?.text ?? '', /holds another record: it has a checkpoint of \d+ events, this record has/);
  await stage.clock.advance(60 * SECOND);
  assert.equal((await everything(stage)).filter(({ kind }) => kind === 'record.forked').length, 1, 'told once');
});
