import { rootCertificates } from 'node:tls';
import { Agent, type Dispatcher, request } from 'undici';
import * as v from 'valibot';
import { CENTRAL, centralAnswer } from '../../protocol/central-api.ts';
import type { Clock } from '../../protocol/clock.ts';
import { SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { readJson } from '../../protocol/json.ts';
import { type Answer, no } from '../../protocol/refusal.ts';

export type Endpoint = keyof typeof CENTRAL;
export type Value<E extends Endpoint> = v.InferOutput<(typeof CENTRAL)[E]['value']>;
export type Body<E extends Endpoint> = (typeof CENTRAL)[E]['body'] extends v.GenericSchema
  ? v.InferInput<(typeof CENTRAL)[E]['body']>
  : undefined;

/** Access tokens for central. */
export interface Tokens {
  /**
   * @param fresh The last one was refused: do not give it again.
   * @throws Fault `sign-in-failed`.
   */
  token(fresh: boolean, signal: AbortSignal): Promise<string>;
}

/** Central's HTTPS interface as the daemon uses it. Doubles stand in for it in tests. */
export interface CentralHttp {
  /** @throws Fault `central-unreachable` when nothing is known, `sign-in-failed` when nobody is signed in. */
  call<E extends Endpoint>(
    endpoint: E,
    given: { id?: string; query?: string; body?: Body<E> },
    signal: AbortSignal,
  ): Promise<Answer<Value<E>>>;
  /** Opens a stream of server-sent events; ends with the signal. @throws as `call`. */
  stream(pathAndQuery: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

const ANSWER_WITHIN = 15 * SECOND;
const LARGEST_ANSWER = 16 * 1_024 * 1_024;

/** Trusts the well-known authorities, and the organisation's own beside them. A feed may be silent for as long as its reader allows. */
export function dispatcherFor(ca: string | undefined): Agent {
  const trusted = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
  return new Agent({ connect: { ...trusted, timeout: 10 * SECOND }, bodyTimeout: 0 });
}

export function centralHttp(options: { url: string; dispatcher: Agent; tokens: Tokens; clock: Clock }): CentralHttp {
  const { dispatcher, tokens, clock } = options;
  const base = options.url.replace(/\/+$/, '');

  async function send(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    for (const fresh of [false, true]) {
      const token = await tokens.token(fresh, signal);
      const answer = await once(method, path, body, token, signal);
      if (answer.statusCode !== 401 || fresh) return answer;
      await answer.body.dump();
    }
    throw new Fault('central-unreachable', 'Central did not answer');
  }

  async function once(method: string, path: string, body: unknown, token: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    try {
      return await request(`${base}${path}`, {
        method: method as Dispatcher.HttpMethod,
        dispatcher,
        signal,
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (cause) {
      throw unreachable(cause);
    }
  }

  return {
    async call(endpoint, given, signal) {
      const { method, path } = CENTRAL[endpoint];
      const limited = within(clock, ANSWER_WITHIN, signal);
      try {
        const answer = await send(
          method,
          path.replace(':id', encodeURIComponent(given.id ?? '')) + (given.query ?? ''),
          given.body,
          limited.signal,
        );
        return await understood(endpoint, answer);
      } catch (error) {
        throw error instanceof Fault ? error : unreachable(error);
      } finally {
        limited.done();
      }
    },
    async stream(pathAndQuery, signal) {
      const answer = await send('GET', pathAndQuery, undefined, signal);
      if (answer.statusCode === 200) return answer.body;
      await answer.body.dump();
      if (answer.statusCode === 401)
        throw new Fault('sign-in-failed', 'Central does not accept your sign-in', { wayOut: 'Sign in to central again.' });
      throw new Fault('central-unreachable', `Central answered ${answer.statusCode}`, { retryable: true });
    },
    close: () => dispatcher.destroy(),
  };
}

async function understood<E extends Endpoint>(endpoint: E, answer: Dispatcher.ResponseData): Promise<Answer<Value<E>>> {
  if (answer.statusCode >= 500) {
    await answer.body.dump();
    throw new Fault('central-unreachable', `Central answered ${answer.statusCode}`, { retryable: true });
  }
  const parsed = v.safeParse(centralAnswer(endpoint), await json(answer.body));
  if (parsed.success) return parsed.output as Answer<Value<E>>;
  if (answer.statusCode === 401)
    return no('not-signed-in', 'Central does not accept your sign-in', { wayOut: 'Sign in to central again.' });
  throw new Fault('central-unreachable', `Central's answer to ${endpoint} (${answer.statusCode}) has another shape`, {
    cause: parsed.issues[0].message,
    wayOut: 'Check central.url in the enrolment file, and that daemon and central are of the same version.',
  });
}

async function json(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > LARGEST_ANSWER) throw new Fault('central-unreachable', 'Central sends more than it may');
    parts.push(part);
  }
  return readJson(Buffer.concat(parts).toString('utf8'));
}

/** A signal that ends with another one, or after a while. */
export function within(clock: Clock, limit: number, signal: AbortSignal): { signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  const cancel = clock.after(limit, () => controller.abort(new Fault('timed-out', 'No answer in time')));
  return { signal: AbortSignal.any([signal, controller.signal]), done: cancel };
}

function unreachable(cause: unknown): Fault {
  const why = cause instanceof Error ? ('code' in cause && String(cause.code)) || cause.message : 'unknown';
  return new Fault('central-unreachable', `Central does not answer (${why})`, {
    cause,
    retryable: true,
    wayOut: 'Check your network, and that central runs. Nothing new can be asked for until then.',
  });
}
