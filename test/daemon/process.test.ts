import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { openWire } from '../../daemon/cli/wire.ts';
import { isAlive, readEntry } from '../../daemon/door/entry-file.ts';
import { startDaemon } from '../../daemon/spawn.ts';
import { type Client, connect } from '../../protocol/client.ts';
import type { EntryFile } from '../../protocol/door.ts';
import { type Places, places } from '../../protocol/places.ts';
import { DAEMON_EXIT, daemonEnvironment } from '../../protocol/spawn.ts';
import { azProfile, writeAz } from '../clouds/azure/az.ts';
import { makeEstate, PEOPLE } from '../clouds/azure/estate.ts';
import type { AzureCloud } from '../clouds/azure/start.ts';
import { startAzure } from '../clouds/azure/start.ts';
import { clock, spawnDaemon } from '../faults/door/real-daemon.ts';
import { PORTCULLIS } from '../support/built.ts';
import { scratchHome } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const uid = process.geteuid?.();

interface Home {
  home: string;
  places: Places;
  env: Record<string, string>;
}

function makeHome(t: TestContext): Home {
  const home = scratchHome(t);
  // An `az` that knows nobody: no test asks this machine for a person.
  const bin = path.join(home, 'bin');
  mkdirSync(bin);
  writeFileSync(path.join(bin, 'az'), '#!/bin/sh\necho "Please run \'az login\' to setup account." >&2\nexit 1\n', { mode: 0o755 });
  const env = { HOME: home, PATH: `${bin}:/usr/bin:/bin`, LANG: 'C.UTF-8' };
  return { home, env, places: places({ platform: process.platform, home }) };
}

const entryOf = (home: Home): Promise<EntryFile> => until('the entry file', () => readEntry(home.places.entryFile, uid, isAlive), 60_000);

async function through(entry: EntryFile): Promise<Client> {
  const wire = await openWire(entry.socket, clock);
  assert.ok(wire);
  return connect({
    wire,
    entry,
    clock,
    hmac: (secret, text) => createHmac('sha256', Buffer.from(secret, 'hex')).update(text).digest('hex'),
    same: (a, b) => timingSafeEqual(Buffer.from(a), Buffer.from(b)),
    nonce: () => randomBytes(32).toString('hex'),
    client: { name: 'test', version: '1', kind: 'terminal' },
  });
}

test('twelve daemons at once: exactly one stays, the others say where it is', async (t) => {
  const home = makeHome(t);
  const all = Array.from({ length: 12 }, () => spawnDaemon(t, home));
  const entry = await entryOf(home);
  const losers = all.filter(({ child }) => child.pid !== entry.pid);
  assert.equal(losers.length, 11);
  const codes = await Promise.all(losers.map(({ ended }) => ended));
  assert.deepEqual(new Set(codes), new Set([DAEMON_EXIT.alreadyRunning]));
  for (const { said } of losers) assert.match(said(), /runs already|starting or stopping/);
  assert.ok(isAlive(entry.pid));
  const client = await through(entry);
  assert.equal(client.state.daemon.pid, entry.pid);
  client.close();
});

