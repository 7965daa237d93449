import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { SubscriptionClient } from '@azure/arm-resources-subscriptions';
import { ClientSecretCredential } from '@azure/identity';
import { HOUR } from '../../../protocol/clock.ts';
import { scratch } from '../../support/scratch.ts';
import { azProfile, writeAz } from './az.ts';
import { readProfile } from './az-profile.ts';
import { CENTRAL_APP, PEOPLE } from './estate.ts';
import { stage } from './stage.ts';

const run = promisify(execFile);
const { alice } = PEOPLE;
const ARM = 'https://management.azure.com';

test('an application signs in with its secret, through the real library', async (t) => {
  const { cloud } = await stage(t);
  const options = { authorityHost: cloud.authorityHost, disableInstanceDiscovery: true, tlsOptions: { ca: cloud.ca } };
  const credential = new ClientSecretCredential(cloud.tenantId, CENTRAL_APP.clientId, CENTRAL_APP.clientSecret, options);
  const client = new SubscriptionClient(credential, { endpoint: cloud.endpoint, tlsOptions: { ca: cloud.ca } });
  const names = [];
  for await (const { displayName } of client.subscriptions.list()) names.push(displayName);
  assert.equal(names.length, 4);
  const wrong = new ClientSecretCredential(cloud.tenantId, CENTRAL_APP.clientId, 'guessed', options);
  await assert.rejects(wrong.getToken(`${ARM}/.default`), /AADSTS7000215/);
  const unknown = new ClientSecretCredential(cloud.tenantId, alice.oid, 'x', options);
  await assert.rejects(unknown.getToken(`${ARM}/.default`), /AADSTS700016/);
});

test('a token is believed only when it is ours, for Resource Manager, and not over', async (t) => {
  const { cloud, call, clock } = await stage(t, { timing: { tokenLife: HOUR } });
  const credential = cloud.credential(alice.oid);
  const bearer = async (scope: string) => `Bearer ${(await credential.getToken(scope))?.token}`;
  const asked = async (authorization: string) => {
    const { status, body, headers } = await call(alice.oid, 'GET', '/subscriptions?api-version=2022-12-01', undefined, { authorization });
    return [status, (body['error'] as { code?: string } | undefined)?.code, headers['www-authenticate'] !== undefined];
  };
  const good = await bearer(`${ARM}/.default`);
  assert.deepEqual(await asked(good), [200, undefined, false]);
  assert.deepEqual(await asked(await bearer(`${ARM}//.default`)), [200, undefined, false]);
  assert.deepEqual(await asked(await bearer('https://graph.microsoft.com/.default')), [401, 'InvalidAuthenticationTokenAudience', true]);
  const [head, payload, signature] = good.split('.');
  const forged = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as Record<string, unknown>;
  const other = Buffer.from(JSON.stringify({ ...forged, oid: CENTRAL_APP.oid })).toString('base64url');
  assert.deepEqual(await asked([head, other, signature].join('.')), [401, 'InvalidAuthenticationToken', true]);
  assert.deepEqual(await asked('Bearer nonsense'), [401, 'InvalidAuthenticationToken', true]);
  assert.deepEqual(await asked('Basic x'), [401, 'AuthenticationFailed', true]);
  await clock.advance(HOUR + 1_000);
  assert.deepEqual(await asked(good), [401, 'ExpiredAuthenticationToken', true]);
});

test('the Azure CLI of a person gives tokens for that person, for as long as they are signed in', async (t) => {
  const { cloud, call } = await stage(t);
  const dir = scratch(t);
  const az = writeAz(dir, azProfile(cloud, alice.oid));
  const token = async (...args: string[]) => {
    const { stdout } = await run(az, ['account', 'get-access-token', '--output', 'json', ...args]);
    return JSON.parse(stdout) as { accessToken: string; expires_on: number; tokenType: string; tenant: string };
  };
  const before = readProfile(path.join(dir, 'az-profile.json')).sources[ARM]?.refreshToken;
  const answer = await token('--resource', ARM);
  assert.deepEqual([answer.tokenType, answer.tenant], ['Bearer', cloud.tenantId]);
  const { status } = await call('', 'GET', '/subscriptions?api-version=2022-12-01', undefined, {
    authorization: `Bearer ${answer.accessToken}`,
  });
  assert.equal(status, 200);
  assert.notEqual(readProfile(path.join(dir, 'az-profile.json')).sources[ARM]?.refreshToken, before, 'the next refresh token is kept');
  assert.equal(statSync(path.join(dir, 'az-profile.json')).mode & 0o777, 0o600);
  await Promise.all([
    token('--scope', `${ARM}/.default`),
    token('--resource', `${ARM}/`),
    token('--resource', ARM, '--tenant', cloud.tenantId),
  ]);

  const signedOut = { code: 1, stderr: /Please run 'az login' to setup account\./ };
  await assert.rejects(token('--resource', 'api://unknown'), signedOut);
  cloud.entra.signOut(alice.oid);
  await assert.rejects(token('--resource', ARM), signedOut);
  await assert.rejects(run(az, ['network', 'lb', 'list']), /misspelled or not recognized/);
});

test('two calls of the CLI at once never spend one refresh token twice', async (t) => {
  const { cloud } = await stage(t);
  const dir = scratch(t);
  const az = writeAz(dir, azProfile(cloud, alice.oid));
  const used: string[] = [];
  const { entra } = cloud;
  const answer = entra.answer.bind(entra);
  entra.answer = async (incoming, base) => {
    used.push(new URLSearchParams(incoming.text).get('refresh_token') ?? '');
    return answer(incoming, base);
  };
  await Promise.all(Array.from({ length: 3 }, () => run(az, ['account', 'get-access-token', '--resource', ARM])));
  assert.equal(new Set(used).size, 3);
});

test('the folder with the authority goes when the cloud closes', async (t) => {
  const { cloud } = await stage(t);
  assert.ok(readFileSync(cloud.caFile, 'utf8').includes('BEGIN CERTIFICATE'));
  await cloud.close();
  assert.equal(existsSync(path.dirname(cloud.caFile)), false);
});

test('a profile that nobody may read is told as it is', async (t) => {
  const dir = scratch(t);
  const az = writeAz(dir, { tenantId: 't', subscription: 's', user: 'u', sources: {} });
  await assert.rejects(run(az, ['account', 'get-access-token', '--resource', ARM]), /az login/);
  writeFileSync(path.join(dir, 'az-profile.json'), '{}');
  chmodSync(path.join(dir, 'az-profile.json'), 0o600);
  await assert.rejects(run(az, ['account', 'get-access-token', '--resource', ARM]), /Invalid/);
});
