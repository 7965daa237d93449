import { LIMITS } from '../../../protocol/door.ts';
import { seededRandom } from '../../clouds/azure/random.ts';
import { bytesOf, type Frame, OPCODE, text } from './frames.ts';
import { MemoryWatch, residentOf } from './memory.ts';
import { below, brokenCall, brokenProof, call, choose, damaged, noise, type Random } from './mutations.ts';
import { RawConnection, requestOf, UPGRADE } from './raw-connection.ts';
import type { RealDaemon } from './real-daemon.ts';

export interface FuzzOptions {
  frames: number;
  seed: number;
  /** Told now and then how far it is. */
  progress?(line: string): void;
}

export interface FuzzFigures {
  seed: number;
  frames: number;
  connections: number;
  /** Connections that proved the secret and said hello before they turned bad. */
  greeted: number;
  /** Messages that the daemon said to bad connections. */
  answers: number;
  /** By the code that the daemon closed with; `none` where it hung up or was hung up on. */
  closes: Record<string, number>;
  /** Frames in a second, of all connections together. */
  perSecond: number;
  /** MiB: before, highest, and the middle value of the second and of the fourth quarter. */
  memory: { before: number; peak: number; secondQuarter: number; fourthQuarter: number };
  /** The client beside it: calls answered, and the slowest answer in ms. */
  beside: { answered: number; slowest: number };
}

/** More than the door takes at once. */
const AT_ONCE = 24;
const WITHIN = 5_000;

/**
 * Bad connections without end against a real daemon, while a good client works beside them. What each connection sends follows
 * from the seed and its number alone, so that one that breaks something can be sent again.
 * @throws Error when the client beside it is not served, with the seed and the connections that were open.
 */
