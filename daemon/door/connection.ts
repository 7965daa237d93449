import * as v from 'valibot';
import type { Cancel, Clock } from '../../protocol/clock.ts';
import { LIMITS, negotiate } from '../../protocol/door.ts';
import { readJson } from '../../protocol/json.ts';
import { CHANGED, METHODS, type Params, RPC_ERROR, RpcRequest } from '../../protocol/messages.ts';
import type { LiveState } from '../live-state.ts';
import type { Log } from '../log.ts';
import { dispatch, type Handlers, type Outcome } from './methods.ts';
import { Pace } from './pace.ts';
import type { DoorProof } from './proof.ts';
import { CLOSE, type DoorWire } from './wire.ts';

export type Hello = Params<'hello'>['client'];

export interface ConnectionParts {
  id: number;
  wire: DoorWire;
  proof: DoorProof;
  live: LiveState;
  handlers: Handlers;
  clock: Clock;
  log: Log;
  /** The client has said who it is. */
  onHello(client: Hello): void;
  onRefused(why: string): void;
  onGone(): void;
}

/** At once after a while of silence: an editor that opens asks for many things together. */
const BURST = 2 * LIMITS.messagesPerSecond;
/**
 * Messages that may wait: a tree that opens with hundreds of branches asks for all of them at once. Reading stops meanwhile,
 * so only what one read brings can pile up; who fits more into it is cut off.
 */
const QUEUE = 1_000;
const AT_ONCE = 16;
/** How long a client may leave its output unread. */
const BEHIND_FOR = 10_000;

/** One client: proof, then hello, then calls and changes. Every message is parsed and authorised by where the connection stands. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #pace: Pace;
  readonly #queue: string[] = [];
  #stage: 'proof' | 'hello' | 'open' | 'closed' = 'proof';
  #running = 0;
  #waiting: Cancel | undefined;
  #deadline: Cancel;
  #unsubscribe: Cancel = () => {};
  /** Set while changes are left out because the client does not read. */
  #behind: Cancel | undefined;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.clock, LIMITS.messagesPerSecond, BURST);
    this.#deadline = parts.clock.after(LIMITS.proofWithin, () => this.#refuse('No proof in time'));
    parts.wire.onText((text) => this.#take(text));
    parts.wire.onClose(() => this.#gone());
  }

  close(why: string): void {
    if (this.#stage !== 'closed') this.#parts.wire.close(CLOSE.goingAway, why);
  }

  #take(text: string): void {
    if (this.#stage === 'closed') return;
    if (this.#stage === 'proof') this.#prove(text);
    else if (this.#queue.push(text) > QUEUE) this.#refuse('Too many messages');
    else this.#drain();
  }

  #prove(text: string): void {
    const answer = this.#parts.proof.take(text);
    if (answer === 'refused') this.#refuse('Wrong proof');
    else if (answer === 'proven') {
      this.#deadline();
      // Who has proven the secret and then says nothing is no client either.
      this.#deadline = this.#parts.clock.after(LIMITS.proofWithin, () => this.#refuse('No hello in time'));
      this.#stage = 'hello';
    } else this.#send(answer.say);
  }

  #drain(): void {
    while (this.#stage !== 'closed' && this.#queue.length > 0 && !this.#waiting) {
      if (this.#running >= AT_ONCE || this.#parts.wire.buffered() > LIMITS.buffered) {
        this.#parts.wire.pause();
        return;
      }
      const wait = this.#pace.take();
      if (wait > 0) {
        this.#parts.wire.pause();
        this.#waiting = this.#parts.clock.after(wait, () => {
          this.#waiting = undefined;
          this.#drain();
        });
        return;
      }
      this.#answer(this.#queue.shift() ?? '');
    }
    if (this.#stage !== 'closed' && this.#queue.length === 0) this.#parts.wire.resume();
  }

  #answer(text: string): void {
    const request = v.safeParse(RpcRequest, readJson(text));
    if (!request.success) {
      this.#refuse('Not a request of this protocol');
      return;
    }
    const { id, method, params } = request.output;
    if (this.#stage === 'hello') this.#hello(id, method, params);
    else this.#call(id, method, params);
  }

  #call(id: number, method: string, params: unknown): void {
    this.#running += 1;
    dispatch(this.#parts.handlers, method, params, this.#parts.log).then((outcome) => {
      this.#running -= 1;
      this.#reply(id, outcome);
      this.#drain();
    });
  }

  #hello(id: number, method: string, params: unknown): void {
    const hello = v.safeParse(METHODS.hello.params, params);
    if (method !== 'hello' || !hello.success) {
      this.#refuse('Say hello first');
      return;
    }
    const version = negotiate(hello.output.versions);
    if (version === undefined) {
      this.#reply(id, {
        error: { code: RPC_ERROR.invalid, message: 'This daemon speaks no protocol version of this client. Update both.' },
      });
      this.#refuse('No common version');
      return;
    }
    this.#deadline();
    this.#stage = 'open';
    this.#reply(id, { result: { version, snapshot: this.#parts.live.snapshot() } });
    this.#unsubscribe = this.#parts.live.onChange(() => this.#tell());
    this.#parts.onHello(hello.output.client);
  }

  #reply(id: number, outcome: Outcome): void {
    if (this.#stage === 'closed') return;
    const text = JSON.stringify({ jsonrpc: '2.0', id, ...outcome });
    if (Buffer.byteLength(text) > LIMITS.answer) {
      this.#parts.log.error('answer too long', { connection: this.#parts.id });
      this.#send(
        JSON.stringify({ jsonrpc: '2.0', id, error: { code: RPC_ERROR.fault, message: 'The answer is too long. Ask for less.' } }),
      );
      return;
    }
    this.#send(text);
  }

  /** Sends the last change, unless the client is behind: then the gap that it sees later makes it ask for a snapshot. */
  #tell(): void {
    const { wire, live, clock } = this.#parts;
    if (this.#behind || !live.last) return;
    if (wire.buffered() > LIMITS.buffered) {
      this.#behind = clock.after(BEHIND_FOR, () => wire.cut());
      return;
    }
    this.#send(JSON.stringify({ jsonrpc: '2.0', method: CHANGED, params: live.last }));
  }

  #send(text: string): void {
    if (this.#stage === 'closed') return;
    this.#parts.wire.send(text, () => {
      if (this.#stage === 'closed' || this.#parts.wire.buffered() > LIMITS.buffered / 2) return;
      if (this.#behind) {
        this.#behind();
        this.#behind = undefined;
        this.#tell();
      }
      this.#drain();
    });
  }

  #refuse(why: string): void {
    if (this.#stage === 'closed') return;
    this.#parts.onRefused(why);
    this.#parts.wire.close(CLOSE.policy, why);
    this.#gone();
  }

  #gone(): void {
    if (this.#stage === 'closed') return;
    this.#stage = 'closed';
    this.#queue.length = 0;
    this.#deadline();
    this.#waiting?.();
    this.#behind?.();
    this.#unsubscribe();
    this.#parts.onGone();
  }
}
