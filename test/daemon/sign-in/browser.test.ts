import assert from 'node:assert/strict';
import http from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Agent } from 'undici';
import { dispatcherFor } from '../../../daemon/central/http.ts';
import { BrowserSignIn } from '../../../daemon/sign-in/browser.ts';
import { type Discovery, WELL_KNOWN } from '../../../protocol/central-api.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import { makeCertificates } from '../../clouds/certificates.ts';
import { startIdentity } from '../../identity/provider.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';
import { browse } from '../support/browser.ts';

const AUDIENCE = 'https://portcullis.example';
const never = new AbortController().signal;

async function setUp(t: TestContext, discovery: Partial<Discovery> = { resourceIndicator: true }, refusesResource = false) {
  const certificates = await makeCertificates();
  const identity = await startIdentity({
    people: [{ id: 'alice', name: 'Alice Novak' }],
    audience: AUDIENCE,
    certificates,
    accessTokenSeconds: 600,
    refusesResource,
  });
  const about: Discovery = {
    issuer: identity.issuer,
    clientId: identity.clientId,
    scopes: [...identity.scopes],
    audience: AUDIENCE,
    version: '1',
    ...discovery,
  };
  const central = createServer(certificates, (request, response) =>
    response.writeHead(request.url === WELL_KNOWN ? 200 : 404).end(JSON.stringify(about)),
  );
  await new Promise<void>((resolve) => central.listen(0, '127.0.0.1', resolve));
  const dispatcher = dispatcherFor(certificates.ca);
  const agent = new Agent({ connect: { ca: certificates.ca } });
  // Tokens are checked against real time: the clock starts there.
  const clock = new ManualClock(Math.floor(performance.timeOrigin + performance.now()));
  const told: string[] = [];
  const signIn = new BrowserSignIn({
    url: `https://127.0.0.1:${(central.address() as AddressInfo).port}`,
    dispatcher,
    clock,
    onSignedIn: () => void told.push('signed in'),
    onFailed: (problem) => void told.push(problem),
  });
  t.after(async () => {
    signIn.signOut();
    await Promise.all([identity.close(), dispatcher.destroy(), agent.destroy()]);
    central.closeAllConnections();
    central.close();
    assert.equal(clock.armed, 0);
  });
  return { identity, agent, clock, told, signIn };
}

const redirectOf = (page: string): URL => new URL(new URL(page).searchParams.get('redirect_uri') ?? '');

test('signs in with the real provider, renews by rotation, and keeps nothing after signing out', async (t) => {
  const { agent, clock, told, signIn } = await setUp(t);
  await assert.rejects(signIn.token(false, never), (error) => error instanceof Fault && error.code === 'sign-in-failed');
  const page = await signIn.begin();
  const query = new URL(page).searchParams;
  assert.equal(query.get('code_challenge_method'), 'S256');
  assert.ok(query.get('state') && query.get('nonce'));
  const back = await browse(agent, page, 'alice');
  assert.equal(back.url.hostname, '127.0.0.1');
  assert.match(back.page, /You can close this tab/);
  await until('the sign-in', () => told.includes('signed in'));
  const first = await signIn.token(false, never);
  assert.equal(await signIn.token(false, never), first, 'kept while it is good');

  await clock.advance(10 * MINUTE);
  const renewed = await Promise.all([signIn.token(false, never), signIn.token(false, never)]);
  assert.notEqual(renewed[0], first);
  assert.equal(renewed[0], renewed[1], 'side by side there is one renewal');
  await clock.advance(10 * MINUTE);
  assert.notEqual(await signIn.token(false, never), renewed[0], 'the rotated token is the one that counts');
  assert.notEqual(await signIn.token(true, never), renewed[0], 'one that was refused is replaced');

  signIn.signOut();
  await assert.rejects(signIn.token(false, never), /not signed in/);
});

for (const wanted of [true, false])
  test(`a provider that ${wanted ? 'wants' : 'refuses'} a resource indicator gives a token for central, and a new one later`, async (t) => {
    const { agent, clock, told, signIn } = await setUp(t, wanted ? { resourceIndicator: true } : {}, !wanted);
    const page = await signIn.begin();
    assert.equal(new URL(page).searchParams.get('resource'), wanted ? AUDIENCE : null);
    await browse(agent, page, 'alice');
    await until('the sign-in', () => told.includes('signed in'));
    const audienceOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).aud;
    assert.equal(audienceOf(await signIn.token(false, never)), AUDIENCE);
    await clock.advance(10 * MINUTE);
    assert.equal(audienceOf(await signIn.token(false, never)), AUDIENCE);
  });

