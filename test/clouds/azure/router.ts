import type { Caller } from './access.ts';
import { ArmError, badRequest } from './arm-error.ts';
import type { Incoming, Query, Reply } from './exchange.ts';
import { isObject, type Json, type JsonObject } from './json.ts';

export interface Call {
  /** A `{name}` of the route's path. */
  param(name: string): string;
  path: string;
  query: Query;
  headers: Incoming['headers'];
  /** The JSON body; throws the service's own error when there is none. */
  body(): JsonObject;
  caller: Caller;
  /** `https://localhost:PORT`, for absolute links. */
  base: string;
}

export interface Route {
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /**
   * `{name}` is one segment; `{scope}` is any number of them, none included. Literal segments match in any case.
   */
  path: string;
  handle(call: Call): Reply | Promise<Reply>;
}

interface Compiled {
  route: Route;
  pattern: RegExp;
  names: string[];
}

export class Router {
  readonly #routes: Compiled[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map(compile);
  }

  async run(incoming: Incoming, caller: Caller, base: string): Promise<Reply> {
    const onPath = this.#routes.filter(({ pattern }) => pattern.test(incoming.path));
    const found = onPath.find(({ route }) => route.method === incoming.method);
    if (!found) {
      if (onPath.length > 0)
        throw new ArmError(405, 'HttpMethodNotAllowed', `The HTTP method '${incoming.method}' is not supported for this resource.`);
      throw new ArmError(404, 'InvalidResourceType', `The resource type could not be found for the path '${incoming.path}'.`);
    }
    if (!incoming.query.get('api-version')) {
      throw badRequest('MissingApiVersionParameter', 'The api-version query parameter (?api-version=) is required for all requests.');
    }
    const values = found.pattern.exec(incoming.path) ?? [];
    const params = new Map(found.names.map((name, index) => [name, values[index + 1] ?? '']));
    return found.route.handle({
      param: (name) => params.get(name) ?? '',
      path: incoming.path,
      query: incoming.query,
      headers: incoming.headers,
      body: () => parse(incoming.text),
      caller,
      base,
    });
  }
}

function compile(route: Route): Compiled {
  const names: string[] = [];
  const source = route.path.replace(/[.$]/g, '\\$&').replace(/\/?\{(\w+)\}/g, (whole, name: string) => {
    names.push(name);
    if (name === 'scope') return '(.*)';
    return `${whole.startsWith('/') ? '/' : ''}([^/]+)`;
  });
  return { route, pattern: new RegExp(`^${source}$`, 'i'), names };
}

function parse(text: string): JsonObject {
  let body: Json;
  try {
    body = JSON.parse(text) as Json;
  } catch {
    throw badRequest('InvalidRequestContent', 'The request content was invalid and could not be deserialized.');
  }
  if (!isObject(body)) throw badRequest('InvalidRequestContent', 'The request content was invalid and could not be deserialized.');
  return body;
}
