import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as v from 'valibot';
import { Discovery, WELL_KNOWN } from '../../../protocol/central-api.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import { balancerId, PEOPLE } from '../samples.ts';
import { AUDIENCE, accepted, refusalOf, Stage } from '../stage.ts';

const ASK = { id: randomUUID(), resourceId: balancerId('prod-edge'), roleId: 'backends', duration: 900_000, reason: 'Drain' };

test('only a token of the issuer, for central, that lives, is let in', async (t) => {
  const stage = await Stage.open(t);
  const good = await stage.token('alice');
  assert.equal((await stage.raw('GET', '/v1/me', good)).status, 200);
  const refused = async (token: string | undefined, why: string) => {
    const { status, json, headers } = await stage.raw('GET', '/v1/me', token);
    assert.equal(status, 401, why);
    assert.equal((json as { refusal: { code: string } }).refusal.code, 'not-signed-in', why);
    assert.equal(headers.get('www-authenticate'), 'Bearer');
  };
  await refused(undefined, 'no token');
  await refused('x', 'not a token');
  const [head, body, signature] = good.split('.') as [string, string, string];
  const edited = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), sub: 'ben' })).toString(
    'base64url',
  );
  await refused(`${head}.${edited}.${signature}`, 'another subject');
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
  await refused(`${none}.${body}.`, 'no signature');
  await refused(`${none}.${body}.${signature}`, 'algorithm none');

  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  const mint = (changes: object, header: object = {}) =>
    new SignJWT({
      iss: stage.identity.issuer,
      aud: AUDIENCE,
      sub: 'alice',
      iat: Math.floor(stage.clock.now() / 1_000),
      exp: Math.floor(stage.clock.now() / 1_000) + 60,
      ...changes,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'identity', jwk, ...header })
      .sign(privateKey);
  await refused(await mint({}), "somebody else's key under the issuer's key id");
  const secret = new TextEncoder().encode(JSON.stringify(jwk));
  await refused(
    await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'identity' }).sign(secret),
    'a symmetric key',
  );

  stage.clock.suspend(24 * 60 * MINUTE + MINUTE);
  await refused(good, 'expired');
});

test('a token for somebody else, or of another kind, is not let in', async (t) => {
  const stage = await Stage.open(t, { audience: 'https://another.example' });
  assert.equal((await stage.raw('GET', '/v1/me', await stage.token('alice'))).status, 401);
  const other = await Stage.open(t, { tokenType: 'JWT' });
  assert.equal((await other.raw('GET', '/v1/me', await other.token('alice'))).status, 401);
});

test('the person comes from the token and never from the body', async (t) => {
  const stage = await Stage.open(t);
  const me = accepted(await stage.call('alice', 'me'));
  assert.deepEqual(me, { person: { id: 'alice', name: 'Alice Novak' }, groups: ['edge-sre'] });
  const { status, json } = await stage.raw('POST', '/v1/requests', await stage.token('dan'), { ...ASK, requester: 'alice' });
  assert.equal(status, 400);
  assert.deepEqual((json as { refusal: object }).refusal, {
    code: 'bad-input',
    message: 'requester: is not known here',
    field: 'requester',
    wayOut: 'Leave it out',
  });
});

test('bad input names the field and the rule', async (t) => {
  const stage = await Stage.open(t);
  for (const [field, value, rule] of [
    ['duration', 0, /one minute/],
    ['duration', -900_000, /one minute/],
    ['duration', 90_000.5, /Whole/],
    ['duration', null, /how long/],
    ['duration', 1e15, /24 hours/],
    ['reason', '   ', /required/],
    ['reason', undefined, /missing/],
    ['resourceId', 'AZURE:/X', /lower case/],
    ['roleId', '../x', /role id/],
    ['id', 'x', /UUID/i],
  ] as const) {
    const { status, json } = await stage.raw('POST', '/v1/requests', await stage.token('alice'), { ...ASK, [field]: value });
    const { refusal } = json as { refusal: { code: string; field: string; message: string } };
    assert.deepEqual([status, refusal.code, refusal.field], [400, 'bad-input', field], JSON.stringify(value));
    assert.match(refusal.message, rule);
  }
});

