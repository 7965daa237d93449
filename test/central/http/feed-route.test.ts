import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import fastify from 'fastify';
import { addFeed } from '../../../central/http/feed-route.ts';
import type { ServerParts } from '../../../central/http/server.ts';
import type { Store } from '../../../central/store/store.ts';
import type { Views } from '../../../central/views.ts';
import { FEED_HEARTBEAT, FEED_PATH } from '../../../protocol/central-api.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

/** The real route over real HTTP, with a record as large as the test wants it. */
async function open(t: TestContext, { events, size }: { events: number; size: number }) {
  const clock = new ManualClock();
  const troubles: string[] = [];
  const listeners = new Set<() => void>();
  const raws: ServerResponse[] = [];
  const read: number[] = [];
  let broken = false;
  const store = {
    onAppended(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async events(after: number, limit: number) {
      if (broken) throw new Error('disk gone');
      return Array.from({ length: Math.min(limit, events - after) }, (_, index) => ({ seq: after + 1 + index }));
    },
  };
  const views = {
    seesAll: () => true,
    async item(_actor: unknown, event: { seq: number }) {
      read.push(event.seq);
      return { event, text: 'x'.repeat(size) };
    },
  };
  const actor = { person: { id: 'alice' } };
  const parts = {
    verifier: { verify: async () => ({ ok: true, value: { expiresAt: clock.now() + MINUTE } }) },
    directory: { actor: () => actor, find: () => actor },
    trouble: (error: unknown, what: string) => void troubles.push(`${what}: ${(error as Error).message}`),
  };
  const server = fastify({ forceCloseConnections: true });
  server.addHook('onRequest', async (_request, reply) => void raws.push(reply.raw));
  addFeed(server, parts as never as ServerParts, { store: store as never as Store, views: views as never as Views, clock });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const asked: ClientRequest[] = [];
  t.after(async () => {
    for (const request of asked) request.destroy();
    await server.close();
  });
  async function listen(): Promise<IncomingMessage> {
    const request = get({ host: '127.0.0.1', port, path: FEED_PATH, agent: false });
    asked.push(request);
    request.on('error', () => {});
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    return response;
  }
  const append = () => {
    for (const listener of [...listeners]) listener();
  };
  const breakStore = () => {
    broken = true;
  };
  return { clock, troubles, listeners, raws, read, listen, append, breakStore };
}

test('after its end a feed writes nothing more, also to somebody who stopped reading; then it is cut', async (t) => {
  const { clock, troubles, listeners, raws, read, listen, append } = await open(t, { events: 1_000, size: 1 << 20 });
  const response = await listen();
  assert.ok(response.socket instanceof Socket);
  response.pause();
  const [raw] = raws;
  await until('it waits for room', () => raw?.writableNeedDrain);
  clock.suspend(2 * MINUTE);
  await clock.advance(FEED_HEARTBEAT);
  await until('the token is over', () => raw?.writableEnded);
  assert.equal(listeners.size, 0);
  const sofar = read.length;
  append();
  await clock.advance(FEED_HEARTBEAT);
  await until('it is cut', () => raw?.destroyed);
  assert.ok(read.length <= sofar + 1);
  assert.deepEqual(troubles, []);
});

test('an error of the stream is heard, and ends this feed alone', async (t) => {
  const { troubles, listeners, raws, listen } = await open(t, { events: 1, size: 10 });
  await listen();
  await listen();
  assert.equal(listeners.size, 2);
  raws[0]?.end();
  raws[0]?.write('after the end');
  await until('its end', () => listeners.size === 1);
  await until('the log', () => troubles.length > 0);
  assert.deepEqual(troubles, ['a feed broke: write after end']);
  assert.equal(raws[1]?.destroyed, false);
});

test('a record that cannot be read closes the feed, and says why in the log', async (t) => {
  const { troubles, listeners, raws, read, listen, append, breakStore } = await open(t, { events: 1, size: 10 });
  await listen();
  await until('the first event', () => read.length === 1);
  breakStore();
  append();
  await until('its end', () => raws[0]?.destroyed);
  assert.deepEqual([troubles, listeners.size], [['a feed cannot be read: disk gone'], 0]);
});

test('many may come and go: none is left behind', async (t) => {
  const { listeners, raws, listen } = await open(t, { events: 1, size: 10 });
  for (let each = 0; each < 12; each++) {
    const response = await listen();
    response.destroy();
    await until('it is closed', () => raws.at(-1)?.closed);
  }
  assert.equal(listeners.size, 0);
});
