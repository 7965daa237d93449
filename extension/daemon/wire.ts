import { connect as connectSocket } from 'node:net';
import { WebSocket } from 'ws';
import type { Wire } from '../../protocol/client.ts';
import { DOOR, LIMITS } from '../../protocol/door.ts';
import { Fault } from '../../protocol/fault.ts';

const OPEN_WITHIN = 2_000;

/**
 * Opens a WebSocket on a Unix socket or a Windows named pipe.
 * @throws Fault `timed-out` when nobody answers there.
 */
export function openWire(socket: string): Promise<Wire> {
  // The address says that it is a socket, so that the editor's proxy settings keep out of it; the path itself goes
  // past the URL, where spaces and colons of a home folder would be lost.
  const web = new WebSocket(`ws+unix:/portcullis:${DOOR.path}`, [DOOR.subprotocol], {
    headers: { Host: DOOR.host },
    createConnection: () => connectSocket(socket),
    perMessageDeflate: false,
    maxPayload: LIMITS.answer,
    handshakeTimeout: OPEN_WITHIN,
    followRedirects: false,
  });
  return new Promise((resolve, reject) => {
    let why = 'closed';
    web.on('error', (cause) => {
      why = cause.message;
      reject(new Fault('timed-out', 'The daemon does not answer', { cause, retryable: true }));
    });
    web.on('open', () =>
      resolve({
        send: (text) => web.send(text),
        close: () => web.close(),
        onText: (listener) => void web.on('message', (data, isBinary) => (isBinary ? web.close(1_003) : listener(String(data)))),
        onClose: (listener) => void web.on('close', (code, reason) => listener(String(reason) || (code === 1_006 ? why : `code ${code}`))),
      }),
    );
  });
}
