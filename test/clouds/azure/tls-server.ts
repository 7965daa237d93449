import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Dropped, type Incoming, Query, type Reply } from './exchange.ts';

const LARGEST_BODY = 4 * 1024 * 1024;

export interface Listening {
  port: number;
  close(): Promise<void>;
}

/** One HTTPS server on localhost. `answer` never throws for what a client did. */
export async function listen(
  keys: Pick<ServerOptions, 'key' | 'cert'>,
  port: number,
  answer: (incoming: Incoming) => Promise<Reply | Dropped>,
): Promise<Listening> {
  const server = createServer(keys, (request, response) => {
    respond(request, response, answer).catch(() => response.destroy());
  });
  // A client's keep-alive connection would hold the process open after close.
  server.keepAliveTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, 'localhost', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (incoming: Incoming) => Promise<Reply | Dropped>,
): Promise<void> {
  const text = await read(request);
  // Two slashes in front, which a client sends for the tenant's root scope, would read as a host name.
  const url = new URL((request.url ?? '/').replace(/^\/+/, '/'), 'https://localhost');
  const path = decodeURIComponent(url.pathname)
    .replace(/\/+/g, '/')
    .replace(/(.)\/$/, '$1');
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  const reply = await answer({
    method: request.method ?? 'GET',
    path,
    url: request.url ?? '/',
    query: new Query(url.searchParams),
    headers,
    text,
  });
  if (reply === 'dropped') {
    response.destroy();
    return;
  }
  const id = randomUUID();
  response.writeHead(reply.status, {
    'cache-control': 'no-cache',
    'x-ms-request-id': id,
    'x-ms-correlation-request-id': id,
    ...(reply.body !== undefined && { 'content-type': 'application/json; charset=utf-8' }),
    ...reply.headers,
  });
  response.end(reply.body === undefined ? undefined : JSON.stringify(reply.body));
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw new Error('The body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
