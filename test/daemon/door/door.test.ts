import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { openWire } from '../../../daemon/cli/wire.ts';
import { hmac, nonce, same } from '../../../daemon/door/secrets.ts';
import { listen } from '../../../daemon/door/server.ts';
import { connect, proofText } from '../../../protocol/client.ts';
import { DOOR, LIMITS } from '../../../protocol/door.ts';
import { requestOf, UPGRADE } from '../../faults/door/raw-connection.ts';
import { settle } from '../../support/manual-clock.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { type Stage, startStage } from '../support/stage.ts';

const SECRET = nonce();

interface OpenDoor extends Stage {
  socket: string;
  instance: string;
}

async function openDoor(t: TestContext): Promise<OpenDoor> {
  const stage = await startStage(t, { secret: SECRET });
  const socket = path.join(scratch(t), 'door.sock');
  const server = await listen(
    socket,
    stage.clock,
    (wire) => stage.daemon.accept(wire),
    (mask) => process.umask(mask),
  );
  t.after(() => server.close());
  return Object.assign(stage, { socket, instance: stage.daemon.live.now.daemon.instance });
}

interface Raw {
  socket: WebSocket;
  said: string[];
  closed: Promise<number>;
}

function raw(door: OpenDoor, headers: Record<string, string> = {}, url: string = DOOR.path, protocols: string[] = [DOOR.subprotocol]): Raw {
  const socket = new WebSocket(`ws://${DOOR.host}${url}`, protocols, {
    createConnection: () => net.connect(door.socket),
    headers,
    perMessageDeflate: false,
  });
  const said: string[] = [];
  socket.on('message', (data) => void said.push(String(data)));
  socket.on('error', () => {});
  return { socket, said, closed: once(socket, 'close').then(([code]) => Number(code)) };
}

/** The status that the upgrade was answered with; 101 when it was let in. */
function upgrade(door: OpenDoor, lines: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(door.socket, () => socket.write(requestOf(lines)));
    socket.once('data', (data) => {
      resolve(Number(String(data).split(' ')[1]));
      socket.destroy();
    });
    socket.once('close', () => resolve(0));
    socket.once('error', reject);
  });
}

const replaced = (name: string, line: string) => UPGRADE.map((own) => (own.startsWith(name) ? line : own)).filter(Boolean);

const firstProof = (door: OpenDoor, secret = SECRET, nonceC = nonce()) => ({
  proof: 'c1',
  instance: door.instance,
  nonce: nonceC,
  mac: hmac(secret, proofText('c1', door.instance, nonceC)),
});

async function proven(door: OpenDoor): Promise<Raw> {
  const client = raw(door);
  await once(client.socket, 'open');
  const first = firstProof(door);
  client.socket.send(JSON.stringify(first));
  const answer = JSON.parse(await until('the proof of the daemon', () => client.said[0])) as { nonce: string; mac: string };
  assert.ok(same(answer.mac, hmac(SECRET, proofText('d', first.nonce, answer.nonce))));
  client.socket.send(JSON.stringify({ proof: 'c2', mac: hmac(SECRET, proofText('c2', answer.nonce, first.nonce)) }));
  return client;
}

async function greeted(door: OpenDoor): Promise<Raw> {
  const client = await proven(door);
  client.socket.send(
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'hello',
      params: { versions: [1], client: { name: 't', version: '1', kind: 'terminal' } },
    }),
  );
  await until('the answer to hello', () => client.said[1]);
  return client;
}

test('the real client comes through the real door', async (t) => {
  const door = await openDoor(t);
  const wire = await openWire(door.socket, door.clock);
  assert.ok(wire);
  const client = await connect({
    wire,
    entry: { instance: door.instance, secret: SECRET },
    clock: door.clock,
    hmac,
    same,
    nonce,
    client: { name: 't', version: '1', kind: 'terminal' },
  });
  assert.equal(client.state.daemon.instance, door.instance);
  client.close();
});

