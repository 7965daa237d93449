import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { fileLog, ofError, plain } from '../../daemon/log.ts';
import { Fault } from '../../protocol/fault.ts';
import { scratch } from '../support/scratch.ts';

test('only named fields are written, whatever is handed over', (t) => {
  const file = path.join(scratch(t), 'daemon.log');
  const log = fileLog(file, () => 42);
  log.info('signed in', { code: 'ok', token: 'CANARY', authorization: 'Bearer CANARY', grantId: 'g' } as never);
  log.warn(
    'failed',
    ofError(
      Object.assign(new Fault('cloud-refused', 'no', { cause: new Error('why') }), { request: { headers: { authorization: 'CANARY' } } }),
    ),
  );
  const text = readFileSync(file, 'utf8');
  assert.doesNotMatch(text, /CANARY/);
  assert.match(text, /"grantId":"g"/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('no text can forge a line or move the cursor', (t) => {
  const file = path.join(scratch(t), 'daemon.log');
  const log = fileLog(file, () => 42);
  let lines = 0;
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a\r\n{"level":"info"}', '\u001b[2J', '\u202eevil', '\u2028x', '\u009b1m')),
      (text) => {
        log.info(text, { problem: text });
        lines += 1;
        const written = readFileSync(file, 'utf8').split('\n');
        assert.equal(written.length, lines + 1);
        assert.doesNotMatch(written[lines - 1] ?? '', /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        assert.equal((JSON.parse(written[lines - 1] ?? '') as { problem: string }).problem, plain(text));
      },
    ),
    { numRuns: 200 },
  );
});

test('a log above 5 MiB is put aside at the next start', (t) => {
  const file = path.join(scratch(t), 'daemon.log');
  writeFileSync(file, 'x'.repeat(5 * 1_024 * 1_024 + 1));
  fileLog(file, () => 1).info('started');
  assert.equal(statSync(`${file}.1`).size, 5 * 1_024 * 1_024 + 1);
  assert.ok(statSync(file).size < 1_000);
});
