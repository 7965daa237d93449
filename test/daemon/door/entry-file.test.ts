import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEntry, removeEntry, writeEntry } from '../../../daemon/door/entry-file.ts';
import { privateFolder } from '../../../daemon/door/folder.ts';
import { Secret } from '../../../daemon/secret.ts';
import type { EntryFile } from '../../../protocol/door.ts';
import { scratch } from '../../support/scratch.ts';

const ENTRY: EntryFile = {
  schema: 1,
  instance: '2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11',
  pid: 4_711,
  socket: '/run/user/1000/portcullis/door.sock',
  secret: 'ab'.repeat(32),
  version: '0.1.0',
  versions: [1],
  startedAt: 1,
};
const { secret: _, ...SAID } = ENTRY;
const uid = process.geteuid?.();
const yes = () => true;

test('is written whole, for this person alone, and read back', (t) => {
  const file = path.join(scratch(t), 'daemon.json');
  writeFileSync(file, 'stale', { mode: 0o644 });
  writeEntry(file, SAID, Secret.of(Buffer.from(ENTRY.secret, 'hex')));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readEntry(file, uid, yes), ENTRY);
  assert.deepEqual(readdirSync(path.dirname(file)), ['daemon.json'], 'nothing is left beside it');
});

test('is not believed when its process is dead, others may read it, it is a link, or it belongs to somebody else', (t) => {
  const dir = scratch(t);
  const file = path.join(dir, 'daemon.json');
  writeEntry(file, SAID, Secret.of(Buffer.from(ENTRY.secret, 'hex')));
  assert.equal(
    readEntry(file, uid, () => false),
    undefined,
  );
  assert.equal(readEntry(file, (uid ?? 0) + 1, yes), undefined);
  symlinkSync(file, path.join(dir, 'link.json'));
  assert.equal(readEntry(path.join(dir, 'link.json'), uid, yes), undefined);
  chmodSync(file, 0o640);
  assert.equal(readEntry(file, uid, yes), undefined);
  mkdirSync(path.join(dir, 'folder.json'));
  assert.equal(readEntry(path.join(dir, 'folder.json'), uid, yes), undefined);
  assert.equal(readEntry(path.join(dir, 'none.json'), uid, yes), undefined);
});

test('whatever the file holds, reading gives an entry or nothing, and never throws', (t) => {
  const file = path.join(scratch(t), 'daemon.json');
  const good = Buffer.from(JSON.stringify(ENTRY));
  const damaged = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })).map(([at, byte]) => {
    const copy = Buffer.from(good);
    copy[at] = byte;
    return copy;
  });
  const other = fc.oneof(
    damaged,
    fc.uint8Array({ maxLength: 300 }).map(Buffer.from),
    fc.json().map(Buffer.from),
    fc.nat(good.length).map((end) => good.subarray(0, end)),
  );
  fc.assert(
    fc.property(other, (bytes) => {
      writeFileSync(file, bytes, { mode: 0o600 });
      const entry = readEntry(file, uid, yes);
      if (!entry) return;
      assert.match(entry.secret, /^[0-9a-f]{64}$/);
      assert.ok(entry.socket.length > 0 && entry.socket.length <= 200);
      assert.deepEqual(Object.keys(entry).sort(), Object.keys(ENTRY).sort());
    }),
    { numRuns: 500 },
  );
});

test('only its own daemon removes it', (t) => {
  const file = path.join(scratch(t), 'daemon.json');
  writeEntry(file, SAID, Secret.of(Buffer.from(ENTRY.secret, 'hex')));
  removeEntry(file, '00000000-0000-4000-8000-000000000000', uid);
  assert.ok(existsSync(file));
  removeEntry(file, ENTRY.instance, uid);
  assert.ok(!existsSync(file));
  removeEntry(file, ENTRY.instance, uid);
});

test('a private folder is made, tightened, and refused when it is a link or a file', (t) => {
  const dir = scratch(t);
  const made = path.join(dir, 'a', 'b');
  privateFolder(made, uid);
  assert.equal(statSync(made).mode & 0o777, 0o700);
  chmodSync(made, 0o755);
  privateFolder(made, uid);
  assert.equal(statSync(made).mode & 0o777, 0o700);
  symlinkSync(made, path.join(dir, 'link'));
  assert.throws(() => privateFolder(path.join(dir, 'link'), uid), /not a real folder/);
  writeFileSync(path.join(dir, 'file'), '');
  assert.throws(() => privateFolder(path.join(dir, 'file'), uid), /cannot be made/);
  assert.throws(() => privateFolder(made, (uid ?? 0) + 1), /belongs to somebody else/);
  assert.equal(readFileSync(path.join(dir, 'file'), 'utf8'), '');
});