test('the upgrade is exact: every other host, path, subprotocol, origin and fetch header is refused', async (t) => {
  const door = await openDoor(t);
  assert.equal(await upgrade(door, UPGRADE), 101);
  const refused: [string, readonly string[]][] = [
    ['an origin', [...UPGRADE, 'Origin: http://evil.test']],
    ['an empty origin', [...UPGRADE, 'Origin: null']],
    ['a fetch header', [...UPGRADE, 'Sec-Fetch-Mode: websocket']],
    ['a rebound host', replaced('Host', 'Host: rebind.evil.test')],
    ['a loopback host', replaced('Host', 'Host: 127.0.0.1')],
    ['another case of the host', replaced('Host', 'Host: Portcullis')],
    ['another path', replaced('GET', 'GET /other HTTP/1.1')],
    ['a query', replaced('GET', `GET ${DOOR.path}?x=1 HTTP/1.1`)],
    ['another subprotocol', replaced('Sec-WebSocket-Protocol', 'Sec-WebSocket-Protocol: other')],
    ['two subprotocols', replaced('Sec-WebSocket-Protocol', `Sec-WebSocket-Protocol: ${DOOR.subprotocol}, other`)],
    ['no subprotocol', replaced('Sec-WebSocket-Protocol', '')],
    ['a POST', replaced('GET', `POST ${DOOR.path} HTTP/1.1`)],
  ];
  for (const [what, lines] of refused) assert.equal(await upgrade(door, lines), 403, what);
  assert.notEqual(await upgrade(door, [...UPGRADE, `Host: ${DOOR.host}`]), 101, 'two hosts');
  assert.notEqual(await upgrade(door, replaced('Host', '')), 101, 'no host');
  assert.equal(await upgrade(door, [`GET ${DOOR.path} HTTP/1.1`, `Host: ${DOOR.host}`]), 426, 'no upgrade');
});

test('the daemon says nothing to who cannot prove the secret', async (t) => {
  const door = await openDoor(t);
  const wrong: [string, unknown][] = [
    ['another secret', firstProof(door, nonce())],
    ['another instance', { ...firstProof(door), instance: '00000000-0000-4000-8000-000000000000' }],
    ['the label of the daemon', { ...firstProof(door), mac: hmac(SECRET, proofText('d', door.instance, nonce())) }],
    ['an unknown key', { ...firstProof(door), extra: 1 }],
    ['a call', { jsonrpc: '2.0', id: 1, method: 'snapshot', params: {} }],
    ['garbage', 'garbage'],
    ['a mac in capitals', { ...firstProof(door), mac: firstProof(door).mac.toUpperCase() }],
  ];
  for (const [what, message] of wrong) {
    const client = raw(door);
    await once(client.socket, 'open');
    client.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    assert.equal(await client.closed, 1008, what);
    assert.deepEqual(client.said, [], what);
  }
});

test('a proof that was seen once is worth nothing again', async (t) => {
  const door = await openDoor(t);
  const first = firstProof(door);
  for (const round of [1, 2]) {
    const client = raw(door);
    await once(client.socket, 'open');
    client.socket.send(JSON.stringify(first));
    if (round === 1) {
      await until('an answer', () => client.said[0]);
      // The daemon's own proof, sent back, is not the client's.
      client.socket.send(JSON.stringify({ proof: 'c2', mac: (JSON.parse(client.said[0] ?? '') as { mac: string }).mac }));
    }
    assert.equal(await client.closed, 1008);
    assert.equal(client.said.length, round === 1 ? 1 : 0);
  }
});

test('who says nothing is out after two seconds, before and after the proof', async (t) => {
  const door = await openDoor(t);
  const silent = raw(door);
  await once(silent.socket, 'open');
  const half = await proven(door);
  await settle();
  await door.clock.advance(LIMITS.proofWithin);
  assert.equal(await silent.closed, 1008);
  assert.equal(await half.closed, 1008);
});

