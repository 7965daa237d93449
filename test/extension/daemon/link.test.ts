import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Connection } from '../../../extension/daemon/connection.ts';
import { daemonLink } from '../../../extension/daemon/daemon-link.ts';
import { startDaemon } from '../../../extension/daemon/start.ts';
import { Store } from '../../../extension/store.ts';
import { systemClock } from '../../../protocol/clock.ts';
import { places } from '../../../protocol/places.ts';
import { DAEMON_EXIT } from '../../../protocol/spawn.ts';
import { EDGE, refOf } from '../../daemon/cli/estate.ts';
import { grantOn, organisation } from '../../editor/organisation.ts';
import { type ScriptedDaemon, scriptedDaemon } from '../../editor/scripted-daemon.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

const clock = systemClock(() => uptime() * 1_000);

function machine(t: TestContext, folder = '') {
  const home = path.join(scratch(t), folder);
  return places({ platform: process.platform, home, runtimeDir: path.join(home, 'run') });
}

function linked(
  t: TestContext,
  where: ReturnType<typeof machine>,
  script = '/nonexistent/portcullis.mjs',
): { store: Store; link: Connection } {
  const store = new Store(false, () => Promise.resolve());
  const link = daemonLink({
    clock,
    random: () => 0,
    places: where,
    script,
    node: () => process.execPath,
    env: {},
    platform: process.platform,
    uid: process.getuid?.(),
    client: () => ({ name: 'test', version: '0', kind: 'editor' }),
    onLink: (now, client) => store.setLink(now, client),
  });
  t.after(() => link.close());
  return { store, link };
}

async function daemonAt(t: TestContext, where: ReturnType<typeof machine>, secret?: string): Promise<ScriptedDaemon> {
  const daemon = await scriptedDaemon({ clock, places: where, ...organisation(clock), ...(secret ? { entry: { secret } } : {}) });
  t.after(() => daemon.kill());
  return daemon;
}

describe('the socket', () => {
  it('is found where the entry file says, also below a folder with spaces and colons', async (t) => {
    const where = machine(t, 'a b:c%d');
    await daemonAt(t, where);
    const { store, link } = linked(t, where);
    await link.open();
    assert.equal(store.view.link.state, 'connected');
    assert.deepEqual((await store.ask('inventory.accounts', {})).accounts.length, 3);
  });

  it('carries every change within 250 ms', async (t) => {
    const where = machine(t);
    const daemon = await daemonAt(t, where);
    const { store, link } = linked(t, where);
    await link.open();
    const took: number[] = [];
    for (let n = 0; n < 20; n++) {
      const grant = grantOn(clock, n, refOf(EDGE));
      const changed = Promise.withResolvers<void>();
      const cancel = store.onChange((after) => after.state?.grants[grant.id] && changed.resolve());
      const start = performance.now();
      daemon.live.apply({ type: 'grant', grant });
      await changed.promise;
      cancel();
      took.push(performance.now() - start);
    }
    assert.ok(Math.max(...took) < 250, `${Math.max(...took)} ms`);
  });

  it('is opened anew with other wishes without a moment of not knowing', async (t) => {
    const where = machine(t);
    const daemon = await daemonAt(t, where);
    const { store, link } = linked(t, where);
    await link.open();
    const links: string[] = [];
    store.onChange((after) => void links.push(after.link.state));
    for (let n = 0; n < 3; n++) await link.renew();
    await until('one client', () => daemon.clients().length === 1, 2_000);
    assert.deepEqual(new Set(links), new Set(['connected']));
    await store.ask('inventory.accounts', {});
  });

  it('of somebody who does not know the secret is not talked to', async (t) => {
    const where = machine(t);
    const daemon = await daemonAt(t, where);
    const entry = JSON.parse(readFileSync(where.entryFile, 'utf8'));
    writeFileSync(where.entryFile, JSON.stringify({ ...entry, secret: '0'.repeat(64) }));
    const { store, link } = linked(t, where);
    await link.open();
    assert.equal(store.view.link.state, 'absent');
    assert.deepEqual(daemon.clients(), []);
  });

  it('that breaks makes the state unknown at once', async (t) => {
    const where = machine(t);
    const daemon = await daemonAt(t, where);
    daemon.live.apply({ type: 'grant', grant: grantOn(clock, 1, refOf(EDGE)) });
    const { store, link } = linked(t, where);
    await link.open();
    const start = performance.now();
    const lost = until('the loss', () => store.view.link.state !== 'connected', 2_000, 1);
    await daemon.kill();
    await lost;
    assert.ok(performance.now() - start < 250);
    await assert.rejects(store.ask('revoke.all', {}), /Not connected/);
  });
});

describe('starting a daemon', () => {
  /** A program in the daemon's place that notes how it was started. */
  const PROGRAM = `
    import { readFileSync, writeFileSync } from 'node:fs';
    const [, script, ...argv] = process.argv;
    const secret = readFileSync(3, 'utf8');
    writeFileSync(script + '.json', JSON.stringify({ argv, execArgv: process.execArgv, env: process.env, cwd: process.cwd(), secret }));
    process.stderr.write('node:sqlite is missing\\u001b[2J\\n');
    process.exitCode = Number(process.env.LANG);
  `;

  async function start(t: TestContext, env: Record<string, string>) {
    const dir = scratch(t);
    const script = path.join(dir, 'portcullis.mjs');
    writeFileSync(script, PROGRAM);
    chmodSync(script, 0o600);
    const { ended } = await startDaemon({ node: process.execPath, script, stateDir: path.join(dir, 'state'), env, platform: 'linux' });
    const how = await ended;
    return { how, noted: existsSync(`${script}.json`) ? JSON.parse(readFileSync(`${script}.json`, 'utf8')) : undefined };
  }

  it('hands the secret over a pipe, and nothing of the editor’s own environment but what is allowed', async (t) => {
    const hostile = {
      NODE_OPTIONS: '--require /evil.js',
      LD_PRELOAD: '/evil.so',
      AZURE_AUTHORITY_HOST: 'https://evil.test',
      HTTPS_PROXY: 'http://evil.test',
      VSCODE_PID: '1',
    };
    const { noted } = await start(t, { HOME: '/home/alice', LANG: '0', ...hostile });
    assert.match(noted.secret, /^[0-9a-f]{64}$/);
    assert.deepEqual(noted.argv, ['daemon', '--detached']);
    assert.ok(noted.execArgv.includes('--disable-sigusr1'));
    assert.equal(noted.cwd, '/');
    for (const name of Object.keys(hostile)) assert.equal(name in noted.env, false, name);
    assert.equal(Object.values(noted.env).includes(noted.secret), false);
  });

  it('says what the daemon said when it cannot run, without control characters', async (t) => {
    const { how } = await start(t, { LANG: String(DAEMON_EXIT.cannotRunHere) });
    assert.deepEqual(how, {
      ok: false,
      problem: 'node:sqlite is missing[2J',
      wayOut: 'Name Node.js 24 or later in the setting portcullis.daemon.node.',
    });
  });

  it('takes another daemon that was first for no failure', async (t) => {
    assert.deepEqual((await start(t, { LANG: String(DAEMON_EXIT.alreadyRunning) })).how, { ok: true });
  });

  it('says so when the program is not there', async (t) => {
    const dir = scratch(t);
    const { ended } = await startDaemon({ node: '/nonexistent/node', script: '/nonexistent', stateDir: dir, env: {}, platform: 'linux' });
    const how = await ended;
    assert.equal(how.ok, false);
  });
});
