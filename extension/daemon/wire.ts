import { connect as connectSocket } from 'node:net';
import { WebSocket } from 'ws';
import type { Wire } from '../../protocol/client.ts';
import type { Cancel, Clock } from '../../protocol/clock.ts';
import { DOOR, LIMITS } from '../../protocol/door.ts';
import { Fault } from '../../protocol/fault.ts';

const OPEN_WITHIN = 2_000;
const CLOSE_WITHIN = 500;
/** The daemon pings; one that stays silent this long is stuck, whatever its socket says. */
const SILENT_AT_MOST = 2.5 * LIMITS.pingEvery;

/**
 * Opens a WebSocket on a Unix socket or a Windows named pipe.
 * @throws Fault `timed-out` when nobody answers there.
 */
export function openWire(socket: string, clock: Clock): Promise<Wire> {
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
  let why = 'closed';
  let cancelWatch: Cancel = () => {};
  const watch = () => {
    cancelWatch();
    cancelWatch = clock.after(SILENT_AT_MOST, () => {
      why = 'the daemon is silent';
      web.terminate();
    });
  };
  web.on('open', watch).on('ping', watch).on('message', watch);
  web.on('close', () => cancelWatch());
  return new Promise((resolve, reject) => {
    web.on('error', (cause) => {
      why = cause.message;
      reject(new Fault('timed-out', 'The daemon does not answer', { cause, retryable: true }));
    });
    web.on('open', () =>
      resolve({
        send: (text) => web.send(text),
        close: () => {
          web.close();
          cancelWatch();
          // A daemon that is stuck does not answer the goodbye either.
          cancelWatch = clock.after(CLOSE_WITHIN, () => web.terminate());
        },
        onText: (listener) => void web.on('message', (data, isBinary) => (isBinary ? web.close(1_003) : listener(String(data)))),
        onClose: (listener) => void web.on('close', (code, reason) => listener(String(reason) || (code === 1_006 ? why : `code ${code}`))),
      }),
    );
  });
}