test('hello comes first, and with a common version', async (t) => {
  const door = await openDoor(t);
  const rude = await proven(door);
  rude.socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'snapshot', params: {} }));
  assert.equal(await rude.closed, 1008);
  assert.equal(rude.said.length, 1);
  const old = await proven(door);
  old.socket.send(
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'hello',
      params: { versions: [0], client: { name: 't', version: '1', kind: 'terminal' } },
    }),
  );
  assert.equal(await old.closed, 1008);
  assert.match(old.said[1] ?? '', /Update both/);
});

test('unknown methods, keys and wrong values are refused by name; anything but a request ends the connection', async (t) => {
  const door = await openDoor(t);
  const client = await greeted(door);
  let id = 1;
  const ask = async (method: string, params: unknown) => {
    id += 1;
    client.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    const text = await until(`the answer to ${method}`, () => client.said.find((said) => said.startsWith(`{"jsonrpc":"2.0","id":${id},`)));
    return JSON.parse(text) as {
      error?: { code: number; message: string };
      result?: { ok: boolean; refusal: { code: string; field: string } };
    };
  };
  assert.equal((await ask('shell', { command: 'id' })).error?.code, -32_601);
  assert.equal((await ask('__proto__', {})).error?.code, -32_601);
  assert.equal((await ask('hello', {})).error?.code, -32_601);
  const extra = await ask('revoke', { grantId: '00000000-0000-4000-8000-000000000000', force: true });
  assert.deepEqual([extra.result?.refusal.code, extra.result?.refusal.field], ['bad-input', 'force']);
  const fraction = await ask('preview', { resourceId: 'azure:/x', roleId: 'r', authority: 'pim', duration: 1.5 });
  assert.deepEqual([fraction.result?.refusal.code, fraction.result?.refusal.field], ['bad-input', 'duration']);
  for (const duration of [0, -1, null]) {
    const answer = await ask('preview', { resourceId: 'azure:/x', roleId: 'r', authority: 'pim', duration });
    assert.equal(answer.result?.refusal.field, 'duration', String(duration));
  }
  assert.match((await ask('audit.query', { filter: {}, offset: 0, limit: 100_000 })).error?.message ?? '', /^limit: /);
  client.socket.send('{"jsonrpc":"2.0","id":99,"method":"snapshot","params":{},"more":1}');
  assert.equal(await client.closed, 1008);
});

test('a message above the limit ends the connection, one at the limit does not', async (t) => {
  const door = await openDoor(t);
  const fits = await greeted(door);
  const text = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'inventory.find', params: { text: '', limit: 1 } });
  fits.socket.send(text.padEnd(LIMITS.message, ' '));
  await until('an answer', () => fits.said.find((said) => said.includes('"id":7')));
  fits.socket.send(text.padEnd(LIMITS.message + 1, ' '));
  assert.equal(await fits.closed, 1009);
});

test('a flood is slowed to its pace and loses nothing; one that never stops is cut off', async (t) => {
  const door = await openDoor(t);
  const client = await greeted(door);
  // As an editor does that opens a tree with many branches.
  for (let id = 1_000; id < 1_600; id++) client.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'audit.facets', params: {} }));
  const answered = () => client.said.filter((said) => /"id":1\d\d\d,/.test(said)).length;
  await until('the burst', () => answered() >= 2 * LIMITS.messagesPerSecond - 1);
  await settle();
  assert.ok(answered() <= 2 * LIMITS.messagesPerSecond);
  await until('all of them', async () => {
    await door.clock.advance(1_000);
    return answered() === 600;
  });

  for (let at = 0; at < 20_000; at++) client.socket.send('{"jsonrpc":"2.0","id":1,"method":"snapshot"}');
  let code: number | undefined;
  client.closed.then((closed) => {
    code = closed;
  });
  await until('the end', async () => {
    await door.clock.advance(1_000);
    return code !== undefined;
  });
  assert.equal(code, 1008);
});

