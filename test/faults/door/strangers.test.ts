import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { WebSocketServer } from 'ws';
import { hmac, nonce } from '../../../daemon/door/secrets.ts';
import { type Client, proofText } from '../../../protocol/client.ts';
import { DOOR, LIMITS } from '../../../protocol/door.ts';
import { until } from '../../support/until.ts';
import { guess } from './proofs.ts';
import { RawConnection, requestOf, UPGRADE } from './raw-connection.ts';
import { type After, makeLonelyHome, type RealDaemon, startDaemonOf, through } from './real-daemon.ts';

const run = promisify(execFile);
const ROOT_ON_LINUX = process.geteuid?.() === 0 && process.platform === 'linux';
const needsRoot = { skip: !ROOT_ON_LINUX && 'needs root on Linux to become another user' };

test('100,000 wrong proofs: none is taken', () => {
  const { refused, taken } = guess(100_000, 1);
  assert.deepEqual(taken, []);
  assert.equal(refused, 100_000);
});

describe('who does not know the secret', () => {
  const endings: (() => unknown)[] = [];
  let daemon: RealDaemon;
  before(async () => {
    const t: After = { after: (end) => void endings.push(end as () => unknown) };
    daemon = await startDaemonOf(t, makeLonelyHome(t));
  });
  after(async () => {
    for (const end of endings.reverse()) await end();
  });

  it('a knocker without the secret hears nothing, fills no log, and is told the same whatever is wrong', async () => {
    const { instance, secret, socket } = daemon.entry;
    const codes = new Set<number | undefined>();
    let said = 0;
    const knock = async (first: string, then?: (answer: string) => string) => {
      const connection = new RawConnection(socket);
      try {
        if (!(await connection.upgraded(5_000))) return knockAgain();
        connection.say(first);
        if (then && (await connection.until(() => connection.said.length > 0, 5_000))) connection.say(then(connection.said[0] ?? ''));
        await connection.until(() => connection.closeCode !== undefined, 5_000);
        codes.add(connection.closeCode);
        said += connection.said.length - (then ? 1 : 0);
      } finally {
        await connection.end();
      }
      async function knockAgain(): Promise<void> {
        await wait(5);
        return knock(first, then);
      }
    };
    const own = nonce();
    const good = JSON.stringify({ proof: 'c1', instance, nonce: own, mac: hmac(secret, proofText('c1', instance, own)) });
    for (let round = 0; round < 1_000; round++) await knock(JSON.stringify({ proof: 'c1', instance, nonce: nonce(), mac: nonce() }));
    // What the daemon proves with, sent back to it; a proof of another connection; and one that was used before.
    await knock(good, (answer) => JSON.stringify({ proof: 'c2', mac: (JSON.parse(answer) as { mac: string }).mac }));
    await knock(good);
    assert.deepEqual([...codes], [1008]);
    assert.equal(said, 0);
    // How many more there were is told with the next that has a line of its own: one a second, after the first fifty.
    await wait(1_100);
    await knock(JSON.stringify({ proof: 'c1', instance, nonce: nonce(), mac: nonce() }));
    const lines = daemon.log().filter(({ msg }) => /refused/.test(msg));
    assert.ok(lines.length > 50 && lines.length < 250, `${lines.length} lines in the log`);
    const told = lines.reduce((sum, { msg, count }) => sum + (msg === 'more connections refused' ? Number(count) : 1), 0);
    assert.ok(told > 1_000, `${told} knocks are accounted for`);
    await leave(await daemon.client());
  });

  it('places at the door come free: silent, slow and refused connections that never hang up keep none', { timeout: 60_000 }, async () => {
    const held = (connect: (connection: RawConnection) => void) =>
      Array.from({ length: LIMITS.connections }, () => {
        const connection = new RawConnection(daemon.entry.socket, { allowHalfOpen: true });
        connect(connection);
        return connection;
      });
    const kinds: [string, (connection: RawConnection) => void][] = [
      ['silent', () => {}],
      ['slow headers', (connection) => void connection.drip(requestOf([...UPGRADE, `X-Long: ${'x'.repeat(2_000)}`]), () => 1)],
      ['half a request', (connection) => connection.write(requestOf(UPGRADE).subarray(0, 60))],
      ['a refused origin', (connection) => connection.write(requestOf([...UPGRADE, 'Origin: http://evil.test']))],
      ['a bad key', (connection) => connection.write(requestOf(UPGRADE.map((line) => line.replace('dGhl', 'x'))))],
      ['a plain request', (connection) => connection.write(Buffer.from(`GET ${DOOR.path} HTTP/1.1\r\nHost: ${DOOR.host}\r\n\r\n`))],
      [
        'a body that never comes',
        (connection) => connection.write(Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n')),
      ],
      ['no proof', (connection) => connection.write(requestOf(UPGRADE))],
    ];
    for (const [kind, connect] of kinds) {
      const connections = held(connect);
      const began = performance.now();
      const client = await until(`a place beside 20 × ${kind}`, () => daemon.client().catch(() => undefined), 10_000, 100);
      if (kind === 'silent') assert.ok(performance.now() - began > 1_000, 'twenty do take all places, for a while');
      await Promise.all([leave(client), ...connections.map((connection) => connection.end())]);
      // The daemon hears of the ends a moment later.
      await wait(100);
    }
  });

  it('the daemon listens on no TCP port', { skip: process.platform !== 'linux' && 'reads /proc' }, async () => {
    assert.deepEqual(tcpListeners(daemon.pid), []);
    const server = net.createServer().listen(0, '127.0.0.1');
    await until('a listener', () => server.listening);
    assert.equal(tcpListeners(process.pid).length, 1, 'this test can tell the difference');
    server.close();
  });

  it('another user can neither connect, nor read the entry file, nor look at the process', needsRoot, async () => {
    const as = async (uid: number, script: string) => {
      // The Node of this checkout lies where another user may not go: it is opened here and inherited.
      const text = `process.setgroups([]); process.setgid(${uid}); process.setuid(${uid}); const done = (what) => console.log(what); ${script}`;
      return (await run(process.execPath, ['-e', text], { cwd: '/', env: {} })).stdout.trim();
    };
    const connect = `require('node:net').connect(${JSON.stringify(daemon.entry.socket)}).on('connect', function () { done('in'); this.destroy(); }).on('error', (error) => done(error.code))`;
    const read = (file: string) =>
      `try { require('node:fs').readFileSync(${JSON.stringify(file)}); done('read'); } catch (error) { done(error.code); }`;
    assert.equal(await as(0, connect), 'in', 'this test can tell the difference');
    assert.equal(await as(0, read(daemon.places.entryFile)), 'read');
    assert.equal(await as(65_534, connect), 'EACCES');
    for (const file of [daemon.places.entryFile, daemon.places.logFile, path.join(daemon.places.stateDir, 'journal.db')])
      assert.equal(await as(65_534, read(file)), 'EACCES', file);
    for (const name of ['mem', 'environ']) assert.equal(await as(65_534, read(`/proc/${daemon.pid}/${name}`)), 'EACCES', name);
  });
});

test('another server on the socket of the entry file gets a proof that is worth nothing, and no more', async (t) => {
  const home = makeLonelyHome(t);
  const socket = path.join(home.home, 'other.sock');
  const heard: string[] = [];
  const sockets = new WebSocketServer({ noServer: true });
  const http = createServer();
  http.on('upgrade', (request, stream, head) =>
    sockets.handleUpgrade(request, stream, head, (web) =>
      web.on('message', (data) => {
        heard.push(String(data));
        web.send(JSON.stringify({ proof: 'd', nonce: nonce(), mac: nonce() }));
      }),
    ),
  );
  await new Promise<void>((resolve) => http.listen(socket, resolve));
  t.after(() => {
    http.close();
    http.closeAllConnections();
    for (const client of sockets.clients) client.terminate();
  });
  const secret = nonce();
  const entry = {
    schema: 1 as const,
    instance: '2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11',
    pid: process.pid,
    socket,
    secret,
    version: '1',
    versions: [1],
    startedAt: 1,
  };
  await assert.rejects(
    through(entry, 'terminal', () => {}),
    /does not know the secret/,
  );
  assert.equal(heard.length, 1);
  assert.ok(!heard[0]?.includes(secret));
});

function leave(client: Client): Promise<unknown> {
  const gone = new Promise((resolve) => client.onClose(resolve));
  client.close();
  return gone;
}

/** Local addresses on which a process listens, by the inodes of its open sockets. */
function tcpListeners(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      // 0A is LISTEN; a datagram socket takes from anybody unless it is connected, which 01 says.
      .filter((fields) => (table.startsWith('tcp') ? fields[3] === '0A' : fields[3] !== '01') && inodes.has(fields[9] ?? ''))
      .map((fields) => `${table} ${fields[1]}`),
  );
}
