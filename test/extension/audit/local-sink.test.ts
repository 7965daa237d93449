import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { localSink } from '../../../extension/audit/local-sink.ts';
import { scratch } from '../../support/scratch.ts';

test('nothing has the name of the export until it is whole, and then only its owner can read it', async (t) => {
  const file = path.join(scratch(t), 'audit.jsonl');
  const sink = localSink(file);
  await sink.append('one\n');
  await sink.append('two\n');
  assert.equal(existsSync(file), false);
  await sink.done();
  assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\n');
  if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(path.dirname(file)), ['audit.jsonl']);
});

test('a discarded export leaves nothing, and what was there before stays', async (t) => {
  const file = path.join(scratch(t), 'audit.csv');
  writeFileSync(file, 'before');
  const sink = localSink(file);
  await sink.append('half');
  await sink.discard();
  assert.equal(readFileSync(file, 'utf8'), 'before');
  assert.deepEqual(readdirSync(path.dirname(file)), ['audit.csv']);
});

test('a place that cannot be written to is a fault with a way out, at any moment', async (t) => {
  const file = path.join(scratch(t), 'missing', 'audit.csv');
  const fault = { name: 'Fault', code: 'store-failed', wayOut: /another place/ };
  const sink = localSink(file);
  await assert.rejects(sink.append('text'), fault);
  await sink.discard();
  const empty = localSink(file);
  await assert.rejects(empty.done(), fault);
  await empty.discard();
});
