import type { Json, JsonObject } from './json.ts';

export interface Incoming {
  method: string;
  /** Decoded, with single slashes. */
  path: string;
  /** Path and query as sent. */
  url: string;
  query: Query;
  headers: Readonly<Record<string, string | undefined>>;
  /** The body as sent. */
  text: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string> | undefined;
  body?: Json | undefined;
}

/** No answer: the connection is broken instead. */
export type Dropped = 'dropped';

/** Query parameters without regard to the case of their names, as ARM takes them. */
export class Query {
  readonly #values: ReadonlyMap<string, string>;

  constructor(params: URLSearchParams) {
    this.#values = new Map([...params].map(([name, value]) => [name.toLowerCase(), value]));
  }

  get(name: string): string | undefined {
    return this.#values.get(name.toLowerCase());
  }
}

export const ok = (body: JsonObject): Reply => ({ status: 200, body });

export const list = (value: JsonObject[]): Reply => ok({ value });
