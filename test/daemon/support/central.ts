import { createHash } from 'node:crypto';
import type { CentralHttp, Endpoint } from '../../../daemon/central/http.ts';
import { type AuditBody, type AuditEvent, chain, NO_EVENT_BEFORE } from '../../../protocol/audit.ts';
import { FEED_HEARTBEAT, type FeedItem } from '../../../protocol/central-api.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { ElevationRequest, Grant, GrantState, Person } from '../../../protocol/model.ts';
import { writeNoteKey } from '../../../protocol/note.ts';
import { type Answer, no, yes } from '../../../protocol/refusal.ts';
import type { ManualClock } from '../../support/manual-clock.ts';
import { consistency, leftOut, Signer } from '../../support/signed-record.ts';
import { ALICE, BEN, grantId, RESOURCE, ROLE } from './cloud.ts';

const DECISION = { outcome: 'needs approval' as const, because: 'Production', wouldChange: [], rules: ['production'], policyVersion: 'v1' };

/** Central in memory, as one person sees it: says what it is told to, keeps a chained record, and feeds it. */
export class FakeCentral implements CentralHttp {
  readonly clock: ManualClock;
  person: Person = ALICE;
  requests = new Map<string, ElevationRequest>();
  grants = new Map<string, Grant>();
  record: AuditEvent[] = [];
  down = false;
  /** Does not answer to this. */
  deaf: Endpoint | undefined;
  /** Events of other people's grants: told without their reasons, and not in the record that this person may read. */
  readonly redacted = new Set<number>();
  /** Accepts requests and loses every answer to them. */
  losesAnswers = false;
  signedOut = false;
  hold = 5 * MINUTE;
  beats = true;
  signer = new Signer();
  /** Gives receipts for what daemons send. */
  signs = true;
  readonly deposited = new Map<string, AuditEvent[]>();
  readonly calls: { endpoint: Endpoint; id?: string; body?: unknown }[] = [];
  readonly #feeds = new Set<(chunk: Uint8Array | Error) => void>();
  #grants = 0;

  constructor(clock: ManualClock) {
    this.clock = clock;
    this.#heartbeat();
  }

  async call(endpoint: Endpoint, given: { id?: string; query?: string; body?: unknown }): Promise<Answer<never>> {
    this.calls.push({ endpoint, ...given });
    if (this.down || this.deaf === endpoint) throw new Fault('central-unreachable', 'Central does not answer', { retryable: true });
    if (this.signedOut) return no('not-signed-in', 'Central does not accept your sign-in');
    return this.#answer(endpoint, given) as Answer<never>;
  }

