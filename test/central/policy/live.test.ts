import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { PolicyEngine } from '../../../central/policy/engine.ts';
import { LivePolicy } from '../../../central/policy/live.ts';
import { HOUR } from '../../../protocol/clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { EXAMPLE_POLICY, ROLE_TREE } from '../samples.ts';

function open(t: TestContext) {
  const dir = path.join(scratch(t), 'policy');
  cpSync(EXAMPLE_POLICY, dir, { recursive: true });
  const clock = new ManualClock();
  const engine = new PolicyEngine(ROLE_TREE, 'UTC', HOUR);
  const told = { loading: [] as string[], refused: 0, failed: [] as unknown[] };
  const record = { broken: false };
  const live = new LivePolicy(dir, engine, clock, {
    loading: async ({ version = '' }) => {
      if (record.broken) throw new Error('disk full');
      told.loading.push(version);
    },
    refused: () => void told.refused++,
    failed: (error) => void told.failed.push(error),
  });
  t.after(() => live.close());
  const rule = '@id("more") forbid (principal, action == Portcullis::Action::"elevate", resource) when { context.durationSec > 9999 };';
  const add = (text = rule) => writeFileSync(path.join(dir, 'more.cedar'), text);
  return { live, engine, clock, told, record, add };
}

test('no policy is in force without its event: the old one stays, and the new one is tried again', async (t) => {
  const { live, engine, clock, told, record, add } = open(t);
  await live.reload();
  const first = engine.set.version;
  assert.deepEqual(told.loading, [first]);
  live.watch();
  record.broken = true;
  add();
  await until('the record to refuse it', async () => {
    await clock.advance(250);
    return told.failed.length > 0;
  });
  assert.equal(engine.set.version, first);
  await clock.advance(10_000);
  await until('another try', () => told.failed.length > 1);
  record.broken = false;
  await until('the event', async () => {
    await clock.advance(1_000);
    return told.loading.length > 1;
  });
  await until('the policy', () => engine.set.version === told.loading[1]);
  assert.notEqual(engine.set.version, first);
  assert.equal(told.loading.length, 2);
});

test('who asks for a reading is told that it failed', async (t) => {
  const { live, engine, record, add } = open(t);
  await live.reload();
  const { version } = engine.set;
  record.broken = true;
  add();
  await assert.rejects(live.reload(), /disk full/);
  assert.equal(engine.set.version, version);
  record.broken = false;
  await live.reload();
  assert.notEqual(engine.set.version, version);
});

test('the same set again is no event, a bad one neither; nothing is tried after the end', async (t) => {
  const { live, engine, clock, told, record, add } = open(t);
  await live.reload();
  await live.reload();
  assert.equal(told.loading.length, 1);
  add('permit everything');
  await live.reload();
  assert.deepEqual([told.refused, told.loading], [1, [engine.set.version]]);
  record.broken = true;
  live.watch();
  add();
  await until('the record to refuse it', async () => {
    await clock.advance(250);
    return told.failed.length > 0;
  });
  await live.close();
  const failures = told.failed.length;
  await clock.advance(60_000);
  assert.equal(told.failed.length, failures);
});
