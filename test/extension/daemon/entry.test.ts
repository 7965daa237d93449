import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { isAlive, readEntry } from '../../../extension/daemon/entry.ts';
import { uuid } from '../../daemon/cli/estate.ts';
import { scratch } from '../../support/scratch.ts';

const uid = process.getuid?.();
const ENTRY = {
  schema: 1,
  instance: uuid('1'),
  pid: process.pid,
  socket: '/s',
  secret: 'ab'.repeat(32),
  version: '0.1.0',
  versions: [1],
  startedAt: 0,
};

function place(t: TestContext, content: string, mode = 0o600): string {
  const run = path.join(scratch(t), 'run');
  mkdirSync(run, { mode: 0o700 });
  const file = path.join(run, 'daemon.json');
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

const read = async (file: string, alive = true) => {
  const reading = await readEntry(file, { uid, isAlive: () => alive });
  return reading.ok ? 'ok' : reading.why;
};

describe('an entry file', () => {
  it('that is whole, private and alive is believed', async (t) => {
    assert.equal(await read(place(t, JSON.stringify(ENTRY))), 'ok');
    assert.equal(isAlive(process.pid), true);
  });

  it('of a daemon that has gone, or that speaks another protocol, is not', async (t) => {
    assert.equal(await read(place(t, JSON.stringify(ENTRY)), false), 'dead');
    assert.equal(await read(place(t, JSON.stringify({ ...ENTRY, versions: [99] }))), 'other version');
  });

  it('that is missing is no error', async (t) => {
    const dir = scratch(t);
    assert.equal(await read(path.join(dir, 'daemon.json')), 'absent');
    assert.equal(await read(path.join(dir, 'no', 'daemon.json')), 'absent');
  });

  it('that others may read or write, or that hangs in a folder of theirs, is not', async (t) => {
    for (const mode of [0o604, 0o620, 0o666, 0o640])
      assert.equal(await read(place(t, JSON.stringify(ENTRY), mode)), 'foreign', mode.toString(8));
    const file = place(t, JSON.stringify(ENTRY));
    chmodSync(path.dirname(file), 0o755);
    assert.equal(await read(file), 'foreign');
    const own = await readEntry(place(t, JSON.stringify(ENTRY)), { uid: 4_711, isAlive: () => true });
    assert.equal(own.ok ? 'ok' : own.why, 'foreign');
  });

  it('that is a link, a folder or far too long is not', async (t) => {
    const real = place(t, JSON.stringify(ENTRY));
    const link = path.join(path.dirname(real), 'link.json');
    symlinkSync(real, link);
    assert.equal(await read(link), 'foreign');
    const folder = path.join(path.dirname(real), 'folder.json');
    mkdirSync(folder);
    assert.equal(await read(folder), 'broken');
    assert.equal(await read(place(t, JSON.stringify({ ...ENTRY, version: 'x'.repeat(20_000) }))), 'broken');
  });

  it('with anything else in it is never believed, and never throws', async (t) => {
    const file = place(t, '');
    const broken = [
      '',
      '{}',
      '[]',
      'null',
      '{"__proto__":{"schema":1}}',
      JSON.stringify({ ...ENTRY, schema: 2 }),
      JSON.stringify({ ...ENTRY, more: 1 }),
    ];
    for (const content of broken) {
      writeFileSync(file, content);
      assert.equal(await read(file), 'broken', content);
    }
    const keys = Object.keys(ENTRY) as (keyof typeof ENTRY)[];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), fc.jsonValue(), async (key, value) => {
        fc.pre(JSON.stringify(value) !== JSON.stringify(ENTRY[key]));
        writeFileSync(file, JSON.stringify({ ...ENTRY, [key]: value }));
        const verdict = await read(file);
        // Only free text and times may differ and still be an entry.
        if (!['version', 'startedAt', 'socket', 'versions', 'pid'].includes(key)) assert.equal(verdict, 'broken');
      }),
      { numRuns: 200 },
    );
  });
});