test('what is not JSON, too large, or nowhere is refused in the shape of every refusal', async (t) => {
  const stage = await Stage.open(t);
  const token = await stage.token('alice');
  for (const [method, where, body, status] of [
    ['POST', '/v1/preview', '{', 400],
    ['POST', '/v1/preview', '{"__proto__": {"x": 1}}', 400],
    ['POST', '/v1/preview', JSON.stringify({ reason: 'x'.repeat(70_000) }), 413],
    ['GET', '/v1/nothing', undefined, 404],
    ['POST', '/v1/grants/not-an-id/revoke', { because: 'revoked' }, 400],
    ['GET', '/v1/record?limit=1001', undefined, 400],
    ['GET', '/v1/record?after=-1', undefined, 400],
    ['GET', '/v1/record?all=1', undefined, 400],
  ] as const) {
    const said = await stage.raw(method, where, token, body);
    assert.equal(said.status, status, where);
    assert.equal((said.json as { ok: boolean }).ok, false, where);
  }
  assert.equal(stage.log.filter((line) => line.includes('"bug"')).length, 0);
});

test('too many calls are refused', async (t) => {
  const stage = await Stage.open(t, { callsPerMinute: 10 });
  const token = await stage.token('alice');
  const statuses = [];
  for (let call = 0; call < 12; call++) statuses.push((await stage.raw('GET', '/v1/me', token)).status);
  assert.deepEqual(statuses.slice(-2), [429, 429]);
});

test('discovery says where to sign in, without a token', async (t) => {
  const stage = await Stage.open(t);
  const { json, headers } = await stage.raw('GET', WELL_KNOWN, undefined);
  assert.equal(v.parse(Discovery, json).issuer, stage.identity.issuer);
  assert.ok(headers.get('strict-transport-security'));
});

test('TLS below 1.3 is not spoken', async (t) => {
  const stage = await Stage.open(t);
  const { port } = new URL(stage.central?.url ?? '');
  const failure = await new Promise<unknown>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port), maxVersion: 'TLSv1.2', rejectUnauthorized: false }, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', resolve);
  });
  assert.match(String(failure), /protocol version|alert/i);
});

test('with the cloud away nothing is asked for and nothing is recorded', async (t) => {
  const stage = await Stage.open(t);
  stage.cloud.down = true;
  const before = accepted(await stage.call('carla', 'record')).last;
  const said = await stage.ask('alice');
  assert.deepEqual([said.status, refusalOf(said).code], [409, 'unreachable']);
  assert.equal(accepted(await stage.call('carla', 'record')).last, before);
});

test('a lock that would keep the right is named before anything is granted', async (t) => {
  const stage = await Stage.open(t);
  stage.cloud.locked.set(ASK.resourceId, ['do-not-delete']);
  const refusal = refusalOf(await stage.ask('alice'));
  assert.equal(refusal.code, 'locked');
  assert.match(refusal.message, /do-not-delete/);
  assert.equal(
    accepted(await stage.call('alice', 'preview', { body: { resourceId: ASK.resourceId, roleId: 'backends', duration: 900_000 } })).outcome,
    'refused',
  );
  assert.equal(stage.cloud.calls.length, 0);
});

test('the same request id is the same request; of another it is refused', async (t) => {
  const stage = await Stage.open(t);
  const id = randomUUID();
  const said = await Promise.all([stage.ask('alice', { id }), stage.ask('alice', { id }), stage.ask('alice', { id })]);
  assert.equal(new Set(said.map((each) => accepted(each).grantId)).size, 1);
  assert.equal(stage.cloud.count('bind'), 1);
  assert.equal(refusalOf(await stage.ask('alice', { id, roleId: 'observe' })).field, 'id');
  assert.equal(refusalOf(await stage.ask('lee', { id })).field, 'id');
});

test('a person has five requests open at most', async (t) => {
  const stage = await Stage.open(t);
  const asked = [];
  for (let each = 0; each < 6; each++) asked.push(await stage.ask('alice', { resourceId: balancerId('staging-edge'), roleId: 'full' }));
  assert.deepEqual(
    asked.map(({ status }) => status),
    [200, 200, 200, 200, 200, 429],
  );
});

test('who has the right already extends it, and does not get it twice', async (t) => {
  const stage = await Stage.open(t);
  const id = await stage.elevated('alice');
  const again = refusalOf(await stage.ask('alice'));
  assert.deepEqual([again.code, again.wayOut], ['already-elevated', 'Extend it instead']);
  await stage.clock.advance((10 * MINUTE) / 5);
  const next = accepted(await stage.ask('alice', { follows: id }));
  const [before, after] = [await stage.grant('alice', id), await stage.grant('alice', next.grantId)];
  assert.deepEqual([before.state, before.endReason, after.state, after.follows], ['gone', 'superseded', 'assigned', id]);
  assert.ok(after.notAfter > before.notAfter);
  assert.ok(stage.cloud.allows(PEOPLE.alice.azureObjectId, 'backends', ASK.resourceId));
  assert.equal(refusalOf(await stage.ask('alice', { follows: id })).code, 'already-elevated');
  assert.equal(refusalOf(await stage.ask('lee', { follows: after.id })).code, 'cannot-extend');
});