test('after kill -9 the next daemon starts on the same place at once', async (t) => {
  const home = makeHome(t);
  const first = spawnDaemon(t, home);
  const before = await entryOf(home);
  first.child.kill('SIGKILL');
  await first.ended;
  assert.equal(readEntry(home.places.entryFile, uid, isAlive), undefined, 'a dead entry is not believed');
  const second = spawnDaemon(t, home);
  const after = await until('a new entry', () => {
    const entry = readEntry(home.places.entryFile, uid, isAlive);
    return entry?.instance === before.instance ? undefined : entry;
  });
  assert.equal(after.pid, second.child.pid);
  assert.notEqual(after.secret, before.secret);
  (await through(after)).close();
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends it cleanly: status 0, socket and entry file gone`, async (t) => {
    const home = makeHome(t);
    const daemon = spawnDaemon(t, home);
    const entry = await entryOf(home);
    daemon.child.kill(signal);
    assert.equal(await daemon.ended, 0);
    assert.ok(!existsSync(home.places.entryFile));
    assert.ok(!existsSync(entry.socket));
  });
}

test('started detached: the secret comes over descriptor 3 and stands in no argument and no variable', async (t) => {
  const home = makeHome(t);
  await startDaemon({
    entryScript: PORTCULLIS,
    node: process.execPath,
    env: { ...home.env, NODE_OPTIONS: '--inspect', AZURE_AUTHORITY_HOST: 'https://evil.test' },
    places: home.places,
  });
  const entry = await entryOf(home);
  if (process.platform === 'linux') {
    const environ = readFileSync(`/proc/${entry.pid}/environ`, 'utf8');
    assert.doesNotMatch(environ, /NODE_OPTIONS|AZURE_AUTHORITY_HOST/);
    assert.ok(!environ.includes(entry.secret));
    assert.ok(!readFileSync(`/proc/${entry.pid}/cmdline`, 'utf8').includes(entry.secret));
    assert.equal(readFileSync(`/proc/${entry.pid}/coredump_filter`, 'utf8').trim(), '00000000');
  }
  for (const folder of [home.places.runDir, home.places.stateDir]) assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(entry.socket).mode & 0o777, 0o600);
  const client = await through(entry);
  await client.call('daemon.stop', {});
  await until('its end', () => !isAlive(entry.pid));
  assert.ok(!existsSync(home.places.entryFile));
  assert.ok(!readFileSync(home.places.logFile, 'utf8').includes(entry.secret));
});

test('SIGUSR1 opens no inspector', { skip: process.platform === 'win32' && 'there is no such signal' }, async (t) => {
  const home = makeHome(t);
  const daemon = spawnDaemon(t, home);
  const entry = await entryOf(home);
  daemon.child.kill('SIGUSR1');
  (await through(entry)).close();
  assert.doesNotMatch(daemon.said(), /Debugger listening/);
});

test('an enrolment file that breaks a rule stops it with a status of its own, naming file and field', async (t) => {
  const home = makeHome(t);
  mkdirSync(path.dirname(home.places.enrolmentFile), { recursive: true });
  writeFileSync(home.places.enrolmentFile, '{"central":{"url":"http://c.test","signIn":"browser"}}', { mode: 0o600 });
  const daemon = spawnDaemon(t, home);
  assert.equal(await daemon.ended, DAEMON_EXIT.badEnrolment);
  assert.match(daemon.said(), /enrolment\.json: central\.url must start with https/);
  assert.ok(!existsSync(home.places.entryFile));
});

test('nothing but the enrolment file moves its targets', { timeout: 60_000 }, async (t) => {
  const home = makeHome(t);
  const [central, azure, evil] = [await listener(t), await listener(t), await listener(t)];
  // A hostile repository: settings, dotenv and an enrolment file in the folder that an editor would open.
  const workspace = path.join(home.home, 'workspace');
  for (const folder of ['.vscode', 'portcullis', '.config/portcullis']) mkdirSync(path.join(workspace, folder), { recursive: true });
  writeFileSync(path.join(workspace, '.vscode/settings.json'), `{"portcullis.central.url":"${evil.url}","azure.cloud":"evil"}`);
  writeFileSync(path.join(workspace, '.env'), `AZURE_AUTHORITY_HOST=${evil.url}\nPORTCULLIS_CENTRAL=${evil.url}\n`);
  const targets = (central: Listener, azure: Listener) =>
    JSON.stringify({
      central: { url: central.url, signIn: 'browser' },
      azure: { authorityHost: azure.url, resourceManagerEndpoint: azure.url },
    });
  for (const folder of ['portcullis', '.config/portcullis'])
    writeFileSync(path.join(workspace, folder, 'enrolment.json'), targets(evil, evil), { mode: 0o600 });
  const hostile = {
    XDG_CONFIG_HOME: workspace,
    XDG_CONFIG_DIRS: workspace,
    AZURE_AUTHORITY_HOST: evil.url,
    AZURE_RESOURCE_MANAGER: evil.url,
    PORTCULLIS_CENTRAL: evil.url,
    HTTPS_PROXY: evil.url.replace('https', 'http'),
    NODE_EXTRA_CA_CERTS: '/tmp/evil.pem',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    SSL_CERT_FILE: '/tmp/evil.pem',
    NODE_OPTIONS: '--no-deprecation',
    LD_PRELOAD: '/tmp/evil.so',
    SSLKEYLOGFILE: path.join(home.home, 'keys'),
  };
  const rebuilt = daemonEnvironment({ ...home.env, ...hostile }, process.platform);
  assert.deepEqual(Object.keys(rebuilt).sort(), [...Object.keys(home.env), 'ELECTRON_RUN_AS_NODE'].sort());
  // An identity for which Azure is asked at once.
  const identity = { AZURE_TENANT_ID: PEOPLE.alice.oid, AZURE_CLIENT_ID: PEOPLE.alice.oid, AZURE_CLIENT_SECRET: 'x' };
  const logged = () => readFileSync(home.places.logFile, 'utf8');

  mkdirSync(path.dirname(home.places.enrolmentFile), { recursive: true });
  writeFileSync(home.places.enrolmentFile, targets(central, azure), { mode: 0o600 });
  const enrolled = typedIn(t, workspace, { ...home.env, ...identity, ...hostile });
  const client = await through(await entryOf(home));
  assert.notEqual(client.state.central.state, 'not used');
  await client.call('sign-in', { to: 'central' });
  await until('central asked', () => central.heard() > 0 || undefined, 15_000);
  await until('Azure asked', () => azure.heard() > 0 || undefined, 15_000);
  assert.match(logged(), new RegExp(`"path":"${home.places.enrolmentFile}"`));
  client.close();
  enrolled.child.kill('SIGTERM');
  assert.equal(await enrolled.ended, 0);

  // Nobody is enrolled and nobody signed in: no target of its own is asked either.
  rmSync(home.places.enrolmentFile);
  const bare = typedIn(t, workspace, { ...home.env, ...hostile });
  const alone = await through(await entryOf(home));
  assert.equal(alone.state.central.state, 'not used');
  assert.match(logged(), /no enrolment file/);
  alone.close();
  bare.child.kill('SIGTERM');
  assert.equal(await bare.ended, 0);
  assert.equal(evil.heard(), 0);
  assert.doesNotMatch(logged(), new RegExp(`evil|${new URL(evil.url).host}`));
  assert.ok(!existsSync(path.join(home.home, 'keys')));
});

interface Listener {
  url: string;
  /** How often somebody has come. */
  heard(): number;
}

/** An address that is not there for anybody, and counts who tries. */
async function listener(t: TestContext): Promise<Listener> {
  let heard = 0;
  const server = createServer((socket) => {
    heard++;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, heard: () => heard };
}

/** `portcullis daemon`, typed in that folder of a terminal that has this environment, all of it. */
function typedIn(t: TestContext, cwd: string, env: Record<string, string>): { child: ChildProcess; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [PORTCULLIS, 'daemon'], { env, cwd, stdio: 'ignore' });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended };
}

/** A daemon of Alice's: the enrolment file names the simulated Azure, and her `az` is signed in. */
async function elevated(
  t: TestContext,
  minActive?: number,
): Promise<{ home: Home; daemon: ReturnType<typeof spawnDaemon>; azure: AzureCloud; client: Client; allowed: () => boolean }> {
  const home = makeHome(t);
  const azure = await startAzure({
    clock,
    estate: makeEstate({ balancers: 24 }),
    ...(minActive === undefined ? {} : { timing: { minActive } }),
  });
  t.after(() => azure.close());
  writeAz(path.join(home.home, 'bin'), azProfile(azure, PEOPLE.alice.oid));
  const { endpoint, authorityHost, caFile, tenantId } = azure;
  mkdirSync(path.dirname(home.places.enrolmentFile), { recursive: true });
  const targets = {
    resourceManagerEndpoint: endpoint,
    authorityHost,
    caFile,
    tenantId,
    propagationMinutes: 0.1,
    shortestHoldMinutes: (minActive ?? 3_000) / 60_000,
  };
  writeFileSync(home.places.enrolmentFile, JSON.stringify({ azure: targets }), { mode: 0o600 });
  const daemon = spawnDaemon(t, home);
  const client = await through(await entryOf(home));
  await until('the sign-in', () => client.state.signIns.some(({ person }) => person?.name === PEOPLE.alice.name));
  await until('the inventory', () => client.state.inventory.fetchedAt !== undefined);
  const shop = azure.world.estate.subscriptions.find(({ name }) => name === 'Shop production');
  const { balancers } = await client.call('inventory.balancers', { provider: 'azure', accountId: shop?.id ?? '' });
  const balancer = balancers.find(({ kind }) => kind === 'load-balancer');
  assert.ok(balancer);
  const params = {
    resourceId: balancer.id,
    roleId: 'backends' as never,
    authority: 'pim' as const,
    duration: 600_000,
    reason: 'INC-7 drain web-2',
    idempotencyKey: randomUUID(),
  };
  const answer = await client.call('request', params);
  assert.ok(answer.ok, JSON.stringify(answer));
  await until('usable', () => Object.values(client.state.grants).some(({ state }) => state === 'usable'));
  const action = 'Microsoft.Network/loadBalancers/backendAddressPools/write';
  const allowed = () => azure.world.allows(PEOPLE.alice.oid, action, balancer.id.slice('azure:'.length));
  assert.equal(allowed(), true);
  return { home, daemon, azure, client, allowed };
}

test('the whole process on the enrolled Azure: SIGTERM takes back what it holds, within five seconds', async (t) => {
  const { daemon, allowed, home } = await elevated(t);
  const started = performance.now();
  daemon.child.kill('SIGTERM');
  assert.equal(await daemon.ended, 0);
  assert.ok(performance.now() - started < 6_000);
  assert.equal(allowed(), false);
  const files = ['journal.db', 'journal.db-wal', 'inventory.json', 'daemon.log']
    .map((name) => path.join(home.places.stateDir, name))
    .filter(existsSync);
  for (const file of files) assert.doesNotMatch(readFileSync(file, 'latin1'), /eyJ[\w-]{20}/, `no token in ${file}`);
});

test('kill -9 while elevated, and another daemon: it takes the lease up and can end it', async (t) => {
  const { daemon, allowed, home } = await elevated(t);
  daemon.child.kill('SIGKILL');
  await daemon.ended;
  spawnDaemon(t, home);
  const client = await through(await until('the next daemon', () => readEntry(home.places.entryFile, uid, isAlive)));
  const grant = await until('the grant', () => Object.values(client.state.grants).find(({ state }) => state === 'usable'));
  assert.ok((await client.call('revoke', { grantId: grant.id })).ok);
  await until('gone', () => client.state.grants[grant.id]?.state === 'gone');
  assert.equal(allowed(), false);
});

test('an upgrade: the older daemon makes way, ends nothing, and the newer one goes on from the journal', { timeout: 60_000 }, async (t) => {
  const { daemon, allowed, home, client: before } = await elevated(t);
  const older = await before.call('daemon.hand-over', { version: before.state.daemon.version });
  assert.ok(!older.ok, 'only for a newer one');
  const [held] = Object.values(before.state.grants);
  assert.ok(held);
  assert.ok((await before.call('daemon.hand-over', { version: '99.0.0' })).ok);
  assert.equal(await daemon.ended, 0);
  assert.equal(allowed(), true, 'nothing was ended');
  assert.ok(!existsSync(home.places.entryFile), 'and the lock is free');
  spawnDaemon(t, home);
  const client = await through(await until('the next daemon', () => readEntry(home.places.entryFile, uid, isAlive)));
  const grant = await until('the grant', () => Object.values(client.state.grants).find(({ state }) => state === 'usable'));
  assert.equal(grant.id, held.id);
  assert.equal(grant.notAfter, held.notAfter, 'with the same end');
  assert.ok((await client.call('revoke', { grantId: grant.id })).ok);
  await until('gone', () => client.state.grants[grant.id]?.state === 'gone');
  assert.equal(allowed(), false);
});

test('a journal that a newer daemon wrote is left alone, and the person is told', async (t) => {
  const home = makeHome(t);
  const first = spawnDaemon(t, home);
  await entryOf(home);
  first.child.kill('SIGTERM');
  await first.ended;
  const db = new DatabaseSync(path.join(home.places.stateDir, 'journal.db'));
  db.exec('PRAGMA user_version=99');
  db.close();
  spawnDaemon(t, home);
  const client = await through(await entryOf(home));
  await until('its word', () => /written by a newer Portcullis/.test(client.state.unhealthy ?? ''));
  assert.ok(client.state.heldUnknown, 'what it holds is not known here');
  client.close();
});

test('SIGTERM while Azure says "not yet": it stays until Azure has taken it back, and says so', { timeout: 60_000 }, async (t) => {
  const { daemon, allowed, home } = await elevated(t, 15_000);
  const told = performance.now();
  daemon.child.kill('SIGTERM');
  await until('its word', () => /has not taken back Backends on .* yet/.test(daemon.said()));
  assert.ok(performance.now() - told < 8_000, 'after the five seconds that everything has');
  assert.equal(daemon.child.exitCode, null);
  assert.ok(existsSync(home.places.entryFile), 'a newcomer finds it, and takes over');
  assert.equal(allowed(), true);
  assert.equal(await daemon.ended, 0);
  assert.equal(allowed(), false, 'ended by this daemon, long before its instant');
  assert.match(readFileSync(home.places.logFile, 'utf8'), /stays until the cloud takes back/);
});

test('a second SIGTERM leaves at once; a client that comes gets the next daemon, which ends it', { timeout: 60_000 }, async (t) => {
  const { daemon, allowed, home, client: before } = await elevated(t, 20_000);
  daemon.child.kill('SIGTERM');
  await until('the first', () => before.state.daemon.stopping);
  daemon.child.kill('SIGTERM');
  const told = performance.now();
  assert.equal(await daemon.ended, 0);
  assert.ok(performance.now() - told < 3_000);
  assert.equal(allowed(), true);
  spawnDaemon(t, home);
  const client = await through(await until('the next daemon', () => readEntry(home.places.entryFile, uid, isAlive)));
  await until('revoking', () => Object.values(client.state.grants).some(({ state }) => state === 'revoking'));
  await until('the end', () => !allowed(), 30_000);
});

test('a daemon whose state folder has vanished ends by itself', { timeout: 30_000 }, async (t) => {
  const home = makeHome(t);
  const daemon = spawnDaemon(t, home);
  await entryOf(home);
  rmSync(home.places.stateDir, { recursive: true });
  assert.equal(await daemon.ended, 0);
  assert.match(daemon.said(), /state folder has vanished/);
});
