import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { sha256 } from '../../daemon/door/secrets.ts';
import { openJournal as open } from '../../daemon/journal/open.ts';
import { type AuditEvent, firstBroken } from '../../protocol/audit.ts';
import type { Client } from '../../protocol/client.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import type { Grant } from '../../protocol/model.ts';
import { shownState } from '../../protocol/state.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { scratch } from '../support/scratch.ts';
import { FakeCentral } from './support/central.ts';
import { ALICE, BALANCER, BEN, grantId, ROLE } from './support/cloud.ts';
import { type Stage, startStage } from './support/stage.ts';

const ask = (minutes = 30) => ({
  resourceId: BALANCER,
  roleId: ROLE.id,
  authority: 'central' as const,
  duration: minutes * MINUTE,
  reason: 'INC-1: drain a backend',
  idempotencyKey: randomUUID(),
});

interface Set extends Stage {
  central: FakeCentral;
}

async function startSet(t: TestContext, before: (central: FakeCentral) => void = () => {}): Promise<Set> {
  const clock = new ManualClock();
  const central = new FakeCentral(clock);
  before(central);
  return Object.assign(await startStage(t, { authorities: ['central'], http: central, clock }), { central });
}

const grantOf = (client: Client, id = grantId(1)): Grant => {
  const grant = client.state.grants[id];
  assert.ok(grant, 'the grant is shown');
  return grant;
};

async function usable(set: Set): Promise<Client> {
  set.cloud.power = true;
  const client = await set.client();
  assert.ok((await client.call('request', ask())).ok);
  await set.clock.advance(SECOND);
  assert.equal(grantOf(client).state, 'usable');
  return client;
}

test('asks, takes the lease, observes the right, and reports it', async (t) => {
  const set = await startSet(t);
  const client = await usable(set);
  assert.equal(client.state.central.state, 'connected');
  assert.deepEqual(client.state.signIns.find(({ to }) => to === 'central')?.person, ALICE);
  assert.equal(set.central.count('heartbeat') > 0, true);
  await client.call('revoke', { grantId: grantId(1) });
  await set.clock.advance(3 * SECOND);
  assert.equal(grantOf(client).state, 'revoking', 'still allowed');
  set.cloud.power = false;
  await set.clock.advance(15 * SECOND);
  assert.equal(grantOf(client).state, 'gone');
  assert.equal(grantOf(client).proof, 'denied');
});

test('heartbeats come at a fifth of the hold, and stop with the grant', async (t) => {
  const set = await startSet(t);
  const client = await usable(set);
  const before = set.central.count('heartbeat');
  await set.clock.advance(10 * MINUTE);
  assert.equal(set.central.count('heartbeat') - before, 10);
  set.cloud.power = false;
  await client.call('revoke', { grantId: grantId(1) });
  await set.clock.advance(SECOND);
  const after = set.central.count('heartbeat');
  await set.clock.advance(10 * MINUTE);
  assert.equal(set.central.count('heartbeat'), after);
});

test('at its instant the daemon asks central to end it, without waiting for the feed', async (t) => {
  const set = await startSet(t);
  await usable(set);
  await set.clock.advance(30 * MINUTE);
  const revocation = set.central.calls.find(({ endpoint }) => endpoint === 'revoke');
  assert.deepEqual(revocation?.body, { because: 'expired' });
});

test('a feed that breaks is shown at once, and makes what was good news unknown', async (t) => {
  const set = await startSet(t);
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
  const set = await startSet(t);
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
  const set = await startSet(t);
  const client = await usable(set);
  await set.clock.advance(10 * SECOND);
  assert.equal(client.state.central.state, 'connected');
  set.central.beats = false;
  set.central.down = true;
  await set.clock.advance(12 * SECOND);
  assert.equal(client.state.central.state, 'lost');
});

