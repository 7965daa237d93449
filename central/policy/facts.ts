import type { CedarValueJson, EntityJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Instant, Millis } from '../../protocol/clock.ts';
import type { RoleTree } from './roles.ts';

/** The person as the policy sees them. `id` is stable and comes from the token, groups from the directory. */
export interface Subject {
  id: string;
  groups: readonly string[];
}

/** A load balancer or a part, as central's own identity read it from the cloud. */
export interface Target {
  id: string;
  /** Set on a part. */
  balancerId?: string | undefined;
  account: string;
  provider: string;
  kind: string;
  name: string;
  resourceGroup: string;
  location: string;
  exposure: string;
  tags: Readonly<Record<string, string>>;
}

/** One question to the policy: may this person have this role on this resource for so long? */
export interface Question {
  person: Subject;
  role: string;
  target: Target;
  duration: Millis;
  ticket?: string | undefined;
  now: Instant;
}

const uid = (type: string, id: string) => ({ type: `Portcullis::${type}`, id });
export const user = (id: string) => uid('User', id);
export const action = (id: string) => uid('Action', id);
export const record = uid('Record', 'all');
export const entity = (type: string, id: string): CedarValueJson => ({ __entity: uid(type, id) });
export const resource = (target: Target) => uid(target.balancerId ? 'Part' : 'Balancer', target.id);

export function entitiesOf(people: readonly Subject[], target: Target | undefined, roles: RoleTree): EntityJson[] {
  return [
    ...people.map(({ id, groups }) =>
      bare(
        user(id),
        [...new Set(groups)].map((group) => uid('Group', group)),
      ),
    ),
    ...[...new Set(people.flatMap(({ groups }) => groups))].map((group) => bare(uid('Group', group))),
    ...Object.entries(roles).map(([id, greater]) =>
      bare(
        uid('Role', id),
        greater.map((each) => uid('Role', each)),
      ),
    ),
    ...(target ? targetEntities(target) : [bare(record)]),
  ];
}

function targetEntities(target: Target): EntityJson[] {
  const { account, provider, kind, name, resourceGroup, location, exposure, tags, balancerId } = target;
  // Azure compares tag names without case: a guardrail on "freeze" must see "Freeze", too.
  const lower = Object.fromEntries(Object.entries(tags).map(([key, value]) => [key.toLowerCase(), value]));
  const attrs = { provider, kind, name, resourceGroup, location, exposure, env: (lower['env'] ?? '').toLowerCase() };
  const own = { uid: resource(target), attrs, tags: lower, parents: [balancerId ? uid('Balancer', balancerId) : uid('Account', account)] };
  const balancer = balancerId ? [{ ...own, uid: uid('Balancer', balancerId), parents: [uid('Account', account)] }] : [];
  return [own, ...balancer, bare(uid('Account', account))];
}

const bare = (id: { type: string; id: string }, parents: EntityJson['parents'] = []): EntityJson => ({ uid: id, attrs: {}, parents });

/** Weekday (Monday 1) and minute of the day in a time zone: Cedar has no calendar. To make a format takes long, so it is kept. */
export function calendarOf(timeZone: string): (now: Instant) => { weekday: number; minuteOfDay: number } {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return (now) => {
    const parts = format.formatToParts(now);
    const part = (type: string) => parts.find((each) => each.type === type)?.value ?? '';
    const weekday = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(part('weekday')) + 1;
    return { weekday, minuteOfDay: Number(part('hour')) * 60 + Number(part('minute')) };
  };
}