test('a provider that refuses a resource indicator is not asked with one by mistake', async (t) => {
  const { agent, told, signIn } = await setUp(t, { resourceIndicator: true }, true);
  await browse(agent, await signIn.begin(), 'alice');
  await until('the word', () => told[0]);
  assert.match(told[0] ?? '', /did not sign you in/);
});

test('the loopback page is open for one sign-in only', async (t) => {
  const { agent, told, signIn } = await setUp(t);
  const page = await signIn.begin();
  await browse(agent, page, 'alice');
  await until('the sign-in', () => told.includes('signed in'));
  await assert.rejects(fetch(redirectOf(page)), /fetch failed/);
});

test('it closes after five minutes, and says so', async (t) => {
  const { clock, told, signIn } = await setUp(t);
  const page = await signIn.begin();
  await clock.advance(5 * MINUTE);
  await until('the word', () => told[0]);
  assert.match(told[0] ?? '', /five minutes/);
  await assert.rejects(fetch(redirectOf(page)), /fetch failed/);
});

test('an answer without the right state, host, path or method is refused and ends nothing', async (t) => {
  const { agent, told, signIn } = await setUp(t);
  const page = await signIn.begin();
  const redirect = redirectOf(page);
  const state = new URL(page).searchParams.get('state') ?? '';
  const ask = (target: string, headers: Record<string, string>, method = 'GET') =>
    new Promise<number>((resolve, reject) => {
      http
        .request({ host: '127.0.0.1', port: redirect.port, path: target, method, headers }, (response) => resolve(response.statusCode ?? 0))
        .on('error', reject)
        .end();
    });
  const host = redirect.host;
  assert.equal(await ask('/cb?code=x&state=wrong', { host }), 403);
  assert.equal(await ask('/cb?code=x', { host }), 403);
  assert.equal(await ask(`/other?code=x&state=${state}`, { host }), 403);
  assert.equal(await ask(`/cb?code=x&state=${state}`, { host: 'rebind.evil.test' }), 403);
  assert.equal(await ask(`/cb?code=x&state=${state}`, { host: `localhost:${redirect.port}` }), 403);
  assert.equal(await ask(`/cb?code=x&state=${state}`, { host }, 'POST'), 403);
  assert.equal(told.length, 0);
  await browse(agent, page, 'alice');
  await until('the sign-in', () => told.includes('signed in'));
});

test('a code that the provider did not give signs nobody in', async (t) => {
  const { told, signIn } = await setUp(t);
  const page = await signIn.begin();
  const redirect = redirectOf(page);
  redirect.searchParams.set('state', new URL(page).searchParams.get('state') ?? '');
  redirect.searchParams.set('code', 'stolen');
  redirect.searchParams.set('iss', new URL(page).origin);
  assert.equal((await fetch(redirect)).status, 200);
  await until('the word', () => told[0]);
  assert.match(told[0] ?? '', /did not sign you in/);
  await assert.rejects(signIn.token(false, never), Fault);
});

test('an answer that names another issuer is refused (RFC 9207)', async (t) => {
  const { told, signIn } = await setUp(t);
  const page = await signIn.begin();
  const redirect = redirectOf(page);
  redirect.searchParams.set('state', new URL(page).searchParams.get('state') ?? '');
  redirect.searchParams.set('code', 'x');
  redirect.searchParams.set('iss', 'https://evil.test');
  await fetch(redirect);
  await until('the word', () => told[0]);
  await assert.rejects(signIn.token(false, never), Fault);
});

test('a second sign-in replaces the first', async (t) => {
  const { agent, told, signIn } = await setUp(t);
  const first = await signIn.begin();
  const second = await signIn.begin();
  await assert.rejects(fetch(redirectOf(first)), /fetch failed/);
  await browse(agent, second, 'alice');
  await until('the sign-in', () => told.includes('signed in'));
  assert.deepEqual(told, ['signed in'], 'the first one that was given up is no failure');
});

test('an identity provider without https is refused', async (t) => {
  const { signIn } = await setUp(t, { issuer: 'http://127.0.0.1:1' });
  await assert.rejects(signIn.begin(), (error) => error instanceof Fault && /not https/.test(error.message));
});