test('what happened while contact was lost is there afterwards', async (t) => {
  const set = await startSet(t);
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

test('a revocation while central is down is accepted, shown, and asked for until it is answered', async (t) => {
  const set = await startSet(t);
  const client = await usable(set);
  set.central.down = true;
  set.central.drop();
  assert.ok((await client.call('revoke', { grantId: grantId(1) })).ok);
  await set.clock.advance(5 * MINUTE);
  assert.equal(grantOf(client).state, 'revoking');
  assert.ok(set.central.count('revoke') >= 5);
  set.central.down = false;
  set.cloud.power = false;
  await set.clock.advance(30 * SECOND);
  assert.equal(grantOf(client).state, 'gone');
});

test('an end that central accepted and lost is asked for again, and is never shown as power', async (t) => {
  const set = await startSet(t);
  const client = await usable(set);
  const real = set.central.call.bind(set.central);
  let loses = true;
  let asked = 0;
  set.central.call = async (endpoint, given) => {
    if (endpoint !== 'revoke') return real(endpoint, given);
    asked += 1;
    return loses ? { ok: true, value: {} as never } : real(endpoint, given);
  };
  assert.ok((await client.call('revoke', { grantId: grantId(1) })).ok);
  await set.clock.advance(5 * MINUTE);
  assert.ok(asked >= 5, `asked ${asked} times`);
  assert.equal(grantOf(client).state, 'revoking');
  // What central says of it meanwhile is no news.
  const beats = set.central.count('heartbeat');
  set.central.move(grantId(1), 'usable');
  set.central.drop();
  await set.clock.advance(20 * SECOND);
  assert.equal(grantOf(client).state, 'revoking');
  assert.equal(set.central.count('heartbeat'), beats, 'nothing renews what is to end');
  loses = false;
  set.cloud.power = false;
  await set.clock.advance(2 * MINUTE);
  assert.equal(grantOf(client).state, 'gone');
  const answered = asked;
  await set.clock.advance(10 * MINUTE);
  assert.equal(asked, answered, 'not asked again once central shows it');
});

test('what central ended and brought back, from a copy of yesterday, still ends here at its instant', async (t) => {
  const set = await startSet(t);
  await usable(set);
  set.central.move(grantId(1), 'revoking');
  set.cloud.power = true;
  set.central.move(grantId(1), 'usable');
  await set.clock.advance(31 * MINUTE);
  assert.ok(set.central.count('revoke') > 0);
  assert.notEqual(set.central.grants.get(grantId(1))?.state, 'usable');
});

test('only the holder of a grant observes it: what somebody else may do is not reported', async (t) => {
  const set = await startSet(t);
  const client = await usable(set);
  set.central.move(grantId(1), 'revoking', { principalId: ALICE.id });
  set.cloud.person = BEN;
  set.cloud.power = false;
  await set.clock.advance(5 * MINUTE);
  assert.equal(grantOf(client).state, 'revoking');
  set.cloud.person = ALICE;
  await set.clock.advance(MINUTE);
  assert.equal(grantOf(client).state, 'gone');
});

test('a journal that opens late: unknown until then, and then held, also what was granted meanwhile', async (t) => {
  const clock = new ManualClock();
  const central = new FakeCentral(clock);
  const dir = scratch(t);
  let broken = false;
  const openJournal = () => {
    if (broken) throw new Error('EIO');
    return open(path.join(dir, 'journal.db'), clock.now());
  };
  const set = Object.assign(await startStage(t, { authorities: ['central'], http: central, clock, dir, parts: { openJournal } }), {
    central,
  });
  await usable(set);
  broken = true;
  await set.restart();
  const client = await set.client();
  await clock.advance(SECOND);
  assert.ok(client.state.heldUnknown);
  broken = false;
  await clock.advance(30 * SECOND);
  assert.equal(client.state.heldUnknown, undefined);
  assert.equal(grantOf(client).state, 'usable');
  assert.equal(set.daemon.live.now.central.state, 'connected');
  const before = central.count('revoke');
  await clock.advance(30 * MINUTE);
  assert.ok(central.count('revoke') > before, 'it ends at its instant');
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

test('a revocation that central never heard survives kill -9', async (t) => {
  const set = await startSet(t);
  const client = await usable(set);
  set.central.down = true;
  await client.call('revoke', { grantId: grantId(1) });
  await set.restart();
  set.central.down = false;
  set.cloud.power = false;
  await set.clock.advance(30 * SECOND);
  const again = await set.client();
  assert.equal(grantOf(again).state, 'gone');
  assert.equal(grantOf(again).endReason, 'revoked');
});

test('after kill -9 a lease is held again, unknown until central says', async (t) => {
  const set = await startSet(t);
  await usable(set);
  set.central.down = true;
  await set.restart();
  const client = await set.client();
  assert.equal(shownState(grantOf(client), client.state), 'unknown');
  const before = set.central.count('heartbeat');
  set.central.down = false;
  await set.clock.advance(12 * SECOND);
  assert.equal(grantOf(client).state, 'usable');
  assert.ok(set.central.count('heartbeat') > before);
  await set.clock.advance(30 * MINUTE);
  assert.equal(set.central.grants.get(grantId(1))?.state === 'usable', false, 'still ended at its instant');
});

test('a request whose answer was lost, and that the feed shows, was accepted', async (t) => {
  const set = await startSet(t, (central) => {
    central.needs = BEN;
  });
  set.central.losesAnswers = true;
  const client = await set.client();
  const pending = client.call('request', ask());
  await set.clock.advance(20 * SECOND);
  assert.equal((await pending).ok, true);
  const ids = set.central.calls.filter(({ endpoint }) => endpoint === 'request').map(({ body }) => (body as { id: string }).id);
  assert.equal(new Set(ids).size, 1, 'one id for all tries');
});

test('a request that nobody waits for any more is taken back when it turns up', async (t) => {
  const set = await startSet(t);
  const client = await set.client();
  set.central.deaf = 'request';
  const params = ask();
  const pending = client.call('request', params);
  await set.clock.advance(20 * SECOND);
  const answer = await pending;
  assert.ok(!answer.ok);
  assert.equal(answer.refusal.code, 'unreachable');
  set.central.grantFor({ id: params.idempotencyKey, duration: 30 * MINUTE, reason: 'late' });
  set.central.deaf = undefined;
  await set.clock.advance(15 * SECOND);
  assert.equal(grantOf(client).endReason, 'revoked');
});

test('a grant that was asked for on another machine is shown and not held here', async (t) => {
  const set = await startSet(t);
  const client = await set.client();
  set.central.grantFor({ id: randomUUID(), duration: 10 * MINUTE, reason: 'elsewhere' });
  await set.clock.advance(2 * MINUTE);
  assert.equal(grantOf(client).state, 'assigned');
  assert.equal(set.central.count('heartbeat'), 0);
  void set.daemon.stop();
  await set.clock.advance(6 * SECOND);
  assert.equal(set.central.count('revoke'), 0, 'stopping this daemon does not end it');
});

test('a grant that central does not know any more is not held', async (t) => {
  const set = await startSet(t);
  const client = await usable(set);
  set.central.grants.clear();
  set.central.requests.clear();
  set.central.drop();
  await set.clock.advance(10 * SECOND);
  assert.deepEqual(client.state.grants, {});
  const beats = set.central.count('heartbeat');
  await set.clock.advance(5 * MINUTE);
  assert.equal(set.central.count('heartbeat'), beats);
});

test('stopping asks central to end every lease, and says why', async (t) => {
  const set = await startSet(t);
  await usable(set);
  void set.daemon.stop();
  await set.clock.advance(5 * SECOND);
  await set.daemon.stopped;
  assert.deepEqual(
    set.central.calls.filter(({ endpoint }) => endpoint === 'revoke').map(({ body }) => body),
    [{ because: 'daemon stopped' }],
  );
});

test('stopping does not wait for a central that is down longer than five seconds', async (t) => {
  const set = await startSet(t);
  await usable(set);
  set.central.down = true;
  void set.daemon.stop();
  await set.clock.advance(6 * SECOND);
  await set.daemon.stopped;
});

test('a pending approval can be cancelled', async (t) => {
  const set = await startSet(t, (central) => {
    central.needs = BEN;
  });
  const client = await set.client();
  const answer = await client.call('request', ask());
  assert.ok(answer.ok);
  await set.clock.advance(100);
  assert.equal(client.state.requests[answer.value.requestId]?.state, 'pending approval');
  assert.ok((await client.call('request.cancel', { requestId: answer.value.requestId })).ok);
  await set.clock.advance(100);
  assert.equal(client.state.requests[answer.value.requestId]?.state, 'cancelled');
});

test('a sign-in that central refuses is shown as such, and mended by signing in again', async (t) => {
  const set = await startSet(t, (central) => {
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

test('extending is a request that follows on from the grant', async (t) => {
  const set = await startSet(t);
  const client = await usable(set);
  const { authority: _, resourceId: __, roleId: ___, ...more } = ask(15);
  assert.ok((await client.call('extend', { grantId: grantId(1), ...more })).ok);
  const sent = set.central.calls.filter(({ endpoint }) => endpoint === 'request').at(-1);
  assert.equal((sent?.body as { follows?: string } | undefined)?.follows, grantId(1));
});

test('no durable journal: no new power, and ending goes on', async (t) => {
  const clock = new ManualClock();
  const central = new FakeCentral(clock);
  const stage = await startStage(t, {
    authorities: ['central'],
    http: central,
    clock,
    parts: {
      openJournal: () => {
        throw new Error('disk full');
      },
    },
  });
  const client = await stage.client();
  assert.match(client.state.unhealthy ?? '', /disk full/);
  const refused = await client.call('request', ask());
  assert.ok(!refused.ok);
  assert.equal(refused.refusal.code, 'unhealthy');
  central.grantFor({ id: randomUUID(), duration: 10 * MINUTE, reason: 'before' });
  await clock.advance(100);
  assert.ok((await client.call('revoke', { grantId: grantId(1) })).ok);
  assert.equal(central.grants.get(grantId(1))?.state, 'revoking');
});
