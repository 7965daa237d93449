import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { newFile } from '../../../daemon/cli/new-file.ts';
import { scratch } from '../../support/scratch.ts';

test('nothing has the name until it is whole, and then only its owner can read it', async (t) => {
  const file = path.join(scratch(t), 'record.jsonl');
  const made = await newFile(file);
  await made.append('one\n');
  await made.append('two\n');
  assert.equal(existsSync(file), false);
  await made.done();
  assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\n');
  if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(path.dirname(file)), ['record.jsonl']);
});

test('what is discarded leaves nothing', async (t) => {
  const file = path.join(scratch(t), 'record.jsonl');
  const made = await newFile(file);
  await made.append('half');
  await made.discard();
  assert.deepEqual(readdirSync(path.dirname(file)), []);
});

test('another file is never written over: neither one that was there nor one that came meanwhile', async (t) => {
  const file = path.join(scratch(t), 'record.jsonl');
  const made = await newFile(file);
  await made.append('mine');
  writeFileSync(file, 'theirs');
  await assert.rejects(newFile(file), { code: 'EEXIST' });
  await assert.rejects(made.done(), { code: 'EEXIST' });
  assert.equal(readFileSync(file, 'utf8'), 'theirs');
  assert.deepEqual(readdirSync(path.dirname(file)), ['record.jsonl']);
});

test('a place that is none is told at once', async (t) => {
  await assert.rejects(newFile(path.join(scratch(t), 'missing', 'record.jsonl')), { code: 'ENOENT' });
});