  async stream(pathAndQuery: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    if (this.down) throw new Fault('central-unreachable', 'Central does not answer', { retryable: true });
    const waiting: (Uint8Array | Error)[] = [];
    let wake: () => void = () => {};
    const push = (chunk: Uint8Array | Error) => {
      waiting.push(chunk);
      wake();
    };
    const feeds = this.#feeds;
    feeds.add(push);
    signal.addEventListener('abort', () => push(new Error('aborted')));
    const after = Number(new URL(pathAndQuery, 'https://central.test').searchParams.get('after'));
    for (const event of this.record) if (event.seq > after) push(this.#chunk(event));
    return (async function* () {
      try {
        for (;;) {
          const next = waiting.shift();
          if (next instanceof Error) throw next;
          if (next) yield next;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        feeds.delete(push);
      }
    })();
  }

  async close(): Promise<void> {}

  count(endpoint: Endpoint): number {
    return this.calls.filter((call) => call.endpoint === endpoint).length;
  }

  /** The connection breaks. */
  drop(): void {
    for (const feed of [...this.#feeds]) feed(new Error('socket hang up'));
  }

  /** What a grant is now, with its event. */
  move(id: string, state: GrantState, more: Partial<Grant> = {}): Grant {
    const grant = { ...(this.grants.get(id) as Grant), state, ...more };
    this.grants.set(id, grant);
    this.tell(
      { kind: state === 'gone' ? 'grant.gone' : state === 'usable' ? 'grant.usable' : 'grant.ending', text: state, grantId: grant.id },
      { grant },
    );
    return grant;
  }

  tell(body: Partial<AuditBody> & Pick<AuditBody, 'kind' | 'text'>, shown: Partial<FeedItem> = {}): AuditEvent {
    const before = this.record.at(-1);
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    const full = { at: this.clock.now(), boot: 1, person: this.person, resource: RESOURCE, ...body };
    const event = chain(full, { source: 'central', seq: (before?.seq ?? 0) + 1, prev: before?.hash ?? NO_EVENT_BEFORE }, sha256);
    this.record.push(event);
    if (shown.redacted) this.redacted.add(event.seq);
    for (const feed of [...this.#feeds]) feed(this.#chunk(event, shown));
    return event;
  }

  #chunk(event: AuditEvent, shown: Partial<FeedItem> = {}): Uint8Array {
    const { reason: _, decision: __, ...bare } = event;
    const redacted = this.redacted.has(event.seq);
    const item: FeedItem = { event: redacted ? bare : event, ...shown, ...(redacted ? { redacted } : {}) };
    if (event.grantId && !item.grant) {
      const grant = this.grants.get(event.grantId);
      if (grant) item.grant = grant;
    }
    return Buffer.from(`id: ${event.seq}\ndata: ${JSON.stringify(item)}\n\n`);
  }

  #heartbeat(): void {
    this.clock.after(FEED_HEARTBEAT, () => {
      if (this.beats) for (const feed of [...this.#feeds]) feed(Buffer.from(':\n\n'));
      this.#heartbeat();
    });
  }

  #answer(endpoint: Endpoint, { id, query, body }: { id?: string; query?: string; body?: unknown }): Answer<unknown> {
    switch (endpoint) {
      case 'me':
        return yes({ person: this.person, groups: [] });
      case 'state':
        return yes({ seq: this.record.length, requests: [...this.requests.values()], grants: [...this.grants.values()] });
      case 'record': {
        const after = Number(new URLSearchParams(query).get('after'));
        return yes({
          events: this.record.filter(({ seq }) => seq > after && !this.redacted.has(seq)).slice(0, 1_000),
          last: this.record.length,
        });
      }
      case 'request':
        return this.#request(body as Parameters<FakeCentral['grantFor']>[0]);
      case 'revoke': {
        const grant = this.grants.get(id ?? '');
        if (!grant) return no('not-found', 'There is no such grant');
        if (grant.state === 'revoking' || grant.state === 'gone') return no('too-late', 'It is ending');
        const { because } = body as { because: Grant['endReason'] };
        this.move(grant.id, 'revoking', { endReason: because, endingAt: this.clock.now() });
        return yes({});
      }
      case 'heartbeat':
        return yes({ holdUntil: this.clock.now() + this.hold });
      case 'cancel': {
        const request = { ...(this.requests.get(id ?? '') as ElevationRequest), state: 'cancelled' as const };
        this.requests.set(request.id, request);
        this.tell({ kind: 'request.cancelled', text: 'cancelled', requestId: request.id }, { request });
        return yes({});
      }
      case 'observed': {
        const { access } = body as { access: string };
        const grant = this.grants.get(id ?? '');
        if (access === 'allowed' && grant?.state === 'assigned') this.move(grant.id, 'usable', { usableAt: this.clock.now() });
        if (access === 'denied' && grant?.state === 'revoking') this.move(grant.id, 'gone', { goneAt: this.clock.now(), proof: 'denied' });
        return yes({});
      }
      case 'checkpoint': {
        const after = Number(new URLSearchParams(query).get('after'));
        const recordKey = writeNoteKey(this.signer.key);
        if (this.record.length === 0) return yes({ recordKey, consistency: [] });
        const proof = after <= this.record.length ? consistency(this.record, after) : [];
        return yes({ recordKey, checkpoint: this.signer.checkpoint(this.record), consistency: proof });
      }
      case 'subtrees': {
        const { ranges } = body as { ranges: { from: number; to: number }[] };
        return yes({ hashes: ranges.map(({ from, to }) => leftOut(this.record, from, to).omitted.hashes) });
      }
      case 'deposit':
        return this.#deposit((body as { events: AuditEvent[] }).events);
      case 'eligibility':
        return yes({ roles: [{ ...ROLE, authority: 'central' }] });
      default:
        return yes({});
    }
  }

  /** Takes in what follows, and signs for all that it has. */
  #deposit(events: AuditEvent[]): Answer<unknown> {
    if (!this.signs) throw new Fault('central-unreachable', 'Central does not answer', { retryable: true });
    const [source, first] = [events[0]?.source ?? '', events[0]?.seq ?? 1];
    const before = this.deposited.get(source) ?? [];
    if (first > before.length + 1) return yes({ next: before.length + 1 });
    const all = [...before.slice(0, first - 1), ...events];
    this.deposited.set(source, all);
    return yes({ receipt: this.signer.receipt(all), next: all.length + 1 });
  }

  /** Decides at once, unless it `needs` somebody. */
  needs: Person | undefined;

  #request(body: Parameters<FakeCentral['grantFor']>[0]): Answer<unknown> {
    const request = this.requestFor(body);
    this.requests.set(request.id, request);
    this.tell({ kind: 'request.created', text: 'asked', requestId: request.id }, { request });
    if (!this.needs) this.grantFor(body);
    if (this.losesAnswers) throw new Fault('central-unreachable', 'Central does not answer', { retryable: true });
    return yes(request);
  }

  requestFor(body: { id: string; duration: number; reason: string }): ElevationRequest {
    const now = this.clock.now();
    return {
      id: body.id as ElevationRequest['id'],
      authority: 'central',
      resource: RESOURCE,
      role: { id: ROLE.id, title: ROLE.title, enforcement: 'native' },
      allows: ROLE.allows,
      actions: ROLE.actions,
      duration: body.duration,
      reason: body.reason,
      requester: this.person,
      mine: true,
      mayDecide: false,
      state: this.needs ? 'pending approval' : 'approved',
      createdAt: now,
      lapsesAt: now + 60 * MINUTE,
      decision: { ...DECISION, at: now },
      approvals: this.needs ? [] : [{ person: BEN, verdict: 'approved', reason: 'Yes', at: now }],
      ...(this.needs ? { approvers: { needed: 1, people: [BEN] } } : {}),
    };
  }

  grantFor(body: { id: string; duration: number; reason: string }): Grant {
    this.#grants += 1;
    const now = this.clock.now();
    const grant: Grant = {
      id: grantId(this.#grants),
      requestId: body.id as Grant['requestId'],
      authority: 'central',
      resource: RESOURCE,
      role: { id: ROLE.id, title: ROLE.title, enforcement: 'native' },
      holder: this.person,
      mine: true,
      reason: body.reason,
      state: 'assigned',
      createdAt: now,
      notAfter: now + body.duration,
      extendable: { ok: true },
    };
    this.grants.set(grant.id, grant);
    this.tell({ kind: 'grant.assigned', text: 'assigned', grantId: grant.id, requestId: grant.requestId }, { grant });
    return grant;
  }
}
