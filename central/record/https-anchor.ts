import { Agent, request } from 'undici';
import { toBase64 } from '../../protocol/bytes.ts';
import { type Clock, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { type Anchor, Forked, type SignedCheckpoint } from './anchors.ts';
import type { Proofs } from './proofs.ts';

const ANSWER_WITHIN = 10 * SECOND;
const LONGEST_ANSWER = 64 * 1_024;

/** A witness of other people's that speaks C2SP tlog-witness: it keeps only the last checkpoint, and wants a proof for the next. */
export class HttpsAnchor implements Anchor {
  readonly name: string;
  readonly #proofs: Proofs;
  readonly #clock: Clock;
  readonly #agent: Agent;
  /** What the witness has, as far as we know. */
  #size = 0;

  /** @param ca PEM, when the system does not know the authority of its certificate. */
  constructor(url: string, ca: string | undefined, parts: { proofs: Proofs; clock: Clock }) {
    this.name = url.replace(/\/+$/, '');
    this.#proofs = parts.proofs;
    this.#clock = parts.clock;
    this.#agent = new Agent({ connect: { ...(ca === undefined ? {} : { ca }), timeout: ANSWER_WITHIN } });
  }

  async put(checkpoint: SignedCheckpoint): Promise<void> {
    const first = await this.#post(checkpoint);
    if (first === undefined) return;
    // The witness has named the size that it has: the proof must lead from there.
    if (first > checkpoint.size) throw new Forked(`it has a checkpoint of ${first} events, this record one of ${checkpoint.size}`);
    this.#size = first;
    if ((await this.#post(checkpoint)) !== undefined) throw new Fault('timed-out', 'The witness moved on meanwhile', { retryable: true });
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  /** @returns The size that the witness has, when it is another one than we thought. */
  async #post({ size, note }: SignedCheckpoint): Promise<number | undefined> {
    const old = Math.min(this.#size, size);
    const proof = (await this.#proofs.consistency(old, size)).map(toBase64);
    const body = `${[`old ${old}`, ...proof].join('\n')}\n\n${note}`;
    const { status, text } = await this.#send(body);
    if (status === 200) {
      this.#size = size;
      return undefined;
    }
    if (status === 409) {
      if (!/^\d{1,15}\n?$/.test(text)) throw new Fault('protocol-violation', 'The witness answered 409 without its size');
      const theirs = Number(text);
      if (theirs === old) throw new Forked(`it has another root for the same ${old} events`);
      return theirs;
    }
    if (status === 422) throw new Forked(`it takes no proof that its ${old} events are the beginning of these ${size}`);
    throw new Fault('timed-out', `The witness answered ${status}`, { retryable: true, detail: String(status) });
  }

  /** Redirects are not followed: they are an answer like any other, and not 200. */
  async #send(body: string): Promise<{ status: number; text: string }> {
    const limit = new AbortController();
    const cancel = this.#clock.after(ANSWER_WITHIN, () => limit.abort(new Fault('timed-out', 'The witness did not answer in time')));
    try {
      const answer = await request(`${this.name}/add-checkpoint`, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: limit.signal,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body,
      });
      let text = '';
      for await (const chunk of answer.body) {
        text += String(chunk);
        if (text.length > LONGEST_ANSWER) throw new Fault('protocol-violation', 'The witness sends more than it may');
      }
      return { status: answer.statusCode, text };
    } finally {
      cancel();
    }
  }
}
