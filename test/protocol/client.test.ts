import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hmac, nonce, same } from '../../daemon/door/secrets.ts';
import { type Client, type ClientParts, connect, proofText, type Wire } from '../../protocol/client.ts';
import { LIMITS } from '../../protocol/door.ts';
import { Fault } from '../../protocol/fault.ts';
import { INSTANCE, STATE } from '../support/daemon-state.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

const SECRET = nonce();

/** A daemon that says what a test wants it to. */
function daemon(options: { secret?: string; reflect?: boolean } = {}) {
  let hear: (text: string) => void = () => {};
  const closes: ((why: string) => void)[] = [];
  const sent: string[] = [];
  const asked: { id: number; method: string; params: unknown }[] = [];
  const clock = new ManualClock();
  let revision = 0;
  const say = (message: unknown) => hear(typeof message === 'string' ? message : JSON.stringify(message));
  const wire: Wire = {
    onText: (listener) => {
      hear = listener;
    },
    onClose: (listener) => void closes.push(listener),
    close: () => {
      for (const listener of closes) listener('closed');
    },
    send: (text) => {
      sent.push(text);
      queueMicrotask(() => answer(text));
    },
  };
  function answer(text: string): void {
    const message = JSON.parse(text) as { proof?: string; nonce: string; mac: string; id: number; method: string; params: unknown };
    if (message.proof === 'c1') {
      const nonceD = nonce();
      const mac = options.reflect ? message.mac : hmac(options.secret ?? SECRET, proofText('d', message.nonce, nonceD));
      say({ proof: 'd', nonce: nonceD, mac });
    }
    if (message.proof) return;
    asked.push(message);
    const snapshot = { seq: revision, state: { ...STATE, inventory: { revision, refreshing: false } } };
    if (message.method === 'hello') say({ jsonrpc: '2.0', id: message.id, result: { version: 1, snapshot } });
    if (message.method === 'snapshot') say({ jsonrpc: '2.0', id: message.id, result: snapshot });
  }
  const at = (seq: number) => {
    revision = seq;
  };
  const parts: ClientParts = {
    wire,
    entry: { instance: INSTANCE, secret: SECRET },
    clock,
    hmac,
    same,
    nonce,
    client: { name: 't', version: '1', kind: 'terminal' },
  };
  const change = (seq: number) => ({
    jsonrpc: '2.0',
    method: 'changed',
    params: { seq, at: 0, change: { type: 'inventory', inventory: { revision: seq, refreshing: false } } },
  });
  return {
    parts,
    clock,
    sent,
    asked,
    say,
    close: (why: string) => closes.map((listener) => listener(why)),
    change,
    at,
  };
}

const refused = (error: unknown) => error instanceof Fault && error.code === 'protocol-violation';

test('tells nothing but a proof to a daemon that does not know the secret', async () => {
  for (const options of [{ secret: nonce() }, { reflect: true }]) {
    const other = daemon(options);
    await assert.rejects(connect(other.parts), refused);
    assert.equal(other.sent.length, 1);
    assert.ok(!other.sent[0]?.includes(SECRET));
  }
});

test('gives up on a daemon that says nothing', async () => {
  const silent = daemon();
  silent.parts.wire.send = () => {};
  const connecting = assert.rejects(connect(silent.parts), (error) => error instanceof Fault && error.code === 'timed-out');
  await silent.clock.advance(LIMITS.proofWithin);
  await connecting;
});

test('follows changes in order, ignores old ones, and asks for a snapshot after a gap', async () => {
  const fake = daemon();
  const client: Client = await connect(fake.parts);
  const seen: (number | undefined)[] = [];
  client.onChange((numbered) => void seen.push(numbered?.seq));
  fake.say(fake.change(1));
  fake.say(fake.change(1));
  fake.say(fake.change(2));
  assert.equal(client.state.inventory.revision, 2);
  fake.at(9);
  fake.say(fake.change(7));
  fake.say(fake.change(10));
  await settle();
  assert.equal(client.state.inventory.revision, 10, 'the snapshot, then what came meanwhile');
  assert.deepEqual(seen.filter((seq) => seq === undefined).length, 1);
  assert.equal(fake.asked.filter(({ method }) => method === 'snapshot').length, 1);
});

test('a call whose answer never comes, has another shape, or is cut off, fails as such', async () => {
  const fake = daemon();
  const client = await connect(fake.parts);
  const late = assert.rejects(client.call('audit.facets', {}), /did not answer audit\.facets/);
  await fake.clock.advance(60_000);
  await late;
  const odd = assert.rejects(client.call('audit.facets', {}), refused);
  await settle();
  fake.say({ jsonrpc: '2.0', id: fake.asked.at(-1)?.id, result: { people: 'nobody' } });
  await odd;
  const cut = assert.rejects(client.call('audit.facets', {}), /closed the connection/);
  await settle();
  fake.close('gone');
  await cut;
  await assert.rejects(client.call('audit.facets', {}), /Not connected/);
  assert.equal(fake.clock.armed, 0);
});

test('what is no message of ours is ignored', async () => {
  const fake = daemon();
  const client = await connect(fake.parts);
  for (const text of [
    '',
    'x',
    '[]',
    'null',
    '{"jsonrpc":"2.0","method":"other"}',
    '{"jsonrpc":"2.0","id":999,"result":1}',
    '{"method":"changed","params":{"seq":"1"}}',
  ])
    fake.say(text);
  assert.equal(client.state.inventory.revision, 0);
});
