import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../../../daemon/door/secrets.ts';
import { firstBroken } from '../../../protocol/audit.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { Part } from '../../../protocol/model.ts';
import { settle } from '../../support/manual-clock.ts';
import { BALANCER, ROLE } from '../support/cloud.ts';
import { ask, kinds, only, usable } from '../support/elevated.ts';
import { startStage } from '../support/stage.ts';

test('an activation whose outcome is lost is taken back and verified until nothing can land late', async (t) => {
  const stage = await startStage(t);
  stage.pim.activations = [new Fault('timed-out', 'No answer')];
  stage.pim.releases = [{ state: 'nothing there' }];
  const client = await stage.client();
  await client.call('request', ask());
  await stage.clock.advance(2 * MINUTE);
  assert.equal(only(client).state, 'revoking', 'absent now is no proof');
  assert.equal(only(client).endReason, 'activation failed');
  // It lands late after all.
  stage.cloud.power = true;
  stage.pim.releases = [{ state: 'accepted' }];
  stage.pim.onRelease = () => {
    stage.cloud.power = false;
  };
  await stage.clock.advance(3 * MINUTE);
  assert.equal(stage.cloud.power, false);
  assert.equal(only(client).state, 'revoking', 'its use was never seen, so a denial is no proof');
  await stage.clock.advance(10 * MINUTE);
  assert.equal(only(client).state, 'gone');
  assert.equal(only(client).proof, 'absent');
});

test('an endless text of the cloud is cut, keeps no client out, and the next daemon still knows what it holds', async (t) => {
  const stage = await startStage(t);
  const endless = 'No. '.repeat(3_000);
  stage.cloud.pools = [{ ...(stage.cloud.pools[0] as Part), name: endless, detail: endless }];
  stage.cloud.accounts = [{ provider: 'azure', id: 's1', name: endless, balancers: 1, problem: endless }];
  const client = await usable(stage);
  await client.call('inventory.refresh', {});
  await stage.clock.advance(SECOND);
  const { accounts } = await client.call('inventory.accounts', {});
  assert.equal(accounts[0]?.name.length, 200);
  const parts = await client.call('inventory.parts', { resourceId: BALANCER });
  assert.ok(parts.ok && parts.value.parts[0]?.name.length === 200);

  stage.pim.releases = [{ state: 'stuck', problem: { code: 'locked', message: endless, wayOut: endless } }];
  assert.ok((await client.call('revoke', { grantId: only(client).id })).ok);
  await stage.clock.advance(2 * MINUTE);
  assert.equal(only(client).state, 'revoking');
  assert.match(only(client).problem?.message ?? '', /^No\. /);
  const late = await stage.client();
  assert.equal(only(late).state, 'revoking', 'who comes later is let in');
  const { events } = await late.call('audit.query', { filter: {}, offset: 0, limit: 200 });
  assert.ok(events.some(({ kind }) => kind === 'revocation.delayed'));
  for (const event of events) assert.equal(firstBroken([event], sha256), undefined, 'cut before it was hashed');

  await stage.restart();
  const next = await stage.client();
  assert.equal(only(next).state, 'revoking', 'nothing is forgotten for the length of a text');
  assert.ok(!stage.log.lines.some(({ event }) => event === 'lease not understood'));
  stage.cloud.down = true;
  stage.pim.rulesNow = { ...stage.pim.rulesNow, policyId: endless };
  const refused = await next.call('preview', { resourceId: BALANCER, roleId: ROLE.id, authority: 'pim', duration: MINUTE });
  assert.ok(!refused.ok || refused.value.decision.policyVersion.length <= 2_048);
});

test('an answer that its schema refuses fails that one request, and the next one works', async (t) => {
  const stage = await startStage(t);
  const client = await stage.client();
  stage.pim.rulesNow = { ...stage.pim.rulesNow, longest: Number.NaN };
  const wanted = { resourceId: BALANCER, roleId: ROLE.id, authority: 'pim' as const, duration: MINUTE };
  await assert.rejects(client.call('preview', wanted), /made a mistake with this call/);
  const logged = stage.log.lines.find(({ event }) => event === 'answer does not fit');
  assert.equal(logged?.level, 'error');
  assert.match(logged?.fields.problem ?? '', /longest/);
  stage.pim.rulesNow = { ...stage.pim.rulesNow, longest: 60 * MINUTE };
  assert.ok((await client.call('preview', wanted)).ok);
});

test('a change that its schema refuses goes to nobody, and is logged', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  const seen: unknown[] = [];
  client.onChange((numbered) => void seen.push(numbered));
  stage.daemon.live.apply({ type: 'grant', grant: { ...only(client), notAfter: Number.NaN } });
  await settle();
  assert.deepEqual(seen, []);
  assert.equal(only(client).state, 'usable');
  assert.equal(only(await stage.client()).state, 'usable', 'a new client is let in');
  assert.match(stage.log.lines.find(({ event }) => event === 'change does not fit')?.fields.problem ?? '', /notAfter/);
});

test('a cloud that does not answer makes the state unknown, and known again later', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.cloud.down = true;
  await stage.clock.advance(70 * SECOND);
  assert.equal(only(client).state, 'unknown');
  stage.cloud.down = false;
  await stage.clock.advance(70 * SECOND);
  assert.equal(only(client).state, 'usable');
});

test('a release is repeated for as long as the cloud is down, at least once a minute', async (t) => {
  const stage = await startStage(t);
  const client = await usable(stage);
  stage.pim.releases = [new Fault('cloud-unreachable', 'Azure does not answer')];
  await client.call('revoke', { grantId: only(client).id });
  await stage.clock.advance(60 * MINUTE);
  const tries = stage.pim.log.filter((act) => act === 'deactivate').length;
  assert.ok(tries >= 58, `tried ${tries} times in an hour`);
  assert.equal(only(client).state, 'revoking');
  assert.ok((await kinds(client)).includes('revocation.delayed'));
  stage.pim.releases = [{ state: 'accepted' }];
  stage.cloud.power = false;
  await stage.clock.advance(MINUTE + SECOND);
  assert.equal(only(client).state, 'gone');
});
