import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Client, connect } from '../../protocol/client.ts';
import { type Clock, SECOND, sleep } from '../../protocol/clock.ts';
import type { EntryFile } from '../../protocol/door.ts';
import { Fault } from '../../protocol/fault.ts';
import { isNewer } from '../../protocol/version.ts';
import type { Started } from '../spawn.ts';
import { openWire } from './wire.ts';

const STARTS_WITHIN = 15 * SECOND;
const STARTS_AGAIN = 4 * SECOND;
const LOOKS_EVERY = 50;

export interface Reach {
  clock: Clock;
  version: string;
  /** The entry file, read and checked; undefined when no daemon runs. */
  readEntry(): EntryFile | undefined;
  /** Starts a daemon and returns at once. */
  start(): Promise<Started>;
  /** Told when something takes long. */
  progress(text: string): void;
}

/**
 * Through the door of the daemon that runs; undefined when none does.
 * @throws Fault when one runs that does not answer, or cannot prove itself.
 */
export async function reachRunning(reach: Reach): Promise<Client | undefined> {
  const entry = reach.readEntry();
  return entry && (await through(entry, reach));
}

/**
 * Through the door of this person's daemon, starting one when none runs. One that is stopping is waited out.
 * @throws Fault with the way out when there is none to be had.
 */
export async function reachDaemon(reach: Reach): Promise<Client> {
  const { clock } = reach;
  const giveUp = clock.boot() + STARTS_WITHIN;
  const tell = clock.after(SECOND, () => reach.progress('Waiting for the Portcullis daemon'));
  let handedOver = false;
  let started = Number.NEGATIVE_INFINITY;
  let cause: unknown;
  let failed: Fault | undefined;
  try {
    while (clock.boot() < giveUp) {
      const client = await reachRunning(reach).catch((error: unknown) => {
        cause = error;
        return 'not answering' as const;
      });
      if (client instanceof Object && !client.state.daemon.stopping) {
        if (handedOver || !isNewer(reach.version, client.state.daemon.version)) return client;
        handedOver = true;
        // It is of an older version: ours goes on with what it holds.
        await client.call('daemon.hand-over', { version: reach.version }).catch(() => undefined);
      }
      if (client instanceof Object) client.close();
      // Started while another was ending, it has found the lock taken and gone: so once more.
      if (client === undefined && clock.boot() - started > STARTS_AGAIN) {
        const { ended } = await reach.start();
        started = clock.boot();
        void ended.then((why) => {
          failed = why;
        });
      }
      // It has said why: waiting would change nothing.
      if (failed) throw failed;
      await sleep(clock, LOOKS_EVERY);
    }
  } finally {
    tell();
  }
  if (cause instanceof Fault && started === Number.NEGATIVE_INFINITY) throw cause;
  throw new Fault('timed-out', 'The Portcullis daemon does not start', { cause, wayOut: 'Run "portcullis daemon" to see why.' });
}

async function through(entry: EntryFile, reach: Reach): Promise<Client | undefined> {
  const wire = await openWire(entry.socket, reach.clock);
  if (!wire) return undefined;
  return connect({
    wire,
    entry,
    clock: reach.clock,
    hmac: (secret, text) => createHmac('sha256', Buffer.from(secret, 'hex')).update(text).digest('hex'),
    same: (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b)),
    nonce: () => randomBytes(32).toString('hex'),
    client: { name: 'portcullis', version: reach.version, kind: 'terminal' },
  });
}
