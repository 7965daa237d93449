import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { WebSocketServer } from 'ws';
import { openLoopback } from '../../../daemon/sign-in/loopback.ts';
import { DOOR } from '../../../protocol/door.ts';
import { ensureBrowser } from '../../../scripts/browser.ts';
import { type After, clock, makeLonelyHome, startDaemonOf } from './real-daemon.ts';

/** What a page saw of an address: `open` and what was said for a socket, the status and text of a fetch, or why not. */
interface Seen {
  address: string;
  outcome: string;
}

/** Runs in the page. */
async function tryAll(addresses: string[]): Promise<Seen[]> {
  const socket = (address: string) =>
    new Promise<string>((resolve) => {
      const web = new WebSocket(address, 'portcullis.v1');
      web.onopen = () => web.send('{"proof":"c1"}');
      web.onmessage = ({ data }) => resolve(`open, and heard ${data}`);
      web.onerror = () => resolve('error');
      web.onclose = ({ code }) => resolve(`closed with ${code}`);
      setTimeout(() => resolve(web.readyState === WebSocket.OPEN ? 'open' : 'nothing'), 3_000);
    });
  const read = async (address: string) => {
    const response = await fetch(address);
    return `read ${response.status} ${(await response.text()).slice(0, 80)}`;
  };
  return Promise.all(
    addresses.map(async (address) => {
      try {
        return { address, outcome: await (/^(ws|wss|ws\+unix|unix):/.test(address) ? socket(address) : read(address)) };
      } catch (error) {
        return { address, outcome: `threw ${error instanceof Error ? error.name : error}` };
      }
    }),
  );
}

async function listening(t: After, server: net.Server, port = 0): Promise<number> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('a page in a real browser cannot talk to the daemon, not even where somebody forwards its socket to TCP', {
  timeout: 120_000,
}, async (t) => {
  const daemon = await startDaemonOf(t, makeLonelyHome(t));
  const { socket } = daemon.entry;
  const heard: string[] = [];
  // What editors do that forward ports of a container: whatever comes goes to the door, byte by byte.
  const forward = net.createServer((from) => {
    const to = net.connect(socket);
    to.on('data', (data) => void heard.push(data.toString('latin1')));
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    from.pipe(to).pipe(from);
  });
  const forwarded = await listening(t, forward);
  const naive = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  naive.on('connection', (web) => web.send('a secret'));
  t.after(() => naive.close());
  await new Promise((resolve) => naive.once('listening', resolve));
  const naivePort = (naive.address() as AddressInfo).port;
  const page = await listening(
    t,
    createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>evil</title>')),
  );
  // A sign-in under way, the only time at which the daemon listens on loopback.
  const signIn = await openLoopback(clock, 'the state of this sign-in');
  t.after(() => signIn.close());
  const callback = new URL(signIn.redirectUri);

  const browser = await chromium.launch({
    executablePath: ensureBrowser(() => {}),
    // The host that the door wants, and a name that a rebinding attack would use, both lead here.
    args: ['--no-sandbox', '--disable-gpu', `--host-resolver-rules=MAP ${DOOR.host} 127.0.0.1, MAP rebind.evil.test 127.0.0.1`],
  });
  t.after(() => browser.close());
  const tab = await (await browser.newContext()).newPage();
  await tab.goto(`http://127.0.0.1:${page}/`);

  const [control] = await tab.evaluate(tryAll, [`ws://127.0.0.1:${naivePort}/`]);
  assert.equal(control?.outcome, 'open, and heard a secret', 'this test can tell the difference');

  const addresses = [
    `ws://127.0.0.1:${forwarded}${DOOR.path}`,
    `ws://localhost:${forwarded}${DOOR.path}`,
    `ws://${DOOR.host}:${forwarded}${DOOR.path}`,
    `ws://rebind.evil.test:${forwarded}${DOOR.path}`,
    `http://127.0.0.1:${forwarded}${DOOR.path}`,
    `http://${DOOR.host}:${forwarded}${DOOR.path}`,
    `ws+unix://${socket}:${DOOR.path}`,
    `unix://${socket}`,
    `file://${socket}`,
    `file://${daemon.places.entryFile}`,
    `file://${daemon.places.logFile}`,
    `${callback.href}?code=stolen&state=guessed`,
    `${callback.href}?error=access_denied`,
  ];
  const seen = await tab.evaluate(tryAll, addresses);
  for (const { address, outcome } of seen) assert.match(outcome, /^(error|threw \w+|closed with \d+)$/, address);
  assert.ok(heard.length > 0, 'the forwarded ones did reach the door');
  for (const answer of heard) assert.match(answer, /^HTTP\/1\.1 (403|426|400) /);

  // From a file that the person opened, other files are strangers too.
  await tab.goto(`file://${process.execPath.replace(/[^/]*$/, '')}`).catch(() => {});
  for (const { address, outcome } of await tab.evaluate(tryAll, [`file://${daemon.places.entryFile}`]))
    assert.match(outcome, /^threw/, address);

  // From port 80 a browser would say exactly the Host that the door wants: its Origin still gives it away.
  const answer = await new Promise<string>((resolve) => {
    const knock = net.connect(socket, () =>
      knock.write(
        `GET ${DOOR.path} HTTP/1.1\r\nHost: ${DOOR.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${DOOR.subprotocol}\r\nOrigin: http://${DOOR.host}\r\n\r\n`,
      ),
    );
    knock.once('data', (data) => resolve(String(data)));
  });
  assert.match(answer, /^HTTP\/1\.1 403 /);

  // The sign-in was not taken by the page: the right answer still ends it.
  const right = await fetch(`${signIn.redirectUri}?code=right&state=${encodeURIComponent('the state of this sign-in')}`);
  assert.equal(right.status, 200);
  assert.equal((await signIn.answer).searchParams.get('code'), 'right');
  (await daemon.client()).close();
});
