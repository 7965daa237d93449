import * as v from 'valibot';
import { type GrantId, type RequestId, ResourceId } from '../../protocol/ids.ts';
import type { ElevationRequest, Grant, LoadBalancer, Part, ResourceRef } from '../../protocol/model.ts';
import { inventoryKnown } from './inventory.ts';
import { UsageError } from './outcome.ts';
import type { Session } from './session.ts';
import { resourceName } from './views/grant.ts';

/** What a person typed, found: a balancer or one of its parts. */
export interface Found {
  ref: ResourceRef;
  balancer?: LoadBalancer | undefined;
}

const MOST = 200;
const SHOWN = 10;

/**
 * Finds a resource by its id (`azure:/subscriptions/…`, or the cloud's own `/subscriptions/…`), by a balancer's name, or by
 * `balancer/part`. Names are compared in any case; a part may be told from its namesakes as `balancer/<kind>/part` or
 * `balancer/<part above>/part`.
 * @throws UsageError with the candidates when there is none or more than one; Refused when the daemon refuses.
 */
export async function findResource(session: Session, typed: string): Promise<Found> {
  const text = typed.trim();
  await inventoryKnown(session);
  if (/^(azure|aws|gcp):/i.test(text)) return byId(session, text);
  if (/^\/subscriptions\//i.test(text)) return byId(session, `azure:${text}`);
  const [name = '', ...path] = text.split('/').map((segment) => segment.trim().toLowerCase());
  if (!name || path.some((segment) => !segment)) throw new UsageError(`"${typed}" names no resource`, { wayOut: HOW });
  const balancer = await findBalancer(session, name);
  const ref = { id: balancer.id, name: balancer.name, kind: 'Load balancer', balancerId: balancer.id, balancerName: balancer.name };
  if (path.length === 0) return { ref, balancer };
  const { parts } = await session.want('inventory.parts', { resourceId: balancer.id });
  const part = choosePart(balancer, parts, path);
  return { ref: { ...ref, id: part.id, name: part.name, kind: part.kind }, balancer };
}

const HOW = 'Give a name as "portcullis ls" shows it, or the resource\'s id.';

async function byId(session: Session, text: string): Promise<Found> {
  const id = v.safeParse(ResourceId, text.toLowerCase());
  if (!id.success) throw new UsageError(`"${text}" is no resource id: ${id.issues[0].message}`, { wayOut: HOW });
  return { ref: await session.want('inventory.resolve', { resourceId: id.output }) };
}

async function findBalancer(session: Session, name: string): Promise<LoadBalancer> {
  const { balancers } = await session.ask('inventory.find', { text: name, limit: MOST });
  const exact = balancers.filter((balancer) => balancer.name.toLowerCase() === name);
  const [only, another] = exact;
  if (only && !another) return only;
  if (only) {
    throw new UsageError(`More than one load balancer is called ${only.name}`, {
      candidates: exact.map(candidate),
      wayOut: 'Give the id of the one you mean.',
    });
  }
  throw new UsageError(`No load balancer is called ${name}`, {
    candidates: balancers.slice(0, SHOWN).map(candidate),
    wayOut: balancers.length > 0 ? 'Give the whole name of the one you mean.' : HOW,
  });
}

const candidate = ({ id, name }: { id: string; name: string }) => ({ id, name });

/** @throws UsageError with the candidates. */
export function choosePart(balancer: LoadBalancer, parts: readonly Part[], path: readonly string[]): Part {
  const byKey = new Map(parts.map((part) => [part.id, part]));
  const above = path.slice(0, -1);
  const name = path.at(-1);
  const matches = parts.filter((part) => {
    if (part.name.toLowerCase() !== name) return false;
    const known = new Set<string>([part.kind]);
    for (let parent = byKey.get(part.parentId), steps = 0; parent && steps < 4; parent = byKey.get(parent.parentId), steps++) {
      known.add(parent.kind).add(parent.name.toLowerCase());
    }
    return above.every((segment) => known.has(segment));
  });
  const [only, another] = matches;
  if (only && !another) return only;
  const shown = (part: Part) => ({ id: part.id, name: `${balancer.name}/${part.kind}/${part.name}` });
  if (only) {
    throw new UsageError(`${balancer.name} has more than one part called ${only.name}`, {
      candidates: matches.map(shown),
      wayOut: 'Name its kind too, as above, or give its id.',
    });
  }
  throw new UsageError(`${balancer.name} has no part called ${path.join('/')}`, {
    candidates: parts.slice(0, SHOWN).map(shown),
    wayOut: `"portcullis show ${balancer.name}" lists its parts.`,
  });
}

const SHORTEST = 4;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @throws UsageError with the candidates. */
export const findGrant = (grants: Record<string, Grant>, typed: string): GrantId =>
  findId('grant', Object.values(grants), typed, 'portcullis status --all') as GrantId;

/** @throws UsageError with the candidates. */
export const findRequest = (requests: Record<string, ElevationRequest>, typed: string): RequestId =>
  findId('request', Object.values(requests), typed, 'portcullis requests --all') as RequestId;

/** An id, or the beginning of one that is known. A whole id that is not known here is the daemon's to judge. */
function findId(what: string, known: readonly { id: string; resource: ResourceRef }[], typed: string, list: string): string {
  const text = typed.trim().toLowerCase();
  if (UUID.test(text)) return text;
  const matches = text.length < SHORTEST ? [] : known.filter(({ id }) => id.startsWith(text));
  const [only, another] = matches;
  if (only && !another) return only.id;
  if (only) {
    throw new UsageError(`More than one ${what} begins with "${typed}"`, {
      candidates: matches.map(({ id, resource }) => ({ id, name: resourceName(resource) })),
      wayOut: 'Give more of it.',
    });
  }
  throw new UsageError(`No ${what} begins with "${typed}"`, {
    wayOut: `Give its id, or at least its first ${SHORTEST} characters, as "${list}" shows them.`,
  });
}
