import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ClaimsDirectory } from '../../../central/people/directory.ts';
import type { CentralSettings } from '../../../central/serve.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { type Mint, startMint } from '../../identity/mint.ts';
import { scratch } from '../../support/scratch.ts';
import { balancerId, EXAMPLE_POLICY, PEOPLE } from '../samples.ts';
import { AUDIENCE, Stage } from '../stage.ts';

const FULL = { roleId: 'full', resourceId: balancerId('staging-edge'), duration: 30 * MINUTE, reason: 'Drain web-1' };

interface Said {
  status: number;
  /** What it was refused with; undefined when it was not. */
  code: string | undefined;
  message: string | undefined;
  wayOut: string | undefined;
}

class Desk {
  readonly #stage: Stage;
  readonly #mint: Mint;

  constructor(stage: Stage, mint: Mint) {
    this.#stage = stage;
    this.#mint = mint;
  }

  async post(where: string, claims: Record<string, unknown>, body: object): Promise<Said> {
    const now = Math.floor(this.#stage.clock.now() / SECOND);
    const token = await this.#mint.token({ aud: AUDIENCE, iat: now, exp: now + 600, ...claims });
    const { status, json } = await this.#stage.raw('POST', where, token, body);
    await this.#stage.clock.advance(5);
    const { refusal } = json as { refusal?: Omit<Said, 'status'> };
    return { status, code: refusal?.code, message: refusal?.message, wayOut: refusal?.wayOut };
  }

  async ask(claims: Record<string, unknown>, changes: object = {}): Promise<Said & { id: string }> {
    const id = randomUUID();
    return { id, ...(await this.post('/v1/requests', claims, { ...FULL, ...changes, id })) };
  }

  approve(claims: Record<string, unknown>, id: string): Promise<Said> {
    return this.post(`/v1/requests/${id}/approve`, claims, { reason: 'Go ahead' });
  }
}

/** Central, and an issuer whose tokens say what the test wants. */
async function open(t: TestContext, changes: Partial<CentralSettings> = {}): Promise<{ stage: Stage; desk: Desk }> {
  const mint = await startMint();
  t.after(() => mint.close());
  const stage = await Stage.open(t, { issuer: mint.issuer, issuerCa: mint.ca, ...changes });
  return { stage, desk: new Desk(stage, mint) };
}

test('a program neither asks nor approves, however its provider marks it, and whatever the directory says of it', async (t) => {
  const { stage, desk } = await open(t);
  const { id } = await desk.ask({ sub: 'alice' });
  const entra = { tid: 'tenant', ver: '2.0', roles: ['everything'] };
  const client = ['client_id', 'azp', 'appid', 'cid'].map((name) => ({ [name]: 'ben' }));
  for (const marked of [
    { idtyp: 'app' },
    entra,
    { gty: 'client-credentials' },
    { preferred_username: 'service-account-deploy' },
    ...client,
  ])
    for (const said of [await desk.approve({ sub: 'ben', ...marked }, id), await desk.ask({ sub: 'ben', ...marked })]) {
      assert.deepEqual([said.status, said.code, said.wayOut], [401, 'not-signed-in', 'Sign in as yourself'], JSON.stringify(marked));
      assert.match(said.message ?? '', /of a program, not of a person/);
    }
  assert.equal(stage.cloud.calls.length, 0);
  assert.equal(
    (
      await desk.approve(
        { sub: 'ben', idtyp: 'user', tid: 'tenant', ver: '2.0', scp: 'elevate', client_id: 'portcullis', azp: 'portcullis' },
        id,
      )
    ).status,
    200,
  );
  assert.equal(stage.cloud.count('bind'), 1);
});

test('who acts for somebody else is let in as neither of the two', async (t) => {
  const { stage, desk } = await open(t);
  const { id } = await desk.ask({ sub: 'alice' });
  for (const act of [{ sub: 'alice' }, { sub: 'robot', act: { sub: 'alice' } }, {}, null])
    for (const said of [await desk.approve({ sub: 'ben', act }, id), await desk.ask({ sub: 'ben', act })]) {
      assert.deepEqual([said.status, said.code, said.wayOut], [401, 'not-signed-in', 'Sign in as yourself']);
      assert.match(said.message ?? '', /acts for somebody else/);
    }
  assert.equal(stage.cloud.calls.length, 0);
});

test('a token that a service got on behalf of a person is that person: it does not approve what they asked', async (t) => {
  const { stage, desk } = await open(t);
  const { id } = await desk.ask({ sub: 'lee', client_id: 'portcullis' });
  const onBehalf = { sub: 'lee', client_id: 'another-service', azp: 'another-service', scp: 'elevate' };
  assert.deepEqual(await statusAndCode(desk.approve(onBehalf, id)), [403, 'self-approval']);
  assert.equal(stage.cloud.calls.length, 0);
});

test('with a new name and e-mail one is the same person; with the e-mail that somebody else had one is not them', async (t) => {
  const { stage, desk } = await open(t);
  const { id } = await desk.ask({ sub: 'lee', name: 'Lee Sun', email: 'lee@x.test' });
  const renamed = { id: 'lee', name: 'Lee Moon', email: 'moon@x.test', azureObjectId: randomUUID(), groups: ['edge-leads'] };
  const others = Object.values(PEOPLE).filter((person) => person.id !== 'lee');
  writeFileSync(stage.directoryFile, JSON.stringify({ people: [...others, renamed] }));
  await stage.stop();
  await stage.start();
  assert.deepEqual(await statusAndCode(desk.approve({ sub: 'lee', name: 'Lee Moon', email: 'moon@x.test' }, id)), [403, 'self-approval']);
  assert.equal(stage.cloud.calls.length, 0);

  const claims = new ClaimsDirectory({ name: 'name', email: 'email', groups: 'groups', azureObjectId: 'oid' });
  const keys = (subject: string, email: string) => claims.actor({ issuer: 'https://i', subject, all: { email } }).keys;
  assert.deepEqual(keys('lee', 'lee@x.test'), keys('lee', 'moon@x.test'));
  assert.ok(!keys('new', 'lee@x.test').some((key) => keys('lee', 'moon@x.test').includes(key)));
});

test('being one of the approvers does not let who asks approve: it takes another of them', async (t) => {
  const { stage, desk } = await open(t);
  assert.ok((PEOPLE.lee.groups as readonly string[]).includes('edge-leads'));
  const { id } = await desk.ask({ sub: 'lee' });
  assert.deepEqual(await statusAndCode(desk.approve({ sub: 'lee' }, id)), [403, 'self-approval']);
  // Groups that a token claims are not those of the directory.
  assert.deepEqual(await statusAndCode(desk.approve({ sub: 'dan', groups: ['edge-leads'] }, id)), [403, 'not-yours']);
  assert.equal(stage.cloud.calls.length, 0);
  assert.equal((await desk.approve({ sub: 'ben' }, id)).status, 200);
  assert.equal(stage.cloud.count('bind'), 1);
});

test('an administrator is no exception, also when the policy lets them approve everything', async (t) => {
  const policyDir = path.join(scratch(t), 'policy');
  cpSync(EXAMPLE_POLICY, policyDir, { recursive: true });
  const file = path.join(policyDir, 'policies/people.cedar');
  // Without the rule of the example that says the same: it is central's own.
  writeFileSync(file, readFileSync(file, 'utf8').replace(/@id\("nobody-approves-their-own"\)[\s\S]*?;\n/, ''));
  assert.doesNotMatch(readFileSync(file, 'utf8'), /nobody-approves-their-own/);
  const everything = ['approve', 'revoke', 'audit'].map(
    (action) =>
      `@id("admins-${action}") @reason("Administrators") permit (principal in Portcullis::Group::"auditors", action == Portcullis::Action::"${action}", resource);`,
  );
  appendFileSync(file, `\n${everything.join('\n')}\n`);
  const cases = path.join(policyDir, 'cases.json');
  writeFileSync(
    cases,
    JSON.stringify({
      people: { a: { groups: ['edge-sre'] } },
      resources: { r: { tags: { env: 'dev' } } },
      cases: [{ name: 'daily work', person: 'a', may: 'elevate', role: 'backends', on: 'r', for: '5m', expect: 'granted' }],
    }),
  );
  const { stage, desk } = await open(t, { policyDir });
  const admin = { ...PEOPLE.lee, groups: ['edge-sre', 'edge-leads', 'auditors'] };
  const others = Object.values(PEOPLE).filter((person) => person.id !== 'lee');
  writeFileSync(stage.directoryFile, JSON.stringify({ people: [...others, admin] }));
  await stage.stop();
  await stage.start();
  const { id } = await desk.ask({ sub: 'lee' });
  assert.deepEqual(await statusAndCode(desk.approve({ sub: 'lee' }, id)), [403, 'self-approval']);
  assert.equal(stage.cloud.calls.length, 0);
  const theirs = await desk.ask({ sub: 'alice' });
  assert.equal((await desk.approve({ sub: 'lee' }, theirs.id)).status, 200, 'what they may do for others');
});

const statusAndCode = async (said: Promise<Said>) => {
  const { status, code } = await said;
  return [status, code];
};
