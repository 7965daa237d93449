import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../protocol/clock.ts';
import { azProfile, writeAz } from '../../clouds/azure/az.ts';
import { makeEstate, PEOPLE } from '../../clouds/azure/estate.ts';
import { startAzure } from '../../clouds/azure/start.ts';
import { PORTCULLIS } from '../../support/built.ts';
import { scratchHome } from '../../support/scratch.ts';

interface Ran {
  status: number;
  out: string;
  err: string;
}

type Cli = (...argv: string[]) => Promise<Ran>;

/** The command line as a process, for somebody with a home of their own. */
function cliOf(t: TestContext, enrolment: object, prepare: (bin: string) => void): { cli: Cli; home: string } {
  const home = scratchHome(t);
  const bin = path.join(home, 'bin');
  const config = path.join(home, '.config/portcullis');
  mkdirSync(bin);
  mkdirSync(config, { recursive: true, mode: 0o700 });
  prepare(bin);
  writeFileSync(path.join(config, 'enrolment.json'), JSON.stringify(enrolment), { mode: 0o600 });
  const env = { HOME: home, PATH: `${bin}:/usr/bin:/bin`, LANG: 'C.UTF-8', TZ: 'UTC' };
  const cli: Cli = (...argv) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [PORTCULLIS, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      let [out, err] = ['', ''];
      child.stdout.on('data', (data) => {
        out += String(data);
      });
      child.stderr.on('data', (data) => {
        err += String(data);
      });
      child.once('error', reject);
      child.once('close', (code) => resolve({ status: code ?? -1, out, err }));
    });
  return { cli, home };
}

const nobody = (bin: string) =>
  writeFileSync(path.join(bin, 'az'), '#!/bin/sh\necho "Please run \'az login\'" >&2\nexit 1\n', { mode: 0o755 });
const nowhere = { azure: { resourceManagerEndpoint: 'https://localhost:9', authorityHost: 'https://localhost:9' } };

test('from a terminal: elevate under PIM until it works, revoke until it is gone, and prove the record', {
  timeout: 120_000,
}, async (t) => {
  const timing = { answerDelay: 200, minActive: 2_000, usableLag: 500, goneLag: 500, freshTokenRereads: false };
  const estate = makeEstate({ balancers: 24 });
  const azure = await startAzure({ clock: systemClock(() => os.uptime() * 1_000), estate, timing });
  t.after(() => azure.close());
  const { endpoint, authorityHost, caFile, tenantId } = azure;
  const enrolment = {
    azure: { resourceManagerEndpoint: endpoint, authorityHost, caFile, tenantId, propagationMinutes: 0.1, shortestHoldMinutes: 0.05 },
  };
  const { cli, home } = cliOf(t, enrolment, (bin) => void writeAz(bin, azProfile(azure, PEOPLE.alice.oid)));
  const json = async (...argv: string[]) => {
    const ran = await cli(...argv, '--json');
    return { ...ran, value: JSON.parse(ran.out) };
  };

  const listed = await json('ls');
  assert.equal(listed.status, 0, listed.err);
  assert.equal(listed.value.balancers.length, 24);
  const production = estate.subscriptions[0]?.id;
  const target = listed.value.balancers.find(
    (one: { accountId: string; kind: string }) => one.accountId === production && one.kind === 'load-balancer',
  );
  assert.ok(target);
  const roles = await json('roles', target.id);
  assert.ok(
    roles.value.roles.some(({ id, authority }: { id: string; authority: string }) => id === 'backends' && authority === 'pim'),
    roles.out,
  );

  const elevated = await json('elevate', target.id, '--role', 'backends', '--for', '15m', '--reason', 'Drain web', '--wait');
  assert.equal(elevated.status, 0, elevated.err + elevated.out);
  assert.equal(elevated.value.outcome, 'usable');
  const status = await cli('status');
  assert.match(status.out, /Sign-in, Azure +Alice Novak by Azure CLI\n[\s\S]*usable +backends/);

  const again = await cli('elevate', target.id, '--role', 'backends', '--for', '15m', '--reason', 'Twice');
  assert.equal(again.status, 3, again.out + again.err);

  const revoked = await json('revoke', elevated.value.grant.id.slice(0, 8), '--wait');
  assert.equal(revoked.status, 0, revoked.err);
  assert.equal(revoked.value.grants[0].state, 'gone');
  assert.match((await cli('status')).out, /You hold nothing\./);

  const file = path.join(home, 'record.jsonl');
  assert.equal((await cli('audit', 'export', '--out', file)).status, 0);
  assert.equal((await cli('audit', 'verify', file)).status, 0);
  assert.equal((await cli('audit', 'verify')).status, 0);
  writeFileSync(file, readFileSync(file, 'utf8').replace('Drain web', 'Drain all'));
  assert.equal((await cli('audit', 'verify', file)).status, 5);
  assert.match((await cli('daemon', '--stop')).out, /The daemon has stopped\./);
});

test('the daemon is started when none runs, shared, and stopped; stopping none is no failure', { timeout: 60_000 }, async (t) => {
  const { cli } = cliOf(t, nowhere, nobody);
  assert.deepEqual(await cli('daemon', '--stop'), { status: 0, out: 'No daemon runs.\n', err: '' });
  const [one, two] = await Promise.all([cli('status', '--json'), cli('status', '--json')]);
  assert.deepEqual([one.status, two.status], [0, 0], one.err + two.err);
  const pid = (ran: Ran) => JSON.parse(ran.out).daemon.pid;
  assert.equal(pid(one), pid(two));
  const listed = await cli('ls');
  assert.deepEqual([listed.status, listed.out], [3, '']);
  assert.match(listed.err, /portcullis sign-in azure/);
  assert.equal((await cli('daemon', '--stop')).status, 0);
});

test('a daemon that cannot start is said to be so at once, with its own words', { timeout: 60_000 }, async (t) => {
  const { cli } = cliOf(t, { azure: { resourceManagerEndpoint: 'http://not-secure.test' } }, nobody);
  const began = performance.now();
  const failed = await cli('ls', '--json');
  assert.ok(performance.now() - began < 10_000, 'nobody waits for what has ended');
  assert.equal(failed.status, 4);
  const { error } = JSON.parse(failed.out);
  assert.equal(error.code, 'configuration-invalid');
  assert.match(error.message, /enrolment\.json: azure\.resourceManagerEndpoint must start with https/);
  assert.equal(error.wayOut, 'Correct the enrolment file, then try again.');
  const why = await cli('daemon');
  assert.equal(why.status, 2);
  assert.match(why.err, /resourceManagerEndpoint/);
});
