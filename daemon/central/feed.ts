import * as v from 'valibot';
import type { AuditEvent } from '../../protocol/audit.ts';
import { backoff } from '../../protocol/backoff.ts';
import { FEED_HEARTBEAT, FEED_PATH, FeedItem } from '../../protocol/central-api.ts';
import type { Cancel, Clock } from '../../protocol/clock.ts';
import { SECOND, sleep } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { readJson } from '../../protocol/json.ts';
import type { Person } from '../../protocol/model.ts';
import { type Log, ofError } from '../log.ts';
import type { CentralHttp, Value } from './http.ts';
import { readSse } from './sse.ts';

export interface FeedParts {
  http: CentralHttp;
  clock: Clock;
  random: () => number;
  log: Log;
  /** The last event of central's record that is kept here; 0 for none. */
  lastKept(): number;
  onPerson(person: Person): void;
  /** Everything that this person may see, as of now. */
  onState(state: Value<'state'>): void;
  /** Events of the record that were missed, oldest first. */
  onRecord(events: AuditEvent[]): void;
  onItem(item: v.InferOutput<typeof FeedItem>): void;
  onContact(contact: { state: 'connected' } | { state: 'lost'; problem: string; signedOut: boolean }): void;
}

/** A comment comes every 10 s; one that is this late means that contact is lost. */
const SILENCE = FEED_HEARTBEAT + 1_500;
const LONGEST_WAIT = 10 * SECOND;
const PAGE = 1_000;

/** Follows central: state, then what the record has that we do not, then the live feed; again whenever contact is lost. */
export class Feed {
  readonly #parts: FeedParts;
  #run: AbortController | undefined;
  #wake: AbortController | undefined;
  #restart: AbortController | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#run) return;
    this.#run = new AbortController();
    void this.#follow(this.#run.signal);
  }

  /** Tries again now: somebody has signed in, or wants to know. */
  kick(): void {
    this.#wake?.abort();
  }

  /** Asks for everything anew, without calling contact lost: what was missed here was not central's doing. */
  again(): void {
    this.#restart?.abort();
    this.#wake?.abort();
  }

  stop(): void {
    this.#run?.abort();
    this.#run = undefined;
  }

  async #follow(stopped: AbortSignal): Promise<void> {
    const { clock, random, log, onContact } = this.#parts;
    for (let tries = 1; !stopped.aborted; tries++) {
      const restart = new AbortController();
      this.#restart = restart;
      try {
        await this.#once(AbortSignal.any([stopped, restart.signal]), () => {
          tries = 0;
        });
        if (restart.signal.aborted) continue;
        if (!stopped.aborted) onContact({ state: 'lost', problem: 'Central ended the feed', signedOut: false });
      } catch (error) {
        if (stopped.aborted) return;
        if (restart.signal.aborted) continue;
        log.warn('contact with central lost', { attempt: tries, ...ofError(error) });
        onContact({
          state: 'lost',
          problem: error instanceof Fault ? error.message : 'Central does not answer',
          signedOut: error instanceof Fault && error.code === 'sign-in-failed',
        });
      }
      this.#wake = new AbortController();
      const either = AbortSignal.any([stopped, this.#wake.signal]);
      await sleep(clock, Math.min(LONGEST_WAIT, backoff(Math.max(1, tries), random())), either).catch(() => {});
      this.#wake = undefined;
    }
  }

  async #once(stopped: AbortSignal, onConnected: () => void): Promise<void> {
    const { http, clock, log } = this.#parts;
    const me = await this.#must('me', '', stopped);
    this.#parts.onPerson(me.person);
    const state = await this.#must('state', '', stopped);
    await this.#catchUp(stopped);
    const silence = new AbortController();
    const signal = AbortSignal.any([stopped, silence.signal]);
    const stream = await http.stream(`${FEED_PATH}?after=${state.seq}`, signal);
    this.#parts.onState(state);
    this.#parts.onContact({ state: 'connected' });
    onConnected();
    const silent = () => silence.abort(new Fault('central-unreachable', 'Central has gone silent', { retryable: true }));
    let cancel: Cancel = clock.after(SILENCE, silent);
    try {
      for await (const item of readSse(stream)) {
        if (stopped.aborted) return;
        cancel();
        cancel = clock.after(SILENCE, silent);
        if (item.type === 'comment') continue;
        const parsed = v.safeParse(FeedItem, readJson(item.data));
        if (parsed.success) this.#parts.onItem(parsed.output);
        // From a newer central. Its state is asked for again, rather than half understood.
        else {
          log.warn('feed item not understood', { problem: parsed.issues[0].message });
          this.#parts.onState(await this.#must('state', '', stopped));
        }
      }
    } catch (error) {
      throw silence.signal.aborted ? silence.signal.reason : error;
    } finally {
      cancel();
    }
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    for (let after = this.#parts.lastKept(); ; ) {
      const { events, last } = await this.#must('record', `?after=${after}&limit=${PAGE}`, signal);
      if (events.length > 0) this.#parts.onRecord(events);
      const reached = events.at(-1)?.seq ?? last;
      if (events.length < PAGE || reached <= after) return;
      after = reached;
    }
  }

  async #must<E extends 'me' | 'state' | 'record'>(endpoint: E, query: string, signal: AbortSignal): Promise<Value<E>> {
    const answer = await this.#parts.http.call(endpoint, { query }, signal);
    if (answer.ok) return answer.value;
    const { code, message, wayOut } = answer.refusal;
    throw new Fault(code === 'not-signed-in' ? 'sign-in-failed' : 'central-refused', message, wayOut === undefined ? {} : { wayOut });
  }
}
