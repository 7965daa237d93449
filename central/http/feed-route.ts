import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { FEED_HEARTBEAT, FEED_PATH } from '../../protocol/central-api.ts';
import type { Clock } from '../../protocol/clock.ts';
import { no } from '../../protocol/refusal.ts';
import type { Actor } from '../people/actor.ts';
import { Feed } from '../record/feed.ts';
import type { Store } from '../store/store.ts';
import type { Views } from '../views.ts';
import { answer, authenticate, type ServerParts } from './server.ts';

/** One person listens from so many places at once. */
const FEEDS_EACH = 10;

interface Listener {
  person: string;
  feed: Feed;
  beat(): void;
  end(): void;
}

/** `GET /v1/feed?after=SEQ`: server-sent events until the token ends. */
export function addFeed(
  server: FastifyInstance,
  parts: ServerParts,
  { store, views, clock }: { store: Store; views: Views; clock: Clock },
): void {
  const listeners = new Set<Listener>();
  let cancelBeat = () => {};
  const beat = () => {
    for (const listener of listeners) listener.beat();
    cancelBeat = listeners.size > 0 ? clock.after(FEED_HEARTBEAT, beat) : () => {};
  };
  server.addHook('preClose', async () => {
    cancelBeat();
    for (const listener of listeners) listener.end();
  });

  server.get(FEED_PATH, async (request, reply) => {
    const signedIn = await authenticate(parts, request);
    if (!signedIn.ok) return answer(reply, signedIn);
    const { actor, token } = signedIn.value;
    // A browser's reconnect says where it was in a header; a daemon says it in the query.
    const from = (request.query as { after?: string }).after ?? request.headers['last-event-id'] ?? '0';
    if (typeof from !== 'string' || !/^\d{1,15}$/.test(from))
      return answer(reply, no('bad-input', 'after: is not a sequence number', { field: 'after' }));
    if ([...listeners].filter(({ person }) => person === actor.person.id).length >= FEEDS_EACH) {
      return answer(reply, no('rate-limited', 'Too many feeds are open', { wayOut: 'Close one' }));
    }
    reply.hijack();
    const { raw } = reply;
    // Gone while the token was verified: there would be no `close` to hear.
    if (raw.destroyed) return reply;
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    raw.write(':\n\n');
    const now = (): Actor => parts.directory.find(actor.person.id) ?? actor;
    const feed = new Feed({ store, views }, now, Number(from), {
      async write(seq, item) {
        if (raw.destroyed || raw.writableEnded) return feed.close();
        if (!raw.write(`id: ${seq}\ndata: ${JSON.stringify(item)}\n\n`)) await drained(raw);
      },
      failed: (error) => failed(error, 'a feed cannot be read'),
    });
    const failed = (error: unknown, what: string) => {
      parts.trouble(error, what);
      feed.close();
      raw.destroy();
    };
    const listener: Listener = {
      person: actor.person.id,
      feed,
      beat: () => (clock.now() >= token.expiresAt ? listener.end() : void raw.write(':\n\n')),
      end() {
        feed.close();
        // Asked a second time: the other side takes nothing more, not even the end.
        if (raw.writableEnded) raw.destroy();
        else raw.end();
      },
    };
    raw.on('error', (error) => failed(error, 'a feed broke'));
    raw.once('close', () => {
      feed.close();
      listeners.delete(listener);
    });
    listeners.add(listener);
    if (listeners.size === 1) cancelBeat = clock.after(FEED_HEARTBEAT, beat);
    feed.wake();
    return reply;
  });
}

/** There is room again, or the other side went away. */
function drained(raw: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      raw.off('drain', done).off('close', done);
      resolve();
    };
    raw.on('drain', done).on('close', done);
  });
}
