import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import type { Cancel, Clock } from '../../protocol/clock.ts';
import { DOOR, LIMITS } from '../../protocol/door.ts';
import { Fault } from '../../protocol/fault.ts';
import type { DoorWire } from './wire.ts';

/** Unix socket paths end at about 104 bytes. */
const LONGEST_PATH = 100;

export interface DoorServer {
  close(): Promise<void>;
}

/**
 * Listens on a Unix socket in a private folder, or on a Windows named pipe (that branch is untested).
 * @param umask Sets the process's mask and gives the old one; undefined on Windows.
 * @throws Fault `not-supported-here` when the path is too long or cannot be listened on.
 */
export async function listen(
  path: string,
  clock: Clock,
  onWire: (wire: DoorWire) => void,
  umask?: (mask: number) => number,
): Promise<DoorServer> {
  if (umask && Buffer.byteLength(path) > LONGEST_PATH)
    throw new Fault('not-supported-here', `The socket path ${path} is longer than ${LONGEST_PATH} bytes`, {
      wayOut: 'Set XDG_RUNTIME_DIR or XDG_STATE_HOME to a shorter folder of your own.',
    });
  const limits = {
    noServer: true,
    perMessageDeflate: false,
    clientTracking: true,
    maxPayload: LIMITS.message,
    maxFragments: 16,
    maxBufferedChunks: 64,
    maxPendingAutoPongs: 8,
    closeTimeout: 1_000,
    handleProtocols: () => DOOR.subprotocol,
  };
  const sockets = new WebSocketServer(limits);
  const server = createServer({ headersTimeout: 2_000, requestTimeout: 2_000, connectionsCheckingInterval: 500, maxHeaderSize: 8_192 });
  server.maxConnections = LIMITS.connections;
  server.on('request', (_request, response) => response.writeHead(426, { connection: 'close' }).end());
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (!expected(request)) {
      // Not left to the other end to close: who never does would keep one of the places.
      socket.once('finish', () => socket.destroy());
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => onWire(wireOf(webSocket, clock)));
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  await bind(server, path, umask);
  return {
    close: () =>
      new Promise((resolve) => {
        for (const client of sockets.clients) client.terminate();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Exactly what our own clients send. A browser cannot: it always adds `Origin`, and cannot choose `Host`. */
function expected(request: IncomingMessage): boolean {
  const { headers } = request;
  const hosts = request.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  return (
    request.method === 'GET' &&
    request.url === DOOR.path &&
    hosts.length === 1 &&
    headers.host === DOOR.host &&
    headers.origin === undefined &&
    !Object.keys(headers).some((name) => name.startsWith('sec-fetch-')) &&
    headers['sec-websocket-protocol'] === DOOR.subprotocol
  );
}

function bind(server: Server, path: string, umask: ((mask: number) => number) | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new Fault('not-supported-here', `The door ${path} cannot be opened`, { cause })));
    // Before listening: a socket that is tightened afterwards is open for a moment.
    const mask = umask?.(0o177);
    try {
      server.listen({ path, backlog: LIMITS.connections }, () => resolve());
    } finally {
      if (mask !== undefined) umask?.(mask);
    }
  });
}

function wireOf(webSocket: WebSocket, clock: Clock): DoorWire {
  let answered = true;
  let cancelPing: Cancel = () => {};
  const ping = () => {
    if (!answered) return webSocket.terminate();
    answered = false;
    webSocket.ping();
    cancelPing = clock.after(LIMITS.pingEvery, ping);
  };
  cancelPing = clock.after(LIMITS.pingEvery, ping);
  webSocket.on('pong', () => {
    answered = true;
  });
  webSocket.on('error', () => webSocket.terminate());
  webSocket.on('close', () => cancelPing());
  return {
    send: (text, flushed) => webSocket.send(text, () => flushed()),
    close: (code, why) => webSocket.close(code, why),
    cut: () => webSocket.terminate(),
    buffered: () => webSocket.bufferedAmount,
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
    onText: (listener) =>
      webSocket.on('message', (data, binary) => (binary ? webSocket.close(1_003, 'Text only') : listener(String(data)))),
    onClose: (listener) => webSocket.on('close', (code, why) => listener(why.length > 0 ? String(why) : `code ${code}`)),
  };
}
