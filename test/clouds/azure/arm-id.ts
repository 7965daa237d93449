/**
 * ARM ids compare without regard to case. A `Scope` is an id ready to compare: lower case, one leading slash, none at the
 * end, and `/providers/Microsoft.Subscription/subscriptions/…`, which PIM's own samples use, written as `/subscriptions/…`.
 */
export type Scope = string;

export function scopeOf(id: string): Scope {
  const plain = `/${id}`
    .toLowerCase()
    .replace(/\/+/g, '/')
    .replace(/\/$/, '')
    .replace(/^\/providers\/microsoft\.subscription(?=\/subscriptions\/)/, '');
  return plain === '' ? '/' : plain;
}

export const subscriptionOf = (scope: Scope): string | undefined => /^\/subscriptions\/([^/]+)/.exec(scope)?.[1];

export const groupOf = (id: string): string | undefined => /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)/i.exec(id)?.[1];

export const nameOf = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

/** `Microsoft.Network/loadBalancers/probes` of `…/providers/Microsoft.Network/loadBalancers/x/probes/y`. */
export function typeOf(id: string): string | undefined {
  const at = id.toLowerCase().lastIndexOf('/providers/');
  if (at < 0) return undefined;
  const [namespace, ...rest] = id.slice(at + '/providers/'.length).split('/');
  const types = rest.filter((_, index) => index % 2 === 0);
  return types.length === 0 ? undefined : [namespace, ...types].join('/');
}

/** The id of the top resource that a child id lies in: `…/loadBalancers/x` of `…/loadBalancers/x/probes/y`. */
export const topOf = (id: string): string => /^.*?\/providers\/[^/]+\/[^/]+\/[^/]+/i.exec(id)?.[0] ?? id;

export const guidOf = (id: string): string => nameOf(id).toLowerCase();

export const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