export async function fuzzDoor(daemon: RealDaemon, { frames, seed, progress = () => {} }: FuzzOptions): Promise<FuzzFigures> {
  const figures = { frames: 0, connections: 0, greeted: 0, answers: 0, closes: {} as Record<string, number> };
  const before = residentOf(daemon.pid) ?? Number.NaN;
  const memory = new MemoryWatch(daemon.pid, () => figures.frames / frames);
  const good = besideIt(daemon);
  const started = performance.now();
  let next = 0;
  let told = 0.1;
  const worker = async () => {
    while (figures.frames < frames && daemon.child.exitCode === null && daemon.child.signalCode === null) {
      const sent = await fuzzConnection(daemon, seed, next++);
      figures.frames += sent.frames;
      figures.connections += 1;
      figures.greeted += sent.greeted ? 1 : 0;
      figures.answers += sent.answers;
      const code = String(sent.code ?? 'none');
      figures.closes[code] = (figures.closes[code] ?? 0) + 1;
      if (figures.frames < told * frames) continue;
      progress(`${figures.frames} frames, ${figures.connections} connections, ${Math.round(residentOf(daemon.pid) ?? 0)} MiB`);
      told += 0.1;
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const perSecond = Math.round(figures.frames / ((performance.now() - started) / 1_000));
    const beside = await good.stop();
    return {
      seed,
      ...figures,
      perSecond,
      memory: { before, peak: memory.peak, secondQuarter: memory.median(0.25, 0.5), fourthQuarter: memory.median(0.75, 1) },
      beside,
    };
  } catch (cause) {
    throw new Error(`With seed ${seed}, around connection ${next}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  } finally {
    memory.stop();
  }
}

/** A client that was there first asks something again and again, and must get every answer. */
function besideIt(daemon: RealDaemon): { stop(): Promise<FuzzFigures['beside']> } {
  let wanted = true;
  const told = { answered: 0, slowest: 0 };
  const work = (async () => {
    const client = await daemon.client();
    let gone: string | undefined;
    client.onClose((why) => {
      gone = why;
    });
    while (wanted) {
      const asked = performance.now();
      await client.call('inventory.accounts', {});
      told.answered += 1;
      told.slowest = Math.max(told.slowest, Math.round(performance.now() - asked));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    if (gone !== undefined) throw new Error(`The client beside it was put out: ${gone}`);
    client.close();
  })();
  // Reported by `stop`; until then nobody listens.
  work.catch(() => {});
  return {
    stop: async () => {
      wanted = false;
      await work;
      return told;
    },
  };
}

/** Sends what connection `number` of a seed sends, on a connection that the door had room for. */
async function fuzzConnection(daemon: RealDaemon, seed: number, number: number) {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ number);
  const plan = planOf(random, daemon.entry.instance);
  for (;;) {
    const connection = new RawConnection(daemon.entry.socket);
    try {
      if (plan.upgrade) {
        await send(connection, plan.upgrade, plan, random);
        await connection.until(() => connection.status !== undefined, 100);
        return { frames: 1, greeted: false, answers: 0, code: connection.status };
      }
      // All places taken, or the daemon has ended: the caller sees which.
      const inside = (await connection.upgraded(WITHIN)) && (!plan.greets || (await connection.greet(daemon.entry, WITHIN)));
      if (!inside) {
        if (daemon.child.exitCode !== null || daemon.child.signalCode !== null)
          return { frames: 0, greeted: false, answers: 0, code: undefined };
        await new Promise((resolve) => setTimeout(resolve, 2));
        continue;
      }
      connection.said.length = 0;
      await send(connection, Buffer.concat(plan.frames), plan, random);
      // Answers are awaited, or the bad end would take them along.
      await connection.until(() => connection.said.length >= plan.answered, 2_000);
      await send(connection, Buffer.concat(plan.tail), plan, random);
      await connection.until(() => connection.closeCode !== undefined, 100);
      const sent = plan.frames.length + plan.tail.length;
      return { frames: sent, greeted: plan.greets, answers: connection.said.length, code: connection.closeCode };
    } finally {
      await connection.end();
    }
  }
}

interface Plan {
  /** A damaged upgrade, and nothing after it. */
  upgrade?: Buffer;
  greets: boolean;
  /** What is right as frames, and as envelopes of calls. */
  frames: Buffer[];
  /** So many of them are calls. */
  answered: number;
  /** What ends most connections. */
  tail: Buffer[];
  dripped: boolean;
}

const send = (connection: RawConnection, bytes: Buffer, { dripped }: Plan, random: Random): Promise<void> | void =>
  dripped ? connection.drip(bytes, () => 1 + below(random, 64)) : connection.write(bytes);

/** So much of a dripped connection is enough: each piece of it is a turn of two event loops. */
const DRIPPED_AT_MOST = 4_096;
/** More that wait for their pongs end a connection. */
const PINGS = 6;

function planOf(random: Random, instance: string): Plan {
  const dripped = random() < 0.2;
  if (random() < 0.03) return { upgrade: damaged(random, requestOf(UPGRADE)), greets: false, frames: [], answered: 0, tail: [], dripped };
  const greets = random() < 0.4;
  const frames: Buffer[] = [];
  let size = 0;
  let answered = 0;
  let pings = 0;
  // Fewer than one may say at once: the pace of the door is another test.
  const most = greets ? 10 + below(random, 2 * LIMITS.messagesPerSecond - 12) : 20 + below(random, 100);
  while (frames.length < most && !(dripped && size > DRIPPED_AT_MOST)) {
    const calls = greets && random() < 0.7;
    if (calls) answered += 1;
    const frame = bytesOf(calls ? text(call(random, 2 + frames.length)) : harmless(random, pings++ < PINGS));
    frames.push(frame);
    size += frame.length;
  }
  const last = greets ? brokenCall(random, 9_999) : brokenProof(random, instance);
  return { greets, frames, answered, tail: forbidden(random, last), dripped };
}

/** What the protocol of frames allows at any time. */
function harmless(random: Random, mayPing: boolean): Frame {
  const opcode = mayPing ? OPCODE.ping : OPCODE.pong;
  const payload = noise(random, random() < 0.1 ? 125 : below(random, 20));
  return { opcode, payload, ...(random() < 0.2 ? { lengthBytes: 1 as const } : {}) };
}

/** Frames that end a connection, one way or another. */
function forbidden(random: Random, wrong: Buffer): Buffer[] {
  const some = () => noise(random, below(random, 200));
  const fragment = (opcode: number, final: boolean, payload: Buffer) => bytesOf({ opcode, payload, final });
  switch (below(random, 16)) {
    case 0:
      return [bytesOf({ opcode: choose(random, [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), payload: some() })];
    case 1:
      return [bytesOf({ ...text(wrong), reserved: choose(random, [0x40, 0x20, 0x10, 0x70]) })];
    case 2:
      return [bytesOf({ ...text(wrong), masked: false })];
    case 3:
      return [bytesOf({ ...text(wrong), declared: choose(random, [65_537n, 2n ** 26n, 2n ** 31n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) })];
    case 4:
      return [bytesOf({ ...text('x'), lengthBytes: choose(random, [2, 8]) }), bytesOf(text(wrong))];
    case 5:
      return [bytesOf({ opcode: choose(random, [OPCODE.ping, OPCODE.pong, OPCODE.close]), payload: noise(random, 126) })];
    case 6:
      return [bytesOf({ opcode: OPCODE.ping, payload: some().subarray(0, 100), final: false })];
    case 7:
      return [fragment(OPCODE.continuation, random() < 0.5, wrong)];
    case 8:
      return [fragment(OPCODE.text, false, wrong), fragment(OPCODE.text, true, wrong)];
    case 9:
      return [
        fragment(OPCODE.text, false, some()),
        ...Array.from({ length: 20 }, () => fragment(OPCODE.continuation, false, Buffer.alloc(random() < 0.5 ? 0 : 1))),
      ];
    case 10:
      return [bytesOf({ opcode: OPCODE.binary, payload: some() })];
    case 11:
      return [bytesOf(text(Buffer.from([0xc0, 0x80, 0xff])))];
    case 12:
      return [
        bytesOf({
          opcode: OPCODE.close,
          payload: Buffer.from(choose(random, [[], [3], [3, 0xed], [0, 0], [0xff, 0xff], [3, 0xe8, 0xff]])),
        }),
      ];
    case 13:
      return [noise(random, 1 + below(random, 300))];
    case 14:
      return Array.from({ length: 40 }, () => bytesOf({ opcode: OPCODE.ping, payload: noise(random, 125) }));
    default:
      return [bytesOf(text(wrong))];
  }
}
