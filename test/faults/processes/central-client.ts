import { Agent, fetch } from 'undici';
import * as v from 'valibot';
import { CENTRAL, centralAnswer } from '../../../protocol/central-api.ts';
import type { Answer } from '../../../protocol/refusal.ts';
import type { Engineer } from './town.ts';

type Endpoint = keyof typeof CENTRAL;
type Value<E extends Endpoint> = v.InferOutput<(typeof CENTRAL)[E]['value']>;

export interface Asked {
  id?: string;
  body?: object;
  query?: string;
}

/** Central's HTTPS interface as its daemons speak it, with real tokens. */
export class CentralClient {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, ca: string) {
    this.#url = url;
    this.#agent = new Agent({ connect: { ca } });
  }

  /** @throws Error when nothing is known: no answer, or a 5xx. */
  async call<E extends Endpoint>(who: Engineer, endpoint: E, { id = '', body, query = '' }: Asked = {}): Promise<Answer<Value<E>>> {
    const { method, path } = CENTRAL[endpoint];
    const response = await fetch(`${this.#url}${path.replace(':id', id)}${query}`, {
      method,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${who.token}`, ...(method === 'POST' && { 'content-type': 'application/json' }) },
      ...(method === 'POST' && { body: JSON.stringify(body ?? {}) }),
    });
    const text = await response.text();
    if (response.status >= 500) throw new Error(`central answered ${response.status}: ${text}`);
    return v.parse(centralAnswer(endpoint), JSON.parse(text)) as Answer<Value<E>>;
  }

  /** What was open to a process that was killed is no use with the next. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
