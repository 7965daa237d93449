import type { DoorWire } from '../../../daemon/door/wire.ts';
import type { Wire } from '../../../protocol/client.ts';

/** Two ends in one process: what one side sends, the other hears in the next job. */
export function wirePair(): { client: Wire; door: DoorWire; closed: () => string | undefined } {
  let toDoor: (text: string) => void = () => {};
  let toClient: (text: string) => void = () => {};
  const onClose: ((why: string) => void)[] = [];
  let closed: string | undefined;
  const waiting: string[] = [];
  let paused = false;
  const end = (why: string) => {
    if (closed !== undefined) return;
    closed = why;
    for (const listener of onClose) queueMicrotask(() => listener(why));
  };
  const deliver = () => {
    while (!paused && waiting.length > 0 && closed === undefined) toDoor(waiting.shift() ?? '');
  };
  return {
    closed: () => closed,
    client: {
      send: (text) => {
        waiting.push(text);
        queueMicrotask(deliver);
      },
      close: () => end('client closed'),
      onText: (listener) => {
        toClient = listener;
      },
      onClose: (listener) => void onClose.push(listener),
    },
    door: {
      send: (text, flushed) =>
        queueMicrotask(() => {
          if (closed === undefined) toClient(text);
          flushed();
        }),
      close: (code, why) => end(`${code} ${why}`),
      cut: () => end('cut'),
      buffered: () => 0,
      pause: () => {
        paused = true;
      },
      resume: () => {
        paused = false;
        queueMicrotask(deliver);
      },
      onText: (listener) => {
        toDoor = listener;
      },
      onClose: (listener) => void onClose.push(listener),
    },
  };
}
