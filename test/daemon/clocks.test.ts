import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Leases } from '../../daemon/journal/leases.ts';
import { openJournal } from '../../daemon/journal/open.ts';
import type { Client } from '../../protocol/client.ts';
import { HOUR, MINUTE, SECOND } from '../../protocol/clock.ts';
import type { AuthorityId, Grant } from '../../protocol/model.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeCentral } from './support/central.ts';
import { BALANCER, ROLE } from './support/cloud.ts';
import { type Stage, startStage } from './support/stage.ts';

interface Held {
  stage: Stage;
  client: Client;
  central: FakeCentral;
  /** Whether its end was asked for where it is decided. */
  asked(): boolean;
  grant(): Grant;
}

/** A grant of so many minutes that is usable, through either authority. */
async function held(t: TestContext, authority: AuthorityId, minutes: number): Promise<Held> {
  const clock = new ManualClock();
  const central = new FakeCentral(clock);
  const stage = await startStage(t, { authorities: [authority], clock, ...(authority === 'central' ? { http: central } : {}) });
  stage.pim.rulesNow = { ...stage.pim.rulesNow, longest: minutes * MINUTE };
  stage.cloud.power = true;
  const client = await stage.client();
  const ask = {
    resourceId: BALANCER,
    roleId: ROLE.id,
    authority,
    duration: minutes * MINUTE,
    reason: 'INC-1',
    idempotencyKey: randomUUID(),
  };
  const answer = await client.call('request', ask);
  assert.ok(answer.ok, JSON.stringify(answer));
  await clock.advance(SECOND);
  const grant = () => {
    const [only] = Object.values(client.state.grants);
    assert.ok(only);
    return only;
  };
  assert.equal(grant().state, 'usable');
  const asked = () => (authority === 'pim' ? stage.pim.log.includes('deactivate') : central.count('revoke') > 0);
  return { stage, client, central, asked, grant };
}

for (const authority of ['pim', 'central'] as const) {
  test(`${authority}: a clock set forward past the end ends it at once`, async (t) => {
    const { stage, asked } = await held(t, authority, 30);
    stage.clock.setWall(HOUR);
    await stage.clock.advance(SECOND);
    assert.equal(asked(), true);
  });

  test(`${authority}: a clock set back lengthens nothing, also over a restart`, async (t) => {
    const { stage, asked } = await held(t, authority, 30);
    stage.clock.setWall(-5 * HOUR);
    await stage.clock.advance(10 * MINUTE);
    assert.equal(asked(), false, 'and ends nothing early');
    await stage.restart();
    await stage.clock.advance(19 * MINUTE);
    assert.equal(asked(), false);
    await stage.clock.advance(MINUTE + SECOND);
    assert.equal(asked(), true);
  });

  test(`${authority}: a machine that slept past the end ends it when it wakes, before anything else is due`, async (t) => {
    const { stage, asked } = await held(t, authority, 30);
    stage.clock.suspend(2 * HOUR);
    await stage.clock.advance(SECOND / 2);
    assert.equal(asked(), true);
  });

  test(`${authority}: a sleep and a clock set back together do not hide an end`, async (t) => {
    const { stage, asked } = await held(t, authority, 30);
    stage.clock.suspend(HOUR);
    stage.clock.setWall(-3 * HOUR);
    await stage.clock.advance(SECOND / 2);
    assert.equal(asked(), true);
  });

  test(`${authority}: thirty days are not cut short by a timer that overflows`, async (t) => {
    const { stage, asked, central } = await held(t, authority, 60);
    // Nothing is granted for so long through the door; a journal may say so nevertheless.
    const notAfter = stage.clock.now() + 30 * 24 * HOUR;
    const db = openJournal(path.join(stage.dir, 'journal.db'), 0);
    const leases = new Leases(db, stage.clock, 'boot-1');
    const [row] = leases.load(authority, 0);
    assert.ok(row);
    const body = JSON.parse(row.body);
    const longer = authority === 'pim' ? { ...body, notAfter } : { ...body, grant: { ...body.grant, notAfter }, end: notAfter };
    leases.put(authority, row.grantId, JSON.stringify(longer), notAfter);
    db.close();
    for (const [id, grant] of central.grants) central.grants.set(id, { ...grant, notAfter });
    await stage.restart();
    await stage.clock.advance(2 * MINUTE);
    assert.equal(asked(), false, 'not at once');
    stage.clock.suspend(notAfter - stage.clock.now() - 2 * MINUTE);
    await stage.clock.advance(MINUTE);
    assert.equal(asked(), false);
    await stage.clock.advance(MINUTE + SECOND);
    assert.equal(asked(), true);
  });

  test(`${authority}: a jump is in the record, and everything is looked at again at once`, async (t) => {
    const { stage, client } = await held(t, authority, 60);
    const before = stage.cloud.log.filter((call) => call === 'check').length;
    await stage.clock.advance(10 * SECOND);
    stage.clock.setWall(-2 * HOUR);
    await stage.clock.advance(3 * SECOND);
    const { events } = await client.call('audit.query', { filter: { kind: 'clock.jumped' }, offset: 0, limit: 10 });
    assert.equal(events.length, 1);
    assert.match(events[0]?.text ?? '', /set back by 7200 s/);
    if (authority === 'pim') assert.ok(stage.cloud.log.filter((call) => call === 'check').length > before, 'its right is checked');
  });
}

test('a clock set forward proves nothing early: what may still land is waited for in full', async (t) => {
  const { stage, client, grant } = await held(t, 'pim', 30);
  // Never seen usable from here on: the proof has to wait until nothing can arrive late.
  stage.cloud.power = false;
  await client.call('revoke', { grantId: grant().id });
  await stage.clock.advance(SECOND);
  assert.equal(grant().state, 'gone', 'seen to work, and denied twice');

  const again = await held(t, 'pim', 30);
  again.stage.cloud.down = true;
  await again.client.call('revoke', { grantId: again.grant().id });
  await again.stage.clock.advance(SECOND);
  again.stage.clock.setWall(HOUR);
  await again.stage.clock.advance(30 * SECOND);
  assert.equal(again.grant().state, 'revoking', 'an hour that nobody lived through is no proof');
});
