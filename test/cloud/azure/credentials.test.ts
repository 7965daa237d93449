import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { AccessToken, TokenCredential } from '@azure/identity';
import { engineerCredential } from '../../../cloud/azure/engineer-credential.ts';
import { faultOf } from '../../../cloud/azure/errors.ts';
import { grantingCredential } from '../../../cloud/azure/granting-credential.ts';
import { personIn } from '../../../cloud/azure/person.ts';
import { azureProvider } from '../../../cloud/azure/provider.ts';
import { azureSelfService } from '../../../cloud/azure/self-service.ts';
import { sharedTokens } from '../../../cloud/azure/shared-tokens.ts';
import { Fault } from '../../../protocol/fault.ts';
import { catalogueDefinitions } from '../../../roles/catalogue.ts';
import { azProfile, writeAz } from '../../clouds/azure/az.ts';
import { CENTRAL_APP, PEOPLE } from '../../clouds/azure/estate.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { scratch } from '../../support/scratch.ts';
import { signal, startStage } from './stage.ts';

const SCOPE = 'https://management.azure.com/.default';

/** The Azure CLI of the machine is out of reach: only this folder is on the path. */
function onlyPath(t: { after(run: () => void): void }, dir: string): void {
  const before = process.env['PATH'];
  process.env['PATH'] = [dir, '/usr/bin', '/bin'].join(path.delimiter);
  t.after(() => {
    process.env['PATH'] = before;
  });
}

test('the engineer signs in with the Azure CLI, and Azure knows who it is', async (t) => {
  const stage = await startStage(t, {});
  const dir = scratch(t);
  writeAz(dir, azProfile(stage.azure, PEOPLE.alice.oid));
  onlyPath(t, dir);
  const engineer = engineerCredential({ settings: stage.settings, session: () => undefined });
  assert.equal(engineer.by(), 'not signed in');
  const provider = azureProvider(sharedTokens(engineer.credential, stage.clock), stage.settings, stage.clock);
  assert.equal((await provider.access.whoAmI(signal())).name, 'Alice Novak');
  assert.equal(engineer.by(), 'Azure CLI');
});

