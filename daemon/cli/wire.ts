import { connect } from 'node:net';
import { WebSocket } from 'ws';
import type { Wire } from '../../protocol/client.ts';
import type { Clock } from '../../protocol/clock.ts';
import { DOOR, LIMITS } from '../../protocol/door.ts';
import { Fault } from '../../protocol/fault.ts';

const OPENS_WITHIN = 5_000;
const CLOSES_WITHIN = 1_000;

/**
 * A WebSocket over the Unix socket (or Windows pipe) of the entry file; undefined when nobody listens there.
 * @throws Fault `timed-out` when somebody does, and the door does not open.
 */
export function openWire(socketPath: string, clock: Clock): Promise<Wire | undefined> {
  const socket = new WebSocket(`ws://${DOOR.host}${DOOR.path}`, [DOOR.subprotocol], {
    createConnection: () => connect(socketPath),
    perMessageDeflate: false,
    maxPayload: LIMITS.answer,
    followRedirects: false,
  });
  return new Promise((resolve, reject) => {
    const fail = (cause?: Error & { code?: string }) => {
      cancel();
      if (cause?.code === 'ECONNREFUSED' || cause?.code === 'ENOENT') return resolve(undefined);
      reject(new Fault('timed-out', 'The Portcullis daemon does not open its door', { cause, retryable: true }));
    };
    const cancel = clock.after(OPENS_WITHIN, () => {
      fail();
      socket.terminate();
    });
    socket.on('error', fail);
    socket.on('open', () => {
      cancel();
      resolve({
        send: (text) => socket.send(text),
        close: () => {
          socket.close();
          // A daemon that hangs must not keep the command line from ending.
          socket.once(
            'close',
            clock.after(CLOSES_WITHIN, () => socket.terminate()),
          );
        },
        onText: (listener) => void socket.on('message', (data, isBinary) => (isBinary ? socket.close() : listener(data.toString()))),
        onClose: (listener) => void socket.on('close', (code, why) => listener(why.toString() || `closed with ${code}`)),
      });
    });
  });
}
