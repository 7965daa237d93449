import { Agent, request } from 'undici';
import { freePort } from '../../scripts/host/port.ts';
import { answer } from '../contestant.ts';
import { withPeer } from '../peers/process.ts';
import { inScratch } from '../scratch.ts';
import type { Lateness, Plan } from './plan.ts';

interface Settings extends Plan {
  file: string;
}

const IN_FLIGHT = 64;
/** Keys in one transaction; etcd takes 128. */
const AT_ONCE = 100;
/** Leases that only tell how fast this machine grants them. */
const TRIAL = 1_000;
/** How much slower than in the trial it may become. */
const RESERVE = 2.5;
/** How long after the window to wait for what has not been seen: what is missing then was at least so late. */
const PATIENCE = 60_000;

const HOUR = 3_600_000;

type Call = <T>(path: string, body: unknown) => Promise<T>;

/** A lease with one key for each, by etcd's own HTTP interface; late is the event that says that the key was deleted. */
await answer(
  ({ file, ...plan }: Settings): Promise<Lateness> =>
    inScratch(async (dir) => {
      const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
      const listen = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer];
      const cluster = ['--initial-advertise-peer-urls', peer, '--initial-cluster', `b=${peer}`];
      const dispatcher = new Agent({ connections: IN_FLIGHT + 1, bodyTimeout: 0 });
      const call: Call = async (path, body) => {
        const { statusCode, body: reply } = await request(client + path, { method: 'POST', body: JSON.stringify(body), dispatcher });
        const json = await reply.json();
        if (statusCode !== 200) throw new Error(`etcd says ${JSON.stringify(json)}`);
        return json as never;
      };
      const ready = () => call('/v3/maintenance/status', {}).then(() => true);
      try {
        return await withPeer(file, ['--name', 'b', '--data-dir', dir, ...listen, ...cluster], ready, () =>
          expire(client, call, plan, dispatcher),
        );
      } finally {
        await dispatcher.destroy();
      }
    }),
);

async function expire(client: string, call: Call, plan: Plan, dispatcher: Agent): Promise<Lateness> {
  const due = new Map<string, number>();
  const late: number[] = [];
  const watch = await request(`${client}/v3/watch`, {
    method: 'POST',
    // From `l` up to `m`: the keys that are leased here, and of them only that they were deleted.
    body: JSON.stringify({ create_request: { key: base64('l'), range_end: base64('m'), filters: ['NOPUT'] } }),
    dispatcher,
  });
  const all = (async () => {
    for await (const key of deleted(watch.body)) {
      const at = due.get(key);
      if (at !== undefined && late.push(Date.now() - at) === plan.count) return;
    }
  })();
  const trial = Math.min(TRIAL, plan.count);
  const start = Date.now();
  await grant(call, { count: trial, window: 0 }, start + HOUR, 'trial');
  // The time-to-live leaves room for all of them to be granted.
  const from = Date.now() + 2_000 + ((Date.now() - start) * RESERVE * plan.count) / trial;
  await grant(call, plan, from, 'l', due);
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, from + plan.window + PATIENCE - Date.now());
  });
  await Promise.race([all, patience]);
  clearTimeout(timer);
  all.catch(() => undefined);
  watch.body.on('error', () => undefined).destroy();
  return { late, missing: plan.count - late.length };
}

/** Due is the reply to the grant and the whole seconds of its time-to-live after it: the reading that favours etcd most. */
async function grant(call: Call, { count, window }: Plan, from: number, prefix: string, due = new Map<string, number>()): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const names = Array.from({ length: Math.min(AT_ONCE, count - next) }, () => `${prefix}${next++}`);
      const puts = [];
      for (const name of names) {
        const ttl = Math.ceil((from + Math.random() * window - Date.now()) / 1_000);
        const { ID, TTL } = await call<{ ID: string; TTL: string }>('/v3/lease/grant', { TTL: ttl });
        due.set(name, Date.now() + Number(TTL) * 1_000);
        puts.push({ request_put: { key: base64(name), value: base64('held'), lease: ID } });
      }
      await call('/v3/kv/txn', { success: puts });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  if (Date.now() > from) throw new Error('Granting took longer than the time-to-live allows for');
}

interface Watched {
  result?: { events?: { type?: string; kv: { key: string } }[] };
}

/** The stream is one JSON document per line. */
async function* deleted(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines)
      for (const { type, kv } of (JSON.parse(line) as Watched).result?.events ?? [])
        if (type === 'DELETE') yield Buffer.from(kv.key, 'base64').toString();
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
