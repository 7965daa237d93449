import type { Actor } from '../../../central/people/actor.ts';
import type { CentralHttp } from '../../../daemon/central/http.ts';
import { FEED_HEARTBEAT } from '../../../protocol/central-api.ts';
import { type Millis, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { Answer } from '../../../protocol/refusal.ts';
import type { Central } from './central.ts';
import { never, type Process } from './computer.ts';
import type { Dice } from './dice.ts';
import type { Timeline } from './timeline.ts';

const ANSWER_WITHIN = 15 * SECOND;

/** The way between one daemon and whichever central answers. */
export class Link {
  /** Since when nothing gets through. */
  cutSince: Millis | undefined;
  /** Chance of one message. */
  loses = 0;
  doubles = 0;
  longestDelay: Millis = 200;
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  /** Central as the balancer before it finds one. */
  readonly route: () => Central | undefined;

  constructor(timeline: Timeline, dice: Dice, route: () => Central | undefined) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.route = route;
  }

  /** A message that arrives after a while, twice, or never. @returns Whether it will. */
  send(arrives: () => void): boolean {
    if (this.cutSince !== undefined || this.#dice.chance(this.loses)) return false;
    this.#timeline.after(this.delay(), arrives);
    return true;
  }

  delay(): Millis {
    return this.#dice.delay(20, this.longestDelay);
  }

  get doubled(): boolean {
    return this.#dice.chance(this.doubles);
  }
}

/** Central's interface as one daemon process reaches it over its link. */
export function httpOver(link: Link, process: Process, actor: Actor): CentralHttp {
  return {
    call(endpoint, { id = '', query = '', body }, signal) {
      if (!process.effect()) return never();
      const { promise, resolve, reject } = Promise.withResolvers<Answer<unknown>>();
      const cancel = process.after(ANSWER_WITHIN, () => reject(unreachable('no answer')));
      const stop = () => reject(unreachable('given up'));
      signal.addEventListener('abort', stop, { once: true });
      const deliver = (act: () => void) => process.deliver(() => process.effect() && act());
      const numbers = new URLSearchParams(query);
      const arrives = () => {
        const central = link.route();
        if (!central) return void link.send(() => deliver(() => reject(unreachable('refused'))));
        central.process.deliver(() => {
          const context = { actor, id, after: Number(numbers.get('after') ?? 0), limit: Number(numbers.get('limit') ?? 1_000), signal };
          central.serve(endpoint as Parameters<Central['serve']>[0], context, body).then(
            (answer) => central.process.alive && link.send(() => deliver(() => resolve(answer))),
            () => central.process.alive && link.send(() => deliver(() => reject(unreachable('500')))),
          );
        });
      };
      link.send(arrives);
      if (link.doubled) link.send(arrives);
      return promise.finally(() => {
        cancel();
        signal.removeEventListener('abort', stop);
      }) as Promise<never>;
    },
    stream(pathAndQuery, signal) {
      if (!process.effect()) return never();
      const { promise, resolve, reject } = Promise.withResolvers<AsyncIterable<Uint8Array>>();
      const after = Number(pathAndQuery.split('after=')[1] ?? 0);
      const stop = () => reject(unreachable('given up'));
      signal.addEventListener('abort', stop, { once: true });
      const opened = link.send(() => {
        const central = link.route();
        if (!central?.ready) return void link.send(() => process.deliver(() => reject(unreachable('refused'))));
        const pipe = new Pipe(link, process, signal);
        pipe.push(':\n\n');
        const feed = central.feed(actor, after, {
          async write(seq, item) {
            if (!pipe.push(`id: ${seq}\ndata: ${JSON.stringify(item)}\n\n`)) feed.close();
          },
          failed: () => pipe.end(),
        });
        const beat = () => {
          if (pipe.push(':\n\n')) central.process.after(FEED_HEARTBEAT, beat);
          else feed.close();
        };
        central.process.after(FEED_HEARTBEAT, beat);
        central.process.onDeath(() => pipe.end());
        process.deliver(() => resolve(pipe));
      });
      if (!opened) process.after(ANSWER_WITHIN, stop);
      return promise;
    },
    async close() {},
  };
}

const ENCODER = new TextEncoder();

/** Bytes in their order. What is cut off once gets nothing any more, and is not told. */
class Pipe implements AsyncIterable<Uint8Array> {
  readonly #link: Link;
  readonly #process: Process;
  readonly #signal: AbortSignal;
  readonly #arrived: Uint8Array[] = [];
  #ended = false;
  #cut = false;
  #lastAt = 0;
  #wake: (() => void) | undefined;

  constructor(link: Link, process: Process, signal: AbortSignal) {
    this.#link = link;
    this.#process = process;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  push(text: string): boolean {
    return this.#send(() => void this.#arrived.push(ENCODER.encode(text)));
  }

  end(): void {
    this.#send(() => {
      this.#ended = true;
    });
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (;;) {
      const next = this.#arrived.shift();
      if (this.#signal.aborted) throw this.#signal.reason;
      if (next) yield next;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  #send(act: () => void): boolean {
    const { timeline } = this.#process.computer;
    if (this.#link.cutSince !== undefined) this.#cut = true;
    if (this.#cut || this.#ended || !this.#process.alive || this.#signal.aborted) return false;
    this.#lastAt = Math.max(this.#lastAt, timeline.now + this.#link.delay());
    timeline.after(this.#lastAt - timeline.now, () =>
      this.#process.deliver(() => {
        act();
        this.#wake?.();
      }),
    );
    return true;
  }
}

const unreachable = (why: string) => new Fault('central-unreachable', `Central does not answer (${why})`, { retryable: true });
