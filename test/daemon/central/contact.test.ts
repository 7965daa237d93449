import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { sha256 } from '../../../daemon/door/secrets.ts';
import { openJournal as open } from '../../../daemon/journal/open.ts';
import { type AuditEvent, firstBroken } from '../../../protocol/audit.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { shownState } from '../../../protocol/state.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { scratch } from '../../support/scratch.ts';
import { FakeCentral } from '../support/central.ts';
import { BEN, grantId } from '../support/cloud.ts';
import { startStage } from '../support/stage.ts';
import { grantOf, underCentral, usable } from '../support/under-central.ts';

test('a feed that breaks is shown at once, and makes what was good news unknown', async (t) => {
  const set = await underCentral(t);
  const client = await usable(set);
  set.central.down = true;
  set.central.drop();
  await set.clock.advance(100);
  assert.equal(client.state.central.state, 'lost');
  assert.equal(shownState(grantOf(client), client.state), 'unknown');
  set.central.down = false;
  await set.clock.advance(12 * SECOND);
  assert.equal(client.state.central.state, 'connected');
  assert.equal(shownState(grantOf(client), client.state), 'usable');
  const { events } = await client.call('audit.query', { filter: {}, offset: 0, limit: 200 });
  const kinds = events.map(({ kind }) => kind);
  assert.ok(kinds.includes('contact.lost') && kinds.includes('contact.restored'));
});

test("somebody else's grant moves on the screen, and leaves no event here that could not verify", async (t) => {
  const set = await underCentral(t);
  const client = await set.client();
  const live: AuditEvent[] = [];
  client.onChange((numbered) => void (numbered?.change.type === 'audit' && live.push(numbered.change.event)));
  set.central.tell({ kind: 'policy.loaded', text: 'for everybody' });
  const ours = { ...set.central.grantFor({ id: randomUUID(), duration: 10 * MINUTE, reason: '' }), mine: false, holder: BEN };
  for (const state of ['usable', 'revoking'] as const) {
    const grant = { ...ours, state };
    set.central.grants.set(grant.id, grant);
    const body = { kind: 'grant.usable', text: state, grantId: grant.id, person: BEN, reason: 'secret' } as const;
    set.central.tell(body, { grant, redacted: true });
    await set.clock.advance(100);
    assert.equal(grantOf(client, grant.id).state, state, 'told at once');
  }
  set.central.tell({ kind: 'policy.loaded', text: 'again' });
  await set.clock.advance(100);

  const kept = async () => (await client.call('audit.query', { filter: {}, offset: 0, limit: 200 })).events.reverse();
  const before = (await kept()).filter(({ source }) => source === 'central');
  assert.deepEqual(
    before.map(({ seq }) => seq),
    [1, 2, 5],
  );
  assert.deepEqual(
    live.filter(({ source }) => source === 'central').map(({ seq }) => seq),
    [1, 2, 5],
    'the live stream and the record say the same',
  );
  for (const event of before) assert.equal(firstBroken([event], sha256), undefined);
  // What was skipped is asked for again with each new contact, and comes whole or not at all.
  set.central.drop();
  await set.clock.advance(5 * SECOND);
  assert.deepEqual(
    (await kept()).filter(({ source }) => source === 'central'),
    before,
  );
});

test('a feed that falls silent is lost within two seconds of the missing heartbeat', async (t) => {
  const set = await underCentral(t);
  const client = await usable(set);
  await set.clock.advance(10 * SECOND);
  assert.equal(client.state.central.state, 'connected');
  set.central.beats = false;
  set.central.down = true;
  await set.clock.advance(12 * SECOND);
  assert.equal(client.state.central.state, 'lost');
});

test('what happened while contact was lost is there afterwards', async (t) => {
  const set = await underCentral(t);
  const client = await usable(set);
  set.central.down = true;
  set.central.drop();
  await set.clock.advance(SECOND);
  set.central.move(grantId(1), 'revoking', { endReason: 'lease lost', endingAt: set.clock.now() });
  set.central.tell({ kind: 'policy.loaded', text: 'a new policy' });
  set.central.down = false;
  set.cloud.power = false;
  await set.clock.advance(15 * SECOND);
  assert.equal(grantOf(client).state, 'gone');
  assert.equal(grantOf(client).endReason, 'lease lost');
  const { events } = await client.call('audit.query', { filter: { kind: 'policy.loaded' }, offset: 0, limit: 10 });
  assert.equal(events.length, 1);
  const mirrored = await client.call('audit.query', { filter: {}, offset: 0, limit: 200 });
  const seqs = mirrored.events.filter(({ source }) => source === 'central').map(({ seq }) => seq);
  assert.deepEqual(
    [...seqs].sort((a, b) => a - b),
    set.central.record.map(({ seq }) => seq),
    'each event once',
  );
});

test("central's record is mirrored without a hole, also over a disk that took nothing for a while", async (t) => {
  const clock = new ManualClock();
  const central = new FakeCentral(clock);
  const dir = scratch(t);
  let db: ReturnType<typeof open> | undefined;
  const openJournal = () => {
    db = open(path.join(dir, 'journal.db'), clock.now());
    return db;
  };
  const set = Object.assign(await startStage(t, { authorities: ['central'], http: central, clock, dir, parts: { openJournal } }), {
    central,
  });
  const client = await usable(set);
  const told: number[] = [];
  client.onChange((numbered) => {
    const change = numbered?.change;
    if (change?.type === 'audit' && change.event.source === 'central') told.push(change.event.seq);
  });
  const since = central.record.length;
  db?.exec('PRAGMA query_only=1');
  central.tell({ kind: 'request.created', text: 'not taken' });
  await clock.advance(SECOND);
  assert.ok(client.state.unhealthy);
  db?.exec('PRAGMA query_only=0');
  central.tell({ kind: 'request.created', text: 'taken again, and not before the one that is missing' });
  const contacts: string[] = [];
  client.onChange((numbered) => {
    if (numbered?.change.type === 'central') contacts.push(numbered.change.contact.state);
  });
  await clock.advance(30 * SECOND);
  assert.equal(client.state.unhealthy, undefined);
  assert.deepEqual(contacts, [], 'contact was never lost');
  const { events } = await client.call('audit.query', { filter: {}, offset: 0, limit: 500 });
  const seqs = events.filter(({ source }) => source === 'central').map(({ seq }) => seq);
  assert.deepEqual(
    seqs.sort((a, b) => a - b),
    central.record.map(({ seq }) => seq),
  );
  assert.deepEqual(told, [since + 1, since + 2], 'each told once');
});

test('a sign-in that central refuses is shown as such, and mended by signing in again', async (t) => {
  const set = await underCentral(t, (central) => {
    central.signedOut = true;
  });
  const client = await set.client();
  assert.equal(client.state.signIns.find(({ to }) => to === 'central')?.state, 'signed out');
  set.central.signedOut = false;
  await client.call('sign-in', { to: 'central' });
  await set.clock.advance(100);
  assert.equal(client.state.signIns.find(({ to }) => to === 'central')?.state, 'signed in');
  assert.equal(client.state.central.state, 'connected');
});