test('a role that wants a stronger sign-in than the Azure CLI has says what to run', async (t) => {
  const stage = await startStage(t);
  const dir = scratch(t);
  writeAz(dir, azProfile(stage.azure, PEOPLE.alice.oid));
  onlyPath(t, dir);
  const balancer = await stage.balancer('Shop production');
  stage.azure.world.policies.set(catalogueDefinitions('azure')[1]?.guid ?? '', `/subscriptions/${balancer.accountId}`, { context: 'c1' });
  const { credential } = engineerCredential({ settings: stage.settings, session: () => undefined });
  const bound = await azureSelfService(sharedTokens(credential, stage.clock), stage.settings, stage.clock).activate(
    stage.order(balancer.id),
    signal(),
  );
  assert.ok(bound.state === 'refused');
  assert.equal(bound.problem.code, 'not-signed-in');
  assert.match(bound.problem.message, /stronger sign-in/);
  assert.match(bound.problem.wayOut ?? '', /^Run "az login --claims-challenge \S+ --scope/);
});

test('the session of VS Code comes first, and nobody else is tried while it lasts', async (t) => {
  onlyPath(t, scratch(t));
  const held = { token: 'from-the-editor', expiresAt: 5 };
  const engineer = engineerCredential({ settings: {}, session: () => held });
  assert.deepEqual(await engineer.credential.getToken(SCOPE), { token: 'from-the-editor', expiresOnTimestamp: 5 });
  assert.equal(engineer.by(), 'VS Code');
  await assert.rejects(
    async () => engineer.credential.getToken(SCOPE, { claims: '{}' }),
    (error) => error instanceof Fault && /VS Code/.test(error.wayOut ?? ''),
  );
  assert.equal(engineer.by(), 'not signed in');
});

test('the session of VS Code serves the audience that it was given for, and nothing else', async (t) => {
  const stage = await startStage(t, {});
  const dir = scratch(t);
  writeAz(dir, azProfile(stage.azure, PEOPLE.alice.oid));
  onlyPath(t, dir);
  const held = { token: 'from-the-editor', expiresAt: 5 };
  const engineer = engineerCredential({ settings: stage.settings, session: () => held });
  assert.equal((await engineer.credential.getToken(SCOPE))?.token, 'from-the-editor');
  assert.equal((await engineer.credential.getToken('https://management.azure.com//.default'))?.token, 'from-the-editor');
  for (const scope of ['api://portcullis/.default', 'https://management.azure.com.evil.test/.default', '/.default']) {
    const got = await Promise.resolve(engineer.credential.getToken(scope)).catch(() => undefined);
    assert.notEqual(got?.token, 'from-the-editor', scope);
  }
  assert.equal(engineer.by(), 'VS Code', 'who the person is for Azure has not changed');
});

test('central is asked with the Azure CLI while VS Code signs in to Azure', async (t) => {
  const stage = await startStage(t, {});
  const dir = scratch(t);
  writeAz(dir, azProfile(stage.azure, PEOPLE.alice.oid));
  onlyPath(t, dir);
  // Here Azure's own tokens are for another audience: what the CLI has a token for plays central.
  const settings = { ...stage.settings, audience: 'https://other.example' };
  const engineer = engineerCredential({ settings, session: () => ({ token: 'from-the-editor', expiresAt: 5 }) });
  assert.equal(personIn((await engineer.credential.getToken(SCOPE))?.token ?? '').name, 'Alice Novak');
  assert.deepEqual([engineer.by(SCOPE), engineer.by()], ['Azure CLI', 'not signed in']);
});

test('stronger sign-in with the Azure CLI names the command', async (t) => {
  onlyPath(t, scratch(t));
  const engineer = engineerCredential({ settings: {}, session: () => undefined });
  await assert.rejects(
    async () => engineer.credential.getToken(SCOPE, { claims: '{"access_token":{}}' }),
    (error) => /^Run "az login --claims-challenge \S+/.test(faultOf(error, 0).wayOut ?? ''),
  );
});

test('central signs in with its secret, at the configured authority alone', async (t) => {
  const stage = await startStage(t);
  const { clientId, clientSecret: secret, oid } = CENTRAL_APP;
  const credential = grantingCredential({ kind: 'client-secret', tenantId: stage.azure.tenantId, clientId, secret }, stage.settings);
  const person = await azureProvider(sharedTokens(credential, stage.clock), stage.settings, stage.clock).access.whoAmI(signal());
  assert.deepEqual(person, { id: oid, name: 'Portcullis central' });
});

test('a wrong secret is a failed sign-in, not an unreachable cloud', async (t) => {
  const stage = await startStage(t);
  const credential = grantingCredential(
    { kind: 'client-secret', tenantId: stage.azure.tenantId, clientId: CENTRAL_APP.clientId, secret: 'wrong' },
    stage.settings,
  );
  const { access } = azureProvider(sharedTokens(credential, stage.clock), stage.settings, stage.clock);
  await assert.rejects(access.whoAmI(signal()), (error) => error instanceof Fault && error.code === 'sign-in-failed');
});

test('a burst of calls asks the credential once; a later one asks again', async () => {
  const clock = new ManualClock();
  let asked = 0;
  const credential: TokenCredential = { getToken: async () => ({ token: String(++asked), expiresOnTimestamp: 0 }) };
  const shared = sharedTokens(credential, clock, 60_000);
  const tokens = await Promise.all([shared.getToken(SCOPE), shared.getToken(SCOPE), shared.getToken([SCOPE])]);
  assert.deepEqual(
    tokens.map((token) => token?.token),
    ['1', '1', '2'],
  );
  assert.equal((await shared.getToken(SCOPE, { claims: '{}' }))?.token, '3');
  assert.equal((await shared.getToken(SCOPE))?.token, '1');
  await clock.advance(60_000);
  assert.equal((await shared.getToken(SCOPE))?.token, '4');
  shared.forget();
  assert.equal((await shared.getToken(SCOPE))?.token, '5');
  assert.equal((await shared.fresh.getToken(SCOPE))?.token, '6');
  shared.close();
  for (const closed of [shared, shared.fresh])
    await assert.rejects(
      async () => closed.getToken(SCOPE),
      (error) => error instanceof Fault && error.code === 'sign-in-failed',
    );
  shared.open();
  assert.equal((await shared.getToken(SCOPE))?.token, '7');
});

test('who waits no longer for a token is let go, and the others still get it', async () => {
  const asked = Promise.withResolvers<AccessToken>();
  const shared = sharedTokens({ getToken: () => asked.promise }, new ManualClock());
  const patience = new AbortController();
  const impatient = shared.getToken(SCOPE, { abortSignal: patience.signal });
  const patient = shared.getToken(SCOPE);
  patience.abort(new Error('too long'));
  await assert.rejects(async () => impatient, /too long/);
  await assert.rejects(async () => shared.getToken(SCOPE, { abortSignal: patience.signal }), /too long/);
  asked.resolve({ token: '1', expiresOnTimestamp: 0 });
  assert.equal((await patient)?.token, '1');
  assert.equal((await shared.getToken(SCOPE, { abortSignal: new AbortController().signal }))?.token, '1');
});

test('a failure of what was forgotten takes nothing that came after it', async () => {
  const asked: PromiseWithResolvers<AccessToken>[] = [];
  const credential: TokenCredential = {
    getToken: () => {
      const one = Promise.withResolvers<AccessToken>();
      asked.push(one);
      return one.promise;
    },
  };
  const shared = sharedTokens(credential, new ManualClock());
  const first = shared.getToken(SCOPE);
  shared.forget();
  const second = shared.getToken(SCOPE);
  asked[0]?.reject(new Error('no'));
  await assert.rejects(async () => first, /no/);
  asked[1]?.resolve({ token: '2', expiresOnTimestamp: 0 });
  assert.equal((await second)?.token, '2');
  assert.equal((await shared.getToken(SCOPE))?.token, '2');
  assert.equal(asked.length, 2);
});

test('a failure is not remembered', async () => {
  let fail = true;
  const token: AccessToken = { token: 'x', expiresOnTimestamp: 0 };
  const shared = sharedTokens({ getToken: async () => (fail ? Promise.reject(new Error('no')) : token) }, new ManualClock());
  await assert.rejects(async () => shared.getToken(SCOPE), /no/);
  fail = false;
  assert.equal(await shared.getToken(SCOPE), token);
});

test('a token that does not say who it is for is not taken', () => {
  const token = (claims: unknown) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
  for (const bad of ['', 'x', 'a.b.c', token({}), token({ oid: '' }), token(null)]) {
    assert.throws(
      () => personIn(bad),
      (error) => error instanceof Fault && error.code === 'sign-in-failed',
      bad,
    );
  }
  assert.deepEqual(personIn(token({ oid: 'ABC', unique_name: 'live.com#a@b.example' })), {
    id: 'abc',
    name: 'live.com#a@b.example',
    email: 'live.com#a@b.example',
  });
});