test('a reader that is slow gets a fresh snapshot later; one that never reads is cut off; memory stays bounded', async (t) => {
  const door = await openDoor(t);
  const wire = await openWire(door.socket, door.clock);
  assert.ok(wire);
  const good = await connect({
    wire,
    entry: { instance: door.instance, secret: SECRET },
    clock: door.clock,
    hmac,
    same,
    nonce,
    client: { name: 't', version: '1', kind: 'terminal' },
  });
  const stuck = await greeted(door);
  (stuck.socket as unknown as { _socket: net.Socket })._socket.pause();
  const problem = 'x'.repeat(2_000);
  for (let change = 0; change < 5_000; change++) {
    door.daemon.live.apply({ type: 'inventory', inventory: { revision: change, refreshing: false, problem } });
    if (change % 100 === 0) await settle();
  }
  await until('the good reader', () => good.state.inventory.revision === 4_999);
  await door.clock.advance(11_000);
  (stuck.socket as unknown as { _socket: net.Socket })._socket.resume();
  assert.equal(await stuck.closed, 1006);
  assert.equal(good.state.inventory.revision, 4_999, 'others do not wait for it');
  good.close();
});

test('garbage never ends the daemon', async (t) => {
  const door = await openDoor(t);
  for (let round = 0; round < 200; round++) {
    const socket = net.connect(door.socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    if (round % 2 === 0) socket.write(requestOf(UPGRADE));
    socket.write(Buffer.from(Array.from({ length: 200 }, (_, at) => (at * 7 + round * 13) % 256)));
    socket.end();
    await Promise.race([once(socket, 'close'), new Promise((resolve) => setImmediate(resolve))]);
    socket.destroy();
  }
  const client = await greeted(door);
  assert.match(client.said[1] ?? '', /snapshot/);
  client.socket.terminate();
});

test('at most so many connections are taken at once', async (t) => {
  const door = await openDoor(t);
  const sockets = Array.from({ length: LIMITS.connections + 5 }, () => net.connect(door.socket));
  const open = new Set(sockets);
  for (const socket of sockets) socket.on('error', () => {}).on('close', () => open.delete(socket));
  await until('the surplus to be dropped', () => open.size === LIMITS.connections);
  for (const socket of sockets) socket.destroy();
});

test('a client that does not answer a ping is given up', async (t) => {
  const door = await openDoor(t);
  const client = await greeted(door);
  (client.socket as unknown as { _socket: net.Socket })._socket.pause();
  await door.clock.advance(LIMITS.pingEvery);
  await door.clock.advance(LIMITS.pingEvery);
  (client.socket as unknown as { _socket: net.Socket })._socket.resume();
  assert.equal(await client.closed, 1006);
});

test('the socket is for its owner alone', { skip: process.geteuid?.() !== 0 && 'needs root to become another user' }, async (t) => {
  const door = await openDoor(t);
  assert.equal(statSync(door.socket).mode & 0o777, 0o600);
  // Even with the folder wide open the socket itself refuses.
  chmodSync(path.dirname(door.socket), 0o755);
  assert.equal(await connectAs(65_534, door.socket), 'EACCES');
  chmodSync(door.socket, 0o666);
  assert.equal(await connectAs(65_534, door.socket), 'in', 'this test can tell the difference');
  chmodSync(path.dirname(door.socket), 0o700);
  assert.equal(await connectAs(65_534, door.socket), 'EACCES', 'and the private folder alone would do');
});

/** Connects as another user, in a process of its own: started as root, because that user may not see this Node. */
async function connectAs(uid: number, socket: string): Promise<string> {
  const script = `process.setgid(${uid}); process.setuid(${uid}); require('node:net').connect(${JSON.stringify(socket)})
    .on('connect', function () { console.log('in'); this.destroy(); }).on('error', (error) => console.log(error.code))`;
  const other = spawn(process.execPath, ['-e', script], { cwd: '/', env: {} });
  let out = '';
  other.stdout.on('data', (data) => {
    out += String(data);
  });
  await once(other, 'close');
  return out.trim();
}

test('a path that a socket cannot have is refused plainly', async (t) => {
  const door = await openDoor(t);
  const long = path.join(scratch(t), 'x'.repeat(100));
  await assert.rejects(
    listen(
      long,
      door.clock,
      () => {},
      (mask) => process.umask(mask),
    ),
    /longer than 100 bytes/,
  );
});
