import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { freePort } from '../../scripts/host/port.ts';
import { answer } from '../contestant.ts';
import { withPeer } from '../peers/process.ts';
import { inScratch } from '../scratch.ts';
import { instants, type Lateness, type Plan } from './plan.ts';

interface Settings extends Plan {
  file: string;
  hz: number;
  effort: number;
  /** How long to set the keys may take, in ms. */
  allowance: number;
}

const AT_ONCE = 1_000;
/** How long after the window to wait for what has not been seen. */
const PATIENCE = 30_000;

const command = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

/** Keys with an absolute instant of expiry, each write on disk; late is the event that says that the key has expired. */
await answer(
  ({ file, hz, effort, allowance, ...plan }: Settings): Promise<Lateness> =>
    inScratch(async (dir) => {
      const port = await freePort();
      const durable = ['--dir', dir, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always'];
      const options = ['--bind', '127.0.0.1', '--hz', `${hz}`, '--active-expire-effort', `${effort}`, '--notify-keyspace-events', 'Ex'];
      return withPeer(
        file,
        ['--port', `${port}`, ...durable, ...options],
        () => answers(port),
        () => expire(port, plan, allowance),
      );
    }),
);

async function expire(port: number, plan: Plan, allowance: number): Promise<Lateness> {
  const from = Date.now() + allowance;
  const due = instants(plan, from);
  const late: number[] = [];
  const events = await open(port);
  let rest = '';
  const all = new Promise<void>((resolve) => {
    events.on('data', (text: string) => {
      const now = Date.now();
      const lines = (rest + text).split('\r\n');
      rest = lines.pop() ?? '';
      // Of a message only its last line is a key of ours.
      for (const line of lines) {
        const at = /^k(\d+)$/.exec(line)?.[1];
        if (at !== undefined && late.push(now - (due[Number(at)] as number)) === plan.count) resolve();
      }
    });
  });
  events.write(command('SUBSCRIBE', '__keyevent@0__:expired'));
  const keys = await open(port);
  for (let start = 0; start < due.length; start += AT_ONCE) {
    const batch = due.slice(start, start + AT_ONCE);
    keys.write(batch.map((at, n) => command('SET', `k${start + n}`, 'held', 'PXAT', `${at}`)).join(''));
    await replies(keys, batch.length);
  }
  if (Date.now() > from) throw new Error('Setting the keys took longer than was allowed for');
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    all,
    new Promise((resolve) => {
      timer = setTimeout(resolve, from + plan.window + PATIENCE - Date.now());
    }),
  ]);
  clearTimeout(timer);
  for (const socket of [events, keys]) socket.destroy();
  return { late, missing: plan.count - late.length };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  await once(socket, 'connect');
  return socket;
}

async function replies(socket: Socket, count: number): Promise<void> {
  let seen = 0;
  while (seen < count) {
    const [text] = (await once(socket, 'data')) as [string];
    if (text.startsWith('-')) throw new Error(`Redis says ${text.split('\r\n', 1)[0]}`);
    seen += text.split('\n').length - 1;
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = await open(port);
  try {
    socket.write(command('PING'));
    await replies(socket, 1);
    return true;
  } finally {
    socket.destroy();
  }
}
