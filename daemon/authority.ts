import type { AuditBody } from '../protocol/audit.ts';
import { type Clock, SECOND } from '../protocol/clock.ts';
import type { GrantId, RequestId, ResourceId, RoleId } from '../protocol/ids.ts';
import type { ExtendParams, Params, RequestParams } from '../protocol/messages.ts';
import type { AuthorityId, Grant, Preview, ResourceRef, RoleOption, RoleRef } from '../protocol/model.ts';
import type { Answer } from '../protocol/refusal.ts';
import type { Change, DaemonState } from '../protocol/state.ts';
import { within } from './central/http.ts';

/** Why a person or this daemon ends a grant early. */
export type EndBecause = 'revoked' | 'daemon stopped' | 'window closed';

/**
 * Who decides about power: Portcullis' central service, or the cloud's own just-in-time service. Answers say accepted or
 * refused; the truth comes out through `Truth`. A `Fault` means that nothing is known.
 */
export interface Authority {
  readonly id: AuthorityId;
  /** Takes up what the journal holds: due leases are ended at once, unknown ones verified. */
  start(): void;
  /** What the journal holds has been taken up. Until then nobody knows what this daemon holds. */
  readonly resumed: boolean;
  /** What a journal that was lost held is known again, from where it is decided. */
  readonly recovered: boolean;
  /** The journal takes writes again, or can be read for the first time. */
  healed(): void;
  /** The wall clock was set: everything that waits for an instant is gone over again. */
  clockJumped(): void;
  eligibility(resource: ResourceRef, signal: AbortSignal): Promise<Answer<RoleOption[]>>;
  preview(ask: Params<'preview'>, resource: ResourceRef, signal: AbortSignal): Promise<Answer<Preview>>;
  /** Accepted: recorded, and to be decided. The request's id is the idempotency key. */
  request(params: RequestParams, resource: ResourceRef, signal: AbortSignal): Promise<Answer<RequestId>>;
  cancel(id: RequestId, signal: AbortSignal): Promise<Answer<unknown>>;
  approve(id: RequestId, reason: string, signal: AbortSignal): Promise<Answer<unknown>>;
  deny(id: RequestId, reason: string, signal: AbortSignal): Promise<Answer<unknown>>;
  extend(params: ExtendParams, grant: Grant, signal: AbortSignal): Promise<Answer<RequestId>>;
  /** Accepted: it is being ended, and that is durable or will be retried for ever. */
  revoke(id: GrantId, because: EndBecause, signal: AbortSignal): Promise<Answer<unknown>>;
  /** Power is being asked for, and the answer is not in. */
  readonly asking: boolean;
  /** Leases of this daemon under which power may stand. */
  held(): GrantId[];
  /** Power that may stand, and that only this daemon can still end before its own instant: nobody else would ask for it. */
  endsHere(): Grant[];
  /** Starts ending everything held. Resolves when each end is accepted where it is decided; rejects never. */
  endAll(because: EndBecause): Promise<void>;
  /** Stops timers and connections. Ends nothing. */
  stop(): void;
}

/** Where truth comes out: state for the clients, events for the record. */
export interface Truth {
  now(): DaemonState;
  apply(change: Change): void;
  /** Appends to this daemon's own record. It never throws: ending power does not wait for the record. */
  record(body: Omit<AuditBody, 'at' | 'boot'>): void;
}

/** How long a request waits for the name of the role. */
const NAMED_WITHIN = 2 * SECOND;

/** Routes by authority. A grant and a request know theirs. */
export class Authorities {
  readonly #all: ReadonlyMap<AuthorityId, Authority>;
  readonly #clock: Clock;
  /** What was last told: who asks for a role has just seen it. The same role may be enforced otherwise on another resource. */
  #told: { of: ResourceId; roles: RoleOption[] } | undefined;

  constructor(all: readonly Authority[], clock: Clock) {
    this.#clock = clock;
    this.#all = new Map(all.map((authority) => [authority.id, authority]));
  }

  get all(): Authority[] {
    return [...this.#all.values()];
  }

  of(id: AuthorityId): Authority | undefined {
    return this.#all.get(id);
  }

  /** Roles of every authority; one that cannot answer hides none of the others. */
  async eligibility(resource: ResourceRef, signal: AbortSignal): Promise<Answer<RoleOption[]>> {
    const answers = await Promise.allSettled(this.all.map((authority) => authority.eligibility(resource, signal)));
    const said = answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
    const roles = said.flatMap((answer) => (answer.ok ? answer.value : []));
    const refused = said.find((answer) => !answer.ok);
    this.#told = { of: resource.id, roles };
    if (roles.length > 0) return { ok: true, value: roles };
    if (refused) return refused;
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed) throw failed.reason;
    return { ok: true, value: roles };
  }

  /** A role by the name that people know it by; undefined where its authority does not say it soon. */
  async role(id: RoleId, of: Authority, resource: ResourceRef, signal: AbortSignal): Promise<RoleRef | undefined> {
    const find = () => this.#told?.roles.find((role) => role.id === id && role.authority === of.id && this.#told?.of === resource.id);
    if (!find()) await this.#ask(of, resource, signal);
    const role = find();
    return role && { id, title: role.title, enforcement: role.enforcement };
  }

  async #ask(of: Authority, resource: ResourceRef, signal: AbortSignal): Promise<void> {
    const limited = within(this.#clock, NAMED_WITHIN, signal);
    const told = await of.eligibility(resource, limited.signal).catch(() => undefined);
    limited.done();
    if (told?.ok) this.#told = { of: resource.id, roles: told.value };
  }
}