test('only the holder, or who the policy lets, ends a grant; only the holder holds and observes it', async (t) => {
  const stage = await Stage.open(t);
  const id = await stage.elevated('alice');
  assert.equal(refusalOf(await stage.call('dan', 'revoke', { id, body: { because: 'revoked' } })).code, 'not-yours');
  assert.equal(refusalOf(await stage.call('ben', 'heartbeat', { id, body: { instance: 'x' } })).code, 'not-yours');
  assert.equal(refusalOf(await stage.call('ben', 'observed', { id, body: { access: 'denied', at: stage.clock.now() } })).code, 'not-yours');
  accepted(await stage.call('ben', 'revoke', { id, body: { because: 'revoked' } }));
  await stage.clock.advance(5);
  const ended = await stage.grant('alice', id);
  assert.deepEqual([ended.state, ended.endedBy?.name], ['revoking', 'Ben Okafor']);
  assert.equal(refusalOf(await stage.call('alice', 'heartbeat', { id, body: { instance: 'x' } })).code, 'too-late');
  assert.equal(refusalOf(await stage.call('alice', 'heartbeat', { id: randomUUID(), body: { instance: 'x' } })).code, 'not-found');
});

test('a guarded role, an unknown role and an unknown balancer are refused plainly', async (t) => {
  const stage = await Stage.open(t);
  assert.equal(refusalOf(await stage.ask('alice', { roleId: 'certificates' })).code, 'unsupported');
  assert.equal(refusalOf(await stage.ask('alice', { roleId: 'root' })).field, 'roleId');
  assert.equal(refusalOf(await stage.ask('alice', { resourceId: balancerId('nowhere') })).code, 'not-found');
  assert.equal(refusalOf(await stage.ask('alice', { resourceId: 'aws:x' })).code, 'not-found');
});

test('preview and eligibility tell before the question what the answer would be', async (t) => {
  const stage = await Stage.open(t);
  const preview = async (body: object) =>
    accepted(
      await stage.call('alice', 'preview', { body: { resourceId: ASK.resourceId, roleId: 'backends', duration: 900_000, ...body } }),
    );
  const atOnce = await preview({});
  assert.deepEqual(
    [atOnce.outcome, atOnce.headline, atOnce.longest, atOnce.ticketRequired],
    ['granted', 'Granted at once', 60 * MINUTE, false],
  );
  const longer = await preview({ duration: 30 * MINUTE });
  assert.equal(longer.headline, 'Needs approval by Ben Okafor or Lee Sun or Lee Sun (admin)');
  assert.deepEqual(longer.decision.wouldChange, ['For 15 minutes or less it would be granted at once (rule quick-work-in-production)']);
  const ticket = await preview({ roleId: 'full' });
  assert.deepEqual([ticket.outcome, ticket.ticketRequired], ['needs approval', true]);
  const refused = await preview({ duration: 120 * MINUTE });
  assert.match(refused.headline, /^Refused: At most 1 hour/);
  await stage.elevated('lee');
  assert.deepEqual(
    (await preview({})).elevatedHere.map(({ holder, role }) => [holder.name, role]),
    [['Lee Sun', 'Backends']],
  );

  const { roles } = accepted(await stage.call('alice', 'eligibility', { body: { resourceId: ASK.resourceId } }));
  const may = roles
    .filter(({ unavailable }) => unavailable === undefined)
    .map(({ id, longest, usual, ticketRequired }) => [id, longest / MINUTE, usual / MINUTE, ticketRequired]);
  assert.deepEqual(may, [
    ['observe', 60, 15, false],
    ['backends', 60, 15, false],
    ['nat', 60, 15, false],
    ['operate', 60, 15, false],
    ['full', 60, 15, true],
  ]);
  assert.match(roles.find(({ id }) => id === 'certificates')?.unavailable ?? '', /cannot limit this role/);
  const nobody = accepted(await stage.call('dan', 'eligibility', { body: { resourceId: ASK.resourceId } }));
  assert.ok(nobody.roles.every(({ unavailable }) => unavailable));
});
