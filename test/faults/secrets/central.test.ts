import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveWithCentral } from './central-life.ts';
import { hits, needlesOf } from './scan.ts';

test('tokens of the identity provider and of central leave no trace in daemon, door, record, or central itself', {
  timeout: 170_000,
}, async (t) => {
  const { canaries, secrets, sinks, renewals } = await liveWithCentral(t);
  t.diagnostic(`${sinks.length} sinks, ${secrets.length} codes and refresh tokens, ${renewals} renewals`);
  assert.ok(renewals > 0);
  assert.deepEqual(hits(sinks, needlesOf(canaries.identity)), []);
  assert.deepEqual(hits(sinks, needlesOf(canaries.azure)), []);
  for (const secret of secrets) assert.deepEqual(hits(sinks, needlesOf(secret)), []);
  for (const name of ['central.log', 'central.db', 'journal.db', 'daemon.log', 'the record', 'what the door said'])
    assert.ok(
      sinks.some((sink) => sink.name.endsWith(name) && sink.bytes.length > 10),
      `${name} was looked at`,
    );
});
