import type { Reply } from './exchange.ts';
import type { JsonObject } from './json.ts';
import type { Call } from './router.ts';

/** One page of a list; `nextLink` is absolute, as ARM writes it. */
export function nextPage<T>(call: Call, all: readonly T[], size: number, show: (one: T) => JsonObject): Reply {
  const start = Number(call.query.get('$skiptoken') ?? 0);
  const value = all.slice(start, start + size).map(show);
  const rest = start + size < all.length;
  const nextLink = `${call.base}${encodeURI(call.path)}?api-version=${call.query.get('api-version') ?? ''}&$skiptoken=${start + size}`;
  return { status: 200, body: { value, ...(rest && { nextLink }) } };
}
