import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { Agent, fetch } from 'undici';
import { startIdentity } from './provider.ts';

const AUDIENCE = 'https://portcullis.example';
const ALICE = { id: 'alice', name: 'Alice Novak', oid: '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a01', email: 'alice@example.com' };

test('somebody who goes through login and consent gets an access token for central and a refresh token', async (t) => {
  const said = [t.mock.method(console, 'warn', () => {}), t.mock.method(console, 'info', () => {})];
  const identity = await startIdentity({ people: [ALICE], audience: AUDIENCE });
  t.after(() => identity.close());
  const { accessToken, refreshToken } = await identity.signIn('alice');
  const claims = decodeJwt(accessToken);
  assert.equal(decodeProtectedHeader(accessToken).typ, 'at+jwt');
  assert.deepEqual(
    [claims.iss, claims.aud, claims.sub, claims['name'], claims['oid']],
    [identity.issuer, AUDIENCE, 'alice', ALICE.name, ALICE.oid],
  );

  const agent = new Agent({ connect: { ca: identity.ca } });
  t.after(() => agent.close());
  const refresh = async (token: string) => {
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: token,
      client_id: identity.clientId,
      resource: AUDIENCE,
    });
    return fetch(identity.tokenEndpoint, { method: 'POST', body, dispatcher: agent });
  };
  const renewed = (await (await refresh(refreshToken)).json()) as { access_token: string; refresh_token: string };
  assert.equal(decodeJwt(renewed.access_token).sub, 'alice');
  assert.notEqual(renewed.refresh_token, refreshToken);
  assert.equal((await refresh(refreshToken)).status, 400, 'a refresh token works once');
  assert.equal((await refresh(renewed.refresh_token)).status, 400, 'and one that was used twice ends all that came of it');
  assert.deepEqual(
    said.flatMap(({ mock }) => mock.calls.map((call) => call.arguments)),
    [],
    'nothing of its own is printed between what a person needs',
  );
});

test('nobody signs in under a name that is not known', async (t) => {
  const identity = await startIdentity({ people: [ALICE], audience: AUDIENCE });
  t.after(() => identity.close());
  await assert.rejects(identity.signIn('mallory'), /Nobody here/);
});
