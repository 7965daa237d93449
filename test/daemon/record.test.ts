import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Client } from '../../protocol/client.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import type { RequestParams } from '../../protocol/messages.ts';
import { RecordVerifier } from '../../protocol/record-verifier.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { recordCrypto } from '../support/record-crypto.ts';
import { Signer } from '../support/signed-record.ts';
import { FakeCentral } from './support/central.ts';
import { RESOURCE, ROLE } from './support/cloud.ts';
import { type Stage, startStage } from './support/stage.ts';

async function together(t: Parameters<typeof startStage>[0]): Promise<{ central: FakeCentral; stage: Stage; client: Client }> {
  const clock = new ManualClock();
  const central = new FakeCentral(clock);
  const stage = await startStage(t, { authorities: ['central'], http: central, clock });
  await clock.advance(SECOND);
  return { central, stage, client: await stage.client() };
}

const ask = (): RequestParams => ({
  resourceId: RESOURCE.id,
  roleId: ROLE.id,
  authority: 'central',
  duration: 30 * MINUTE,
  reason: 'Drain web-1',
  idempotencyKey: randomUUID(),
});

const own = async (client: Client, kind?: 'request.intended' | 'record.forked' | 'daemon.heartbeat') =>
  (await client.call('audit.query', { filter: kind ? { kind } : {}, offset: 0, limit: 1_000 })).events.filter(
    ({ source }) => source !== 'central',
  );

test('nothing is asked for before central has signed for the intent; what ends power waits for no signature', async (t) => {
  const { central, stage, client } = await together(t);
  central.signs = false;
  const refused = client.call('request', ask());
  await stage.clock.advance(4 * SECOND);
  assert.equal(central.count('request'), 0);
  await stage.clock.advance(2 * SECOND);
  const answer = await refused;
  assert.ok(!answer.ok);
  assert.match(answer.refusal.message, /has not signed for this within 5 s, so nothing was asked for/);
  assert.ok(answer.refusal.wayOut);
  assert.equal(central.count('request'), 0);

  central.signs = true;
  const asked = client.call('request', ask());
  await stage.clock.advance(5 * SECOND);
  assert.ok((await asked).ok);
  assert.equal(central.count('request'), 1);
  const [intent] = await own(client, 'request.intended');
  assert.deepEqual([intent?.reason, intent?.resource?.id, intent?.data?.['role']], ['Drain web-1', RESOURCE.id, ROLE.id]);

  central.signs = false;
  const [grant] = Object.values(stage.daemon.live.now.grants);
  assert.ok(grant);
  assert.ok((await client.call('revoke', { grantId: grant.id })).ok);
  await stage.clock.advance(SECOND);
  assert.equal(central.count('revoke'), 1);
  const extended = client.call('extend', { grantId: grant.id, duration: 30 * MINUTE, reason: 'More', idempotencyKey: randomUUID() });
  await stage.clock.advance(6 * SECOND);
  assert.equal((await extended).ok, false);
  assert.equal(central.count('request'), 1, 'an extension is new power');
});

test('a daemon that is signed out says so at once', async (t) => {
  const { central, stage, client } = await together(t);
  central.signedOut = true;
  const refused = client.call('request', ask());
  await stage.clock.advance(100);
  const answer = await refused;
  assert.ok(!answer.ok);
  assert.equal(answer.refusal.code, 'not-signed-in');
});

test('every event gets to central once and in order, and what a killed daemon left the next one sends', async (t) => {
  const { central, stage, client } = await together(t);
  const first = (await own(client))[0]?.source ?? '';
  central.signs = false;
  const lost = client.call('request', ask()).catch(() => undefined);
  await stage.clock.advance(10 * SECOND);
  await lost;
  const written = (await own(client)).filter(({ source }) => source === first).length;
  assert.ok((central.deposited.get(first)?.length ?? 0) < written);
  await stage.restart();
  central.signs = true;
  await stage.clock.advance(70 * SECOND);
  const seqs = central.deposited.get(first)?.map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    Array.from({ length: seqs?.length ?? 0 }, (_, at) => at + 1),
  );
  assert.ok((seqs?.length ?? 0) >= written);
  const again = await stage.client();
  const { lines } = await again.call('audit.signed', {});
  assert.equal(lines.filter((line) => 'receipt' in line).length, central.deposited.size);

  // What was signed proves what is here.
  const verifier = new RecordVerifier(recordCrypto, { key: central.signer.key });
  for (const line of lines) if (!('checkpoint' in line)) verifier.add(line);
  for (const event of (await own(again)).sort((a, b) => a.source.localeCompare(b.source) || a.seq - b.seq)) verifier.add(event);
  const report = verifier.end();
  assert.ok(report.ok, JSON.stringify(report));
  for (const { signed } of report.chains) assert.ok(signed > 0);
  const { hashes } = await again.call('audit.subtrees', { source: first, ranges: [{ from: 1, to: 2 }] });
  assert.equal(hashes?.[0]?.length, 1);
});

test('a heartbeat each minute while something is held, and none otherwise', async (t) => {
  const { stage, client } = await together(t);
  await stage.clock.advance(3 * MINUTE);
  assert.equal((await own(client, 'daemon.heartbeat')).length, 0);
  const asked = client.call('request', ask());
  await stage.clock.advance(SECOND);
  assert.ok((await asked).ok);
  await stage.clock.advance(3 * MINUTE);
  assert.deepEqual(
    (await own(client, 'daemon.heartbeat')).map(({ data }) => data?.['held']),
    [1, 1, 1],
  );
});

for (const [how, rewrite] of [
  ['written anew', (central: FakeCentral) => central.record.splice(0, 1, { ...central.record[0], text: 'Other' } as never)],
  ['cut off', (central: FakeCentral) => central.record.splice(1)],
  [
    'signed with another key',
    (central: FakeCentral) => {
      central.signer = new Signer();
    },
  ],
] as const) {
  test(`central's record ${how} is noticed, recorded and shown, and nothing is asked of it any more`, async (t) => {
    const { central, stage, client } = await together(t);
    for (const text of ['one', 'two', 'three']) central.tell({ kind: 'central.started', text });
    await stage.clock.advance(21 * SECOND);
    assert.equal(stage.daemon.live.now.unhealthy, undefined);
    rewrite(central);
    central.tell({ kind: 'central.started', text: 'four' });
    await stage.clock.advance(70 * SECOND);
    assert.match(stage.daemon.live.now.unhealthy ?? '', /Central's record is not the one that it was: /);
    const forked = await own(client, 'record.forked');
    assert.equal(forked.length, 1);
    const refused = client.call('request', ask());
    await stage.clock.advance(6 * SECOND);
    const answer = await refused;
    assert.ok(!answer.ok);
    assert.match(answer.refusal.message, /not the one that it was/);
    assert.equal(central.count('request'), 0);
    // A restart forgets nothing, and tells it no second time.
    await stage.restart();
    await stage.clock.advance(21 * SECOND);
    assert.match(stage.daemon.live.now.unhealthy ?? '', /not the one that it was/);
    assert.equal((await own(await stage.client(), 'record.forked')).length, 1);
  });
}

test('without a central the intent is durable on this machine before Entra PIM is asked, and that is all', async (t) => {
  const stage = await startStage(t, { authorities: ['pim'] });
  await stage.clock.advance(SECOND);
  const client = await stage.client();
  const asked = client.call('request', { ...ask(), authority: 'pim' });
  await stage.clock.advance(SECOND);
  await asked;
  assert.equal((await own(client, 'request.intended')).length, 1);
  assert.deepEqual((await client.call('audit.signed', {})).lines, []);
});
