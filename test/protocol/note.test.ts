import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromBase64, fromHex, toBase64, toHex, utf8 } from '../../protocol/bytes.ts';
import {
  type Checkpoint,
  checkpointText,
  claimedCheckpoint,
  claimedReceipt,
  openCheckpoint,
  openReceipt,
  type Receipt,
  readHashes,
  receiptText,
  writeHashes,
} from '../../protocol/checkpoint.ts';
import { type NoteKey, noteKey, openNote, readNoteKey, signNote, writeNoteKey } from '../../protocol/note.ts';
import { recordCrypto } from '../support/record-crypto.ts';

/** The example of golang.org/x/mod/sumdb/note, which everybody who reads signed notes is checked against. */
const PUBLISHED = {
  key: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  note: `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`,
};

function signer(name: string): { key: NoteKey; sign: (message: Uint8Array) => Uint8Array } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'));
  return { key: noteKey(name, raw, recordCrypto.sha256), sign: (message) => new Uint8Array(sign(null, message, privateKey)) };
}
const own = signer('portcullis.example/record');
const root = new Uint8Array(32).fill(7);
const checkpoint: Checkpoint = { origin: own.key.name, size: 12_345, root };
const receipt: Receipt = { origin: own.key.name, source: 'daemon-1', from: 3, to: 9, root, seq: 77, at: 1_795_000_000_000 };
const signedCheckpoint = signNote(checkpointText(checkpoint), own.key, own.sign);
const signedReceipt = signNote(receiptText(receipt), own.key, own.sign);

test('the published note opens with the published key', () => {
  const key = readNoteKey(PUBLISHED.key, recordCrypto.sha256) ?? assert.fail();
  assert.equal(writeNoteKey(key), PUBLISHED.key);
  assert.equal(openNote(PUBLISHED.note, key, recordCrypto), `${PUBLISHED.note.split('\n\n')[0]}\n`);
});

test('a key is read only when its hash is its own', () => {
  const written = writeNoteKey(own.key);
  assert.deepEqual(readNoteKey(`${written}\n`, recordCrypto.sha256), own.key);
  const other = writeNoteKey(signer(own.key.name).key);
  for (const wrong of [
    '',
    own.key.name,
    written.replace('+', '-'),
    written.replace(/\+.{8}\+/, `+${other.split('+')[1]}+`),
    `${written}AA`,
  ])
    assert.equal(readNoteKey(wrong, recordCrypto.sha256), undefined, wrong);
});

test('checkpoints and receipts come back as they were signed, and neither passes for the other', () => {
  assert.equal(checkpointText(checkpoint), `portcullis.example/record\n12345\n${toBase64(root)}\n`);
  assert.deepEqual(openCheckpoint(signedCheckpoint, own.key, recordCrypto), checkpoint);
  assert.deepEqual(openReceipt(signedReceipt, own.key, recordCrypto), receipt);
  assert.equal(openCheckpoint(signedReceipt, own.key, recordCrypto), undefined);
  assert.equal(openReceipt(signedCheckpoint, own.key, recordCrypto), undefined);
});

test('what another key signed, or this key for another record, does not count', () => {
  const other = signer(own.key.name);
  assert.equal(openCheckpoint(signedCheckpoint, other.key, recordCrypto), undefined);
  const foreign = signNote(checkpointText({ ...checkpoint, origin: 'elsewhere' }), own.key, own.sign);
  assert.equal(openCheckpoint(foreign, own.key, recordCrypto), undefined);
  assert.deepEqual(claimedCheckpoint(foreign), { ...checkpoint, origin: 'elsewhere' });
  const unsigned = `${checkpointText(checkpoint)}\n`;
  assert.equal(openCheckpoint(unsigned, own.key, recordCrypto), undefined);
});

test('the signature of a witness beside it is passed over; a wrong one of our own is not', () => {
  const witness = signer('witness.example');
  const line = signNote(checkpointText(checkpoint), witness.key, witness.sign).split('\n\n')[1];
  assert.deepEqual(openCheckpoint(signedCheckpoint + line, own.key, recordCrypto), checkpoint);
  assert.equal(openCheckpoint(`${signedCheckpoint}no signature\n`, own.key, recordCrypto), undefined);
  const lie = signNote(checkpointText({ ...checkpoint, size: 1 }), own.key, own.sign).split('\n\n')[1];
  assert.equal(openCheckpoint(signedCheckpoint + lie, own.key, recordCrypto), undefined);
});

test('no change of any byte of a signed note opens', () => {
  for (const note of [signedCheckpoint, signedReceipt]) {
    const bytes = utf8(note);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, turn) => {
        const changed = new TextDecoder().decode(bytes.with(at, (bytes[at] ?? 0) ^ turn));
        assert.equal(openNote(changed, own.key, recordCrypto), undefined, changed);
      }),
      { numRuns: 2_000 },
    );
  }
});

test('numbers have one way to be written, and ranges run forward', () => {
  for (const size of ['012', '1e3', '-1', '1.5', '', '99999999999999999'])
    assert.equal(claimedCheckpoint(`o\n${size}\n${toBase64(root)}\n\n`), undefined, size);
  assert.equal(claimedCheckpoint(`o\n1\n${toBase64(root.slice(1))}\n\n`), undefined);
  assert.equal(claimedReceipt(`${receiptText({ ...receipt, from: 10 })}\n`), undefined);
  assert.equal(claimedReceipt(`${receiptText(receipt)}more\n\n`), undefined);
});

test('bytes go to text and back, and nothing else is read', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
      assert.deepEqual(fromHex(toHex(bytes), bytes.length), bytes);
      assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'));
    }),
  );
  for (const text of ['=', 'A', 'AA', 'AB==', 'A A=', 'AA-_']) assert.equal(fromBase64(text), undefined, text);
  for (const text of ['0', '0g', 'AA', '0000']) assert.equal(fromHex(text, 1), undefined, text);
  assert.deepEqual(readHashes(writeHashes([root, root])), [root, root]);
  assert.equal(readHashes(['00']), undefined);
});
