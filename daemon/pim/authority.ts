import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Approving, OwnElevation, Provider, SelfService, SelfServiceRules } from '../../cloud/provider.ts';
import type { Clock } from '../../protocol/clock.ts';
import { HOUR, MINUTE } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { fitted } from '../../protocol/fit.ts';
import type { GrantId, RequestId, ResourceId } from '../../protocol/ids.ts';
import { readJson } from '../../protocol/json.ts';
import type { Params, RequestParams } from '../../protocol/messages.ts';
import { type Decision, type Grant, type Person, Preview, type ResourceRef, RoleOption } from '../../protocol/model.ts';
import { type Answer, no, yes } from '../../protocol/refusal.ts';
import type { Authority, EndBecause, Truth } from '../authority.ts';
import type { LeaseJournal } from '../journal/ports.ts';
import type { Log } from '../log.ts';
import { Approvals } from './approvals.ts';
import { Holder } from './holder.ts';
import { isOver, PimLease } from './lease.ts';
import { Lost } from './lost.ts';
import { step } from './step.ts';
import { grantOf } from './view.ts';

export interface PimParts {
  selfService: SelfService;
  access: Provider['access'];
  approving: Approving;
  /** The journal of this machine was lost, with what it held. */
  lost(): boolean;
  /** What it held is known again. */
  onRecovered(): void;
  /** What the screen calls a resource. */
  resolve(id: ResourceId, signal: AbortSignal): Promise<Answer<ResourceRef>>;
  /** Who is signed in to the cloud, when somebody is. */
  person(): Person | undefined;
  journal: LeaseJournal;
  truth: Truth;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Entra PIM's own window for approvers. */
const LAPSES_AFTER = 24 * HOUR;

/** Entra PIM decides, with the engineer's own identity: no server of ours is needed. */
export class PimAuthority implements Authority {
  readonly id = 'pim';
  readonly #parts: PimParts;
  readonly #holder: Holder;
  readonly #approvals: Approvals;
  readonly #lost: Lost;
  /** Requests being prepared: the same idempotency key twice is one request, also while the first is under way. */
  readonly #preparing = new Map<string, Promise<Answer<RequestId>>>();
  #resumed = false;
  #stopped = false;

  constructor(parts: PimParts) {
    this.#parts = parts;
    this.#holder = new Holder({ ...parts, machine: step });
    this.#approvals = new Approvals(parts);
    this.#lost = new Lost({
      ...parts,
      wanted: () => parts.lost() && parts.person() !== undefined,
      onFound: (found) => this.#takeUp(found),
    });
  }

  start(): void {
    const { journal, clock, log } = this.#parts;
    const rows = this.#resumed ? [] : journal.may((leases) => leases.load('pim', clock.now() - HOUR));
    if (!rows) return;
    this.#resumed = true;
    for (const row of rows) {
      const lease = v.safeParse(PimLease, readJson(row.body));
      if (lease.success) this.#holder.resume(lease.output, row.bootDue);
      else log.error('lease not understood', { grantId: row.grantId });
    }
  }

  get resumed(): boolean {
    return this.#resumed;
  }

  get recovered(): boolean {
    return this.#lost.found;
  }

  /** Nothing was asked for while the journal could not be read: what it holds is all. */
  healed(): void {
    this.start();
    this.#holder.rewrite();
  }

  clockJumped(): void {
    this.#holder.clockJumped();
  }

  async eligibility(resource: ResourceRef, signal: AbortSignal): Promise<Answer<RoleOption[]>> {
    if (!this.#parts.person()) return notSignedIn();
    return yes((await this.#parts.selfService.eligible(resource, signal)).flatMap((role) => fitted(RoleOption, role) ?? []));
  }

  async preview(ask: Params<'preview'>, resource: ResourceRef, signal: AbortSignal): Promise<Answer<Preview>> {
    if (!this.#parts.person()) return notSignedIn();
    const { selfService, clock } = this.#parts;
    const [roles, rules, locks] = await Promise.all([
      selfService.eligible(resource, signal),
      selfService.rules(resource.id, ask.roleId, signal),
      this.#locks(resource, signal),
    ]);
    const role = roles.find(({ id }) => id === ask.roleId);
    const decision = decide(role, rules, locks.found, ask.duration, clock.now());
    const preview: Preview = {
      outcome: decision.outcome,
      headline: headline(decision, rules),
      decision,
      approvers: rules.approvers,
      longest: rules.longest,
      ticketRequired: rules.ticketRequired,
      actions: role?.actions ?? [],
      elevatedHere: this.#elevatedHere(resource),
      warnings: [
        ...locks.warnings,
        'Azure takes an activation back 5 minutes after it began at the earliest.',
        `After its end a right may still work for up to ${Math.ceil(selfService.propagation / MINUTE)} min.`,
      ],
    };
    return yes(fitted(Preview, preview) ?? preview);
  }

  request(params: RequestParams, resource: ResourceRef, signal: AbortSignal): Promise<Answer<RequestId>> {
    const key = params.idempotencyKey;
    const known = this.#holder.all.find(({ requestId }) => requestId === key);
    if (known) return Promise.resolve(yes(known.requestId));
    const preparing = this.#preparing.get(key);
    if (preparing) return preparing;
    const prepared = this.#request(params, resource, signal).finally(() => this.#preparing.delete(key));
    this.#preparing.set(key, prepared);
    return prepared;
  }

  async #request(params: RequestParams, resource: ResourceRef, signal: AbortSignal): Promise<Answer<RequestId>> {
    const { selfService, clock } = this.#parts;
    const person = this.#parts.person();
    if (!person) return notSignedIn();
    const [roles, rules, locks] = await Promise.all([
      selfService.eligible(resource, signal),
      selfService.rules(resource.id, params.roleId, signal),
      this.#locks(resource, signal),
    ]);
    const role = roles.find(({ id }) => id === params.roleId);
    const now = clock.now();
    const decision = decide(role, rules, locks.found, params.duration, now);
    if (!role) return no('not-eligible', decision.because, { wayOut: 'Ask an administrator to make you eligible in Entra PIM.' });
    if (locks.found.length > 0) return no('locked', decision.because, wayOut(decision));
    if (decision.outcome === 'refused') return no('refused-by-policy', decision.because, { ...wayOut(decision), field: 'duration' });
    if (rules.ticketRequired && !params.ticket)
      return no('bad-input', 'A ticket is required for this role', { field: 'ticket', wayOut: 'Give the ticket number.' });
    if (this.#standing(resource, role.id))
      return no('already-elevated', `You already hold or asked for ${role.title} on ${resource.name}`, {
        wayOut: 'Use it, or revoke it first.',
      });
    const { id, title, enforcement, allows, actions } = role;
    const requestId = params.idempotencyKey as RequestId;
    this.#holder.add({
      grantId: randomUUID() as GrantId,
      requestId,
      person,
      resource,
      role: { id, title, enforcement },
      allows,
      actions,
      duration: params.duration,
      reason: params.reason,
      ticket: params.ticket,
      decision,
      approvers: rules.approvers,
      approvals: [],
      createdAt: now,
      lapsesAt: now + LAPSES_AFTER,
      phase: 'intended',
      notAfter: now + params.duration,
      // With approvers no power can come of it yet.
      shown: rules.approvers === undefined,
      confirmed: false,
      checks: 0,
      tries: 0,
      denials: 0,
      nextAt: now,
      next: 'activate',
      alarmed: false,
    });
    return yes(requestId);
  }

  async cancel(id: RequestId): Promise<Answer<unknown>> {
    const lease = this.#holder.all.find(({ requestId }) => requestId === id);
    if (!lease) return no('not-found', 'There is no such request', { wayOut: 'Look at the list of requests again.' });
    if (lease.phase === 'intended') this.#holder.take(lease.grantId, { type: 'end', reason: 'revoked', by: lease.person });
    else if (lease.phase === 'waiting') this.#holder.take(lease.grantId, { type: 'cancel' });
    else if (lease.phase !== 'cancelling')
      return no('too-late', 'This request is already decided', { wayOut: 'Revoke the grant instead, if there is one.' });
    return yes({});
  }

  approve(id: RequestId, reason: string, signal: AbortSignal): Promise<Answer<unknown>> {
    return this.#approvals.approve(id, reason, signal);
  }

  deny(id: RequestId, reason: string, signal: AbortSignal): Promise<Answer<unknown>> {
    return this.#approvals.deny(id, reason, signal);
  }

  /** Asks the cloud now what waits for this person: they have signed in, or want to know. */
  refresh(): Promise<void> {
    this.#lost.look();
    return this.#approvals.refresh();
  }

  /** Whether somebody looks at this daemon. */
  watched(watched: boolean): void {
    this.#approvals.watched(watched);
  }

  async extend(): Promise<Answer<RequestId>> {
    return no('cannot-extend', 'Entra PIM cannot extend an activation', { wayOut: 'Revoke it after its first 5 minutes, and ask again.' });
  }

  async revoke(id: GrantId): Promise<Answer<unknown>> {
    const lease = this.#holder.get(id);
    if (!lease) return no('not-found', 'There is no such grant', { wayOut: 'Look at the list of grants again.' });
    if (isOver(lease)) return no('too-late', 'This grant has already ended');
    this.#holder.take(id, { type: 'end', reason: 'revoked', by: lease.person });
    return yes({});
  }

  get asking(): boolean {
    return this.#preparing.size > 0 || this.#holder.all.some(({ phase }) => phase === 'intended');
  }

  held(): GrantId[] {
    return this.#holder.all.filter((lease) => !isOver(lease)).map(({ grantId }) => grantId);
  }

  endsHere(): Grant[] {
    const now = this.#parts.clock.now();
    const open = this.#holder.all.filter((lease) => !isOver(lease) && lease.phase !== 'proving' && now < lease.notAfter);
    return open.flatMap((lease) => grantOf(lease) ?? []);
  }

  endAll(because: EndBecause): Promise<void> {
    for (const id of this.held()) this.#holder.take(id, { type: 'end', reason: because });
    return this.#accepted();
  }

  stop(): void {
    this.#stopped = true;
    this.#approvals.stop();
    this.#lost.stop();
    this.#holder.stop();
  }

  /** Holds again what Entra PIM says that this person has: its instant is Azure's own. */
  #takeUp(found: OwnElevation[]): void {
    const { clock, onRecovered } = this.#parts;
    const person = this.#parts.person();
    for (const one of found) {
      if (person?.id.toLowerCase() !== one.principalId || this.#holder.get(one.grantId)) continue;
      this.#holder.resume(foundAgain(one, person, clock.now()), undefined);
    }
    onRecovered();
  }

  /** Forgets what ended, once it is off the screen. */
  forget(id: GrantId): void {
    const lease = this.#holder.get(id);
    if (lease && isOver(lease)) this.#holder.forget(id);
  }

  /** Resolves when the cloud has accepted every end. What it does not accept yet stays in the journal, and on the screen. */
  async #accepted(): Promise<void> {
    const open = () => this.#holder.all.some((lease) => !isOver(lease) && lease.phase !== 'proving');
    while (!this.#stopped && open()) await new Promise<void>((resolve) => void this.#parts.clock.after(100, resolve));
  }

  #standing(resource: ResourceRef, roleId: string): boolean {
    return this.#holder.all.some((lease) => !isOver(lease) && lease.resource.id === resource.id && lease.role.id === roleId);
  }

  #elevatedHere(resource: ResourceRef): Preview['elevatedHere'] {
    return Object.values(this.#parts.truth.now().grants)
      .filter(({ resource: { balancerId }, state }) => balancerId === resource.balancerId && state !== 'gone' && state !== 'failed')
      .map(({ holder, role, notAfter }) => ({ holder, role: role.title, notAfter }));
  }

  /** A lock would keep Azure from taking the right back. Who may not read locks is told so. */
  async #locks(resource: ResourceRef, signal: AbortSignal): Promise<{ found: string[]; warnings: string[] }> {
    try {
      return { found: await this.#parts.access.locks(resource.id, signal), warnings: [] };
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'cloud-refused') throw error;
      return { found: [], warnings: ['You may not read resource locks here: a lock could delay the end.'] };
    }
  }
}

/** The decision was Entra PIM's, and is not known here any more. */
function foundAgain(found: OwnElevation, person: Person, now: number): PimLease {
  const { grantId, resource, role, allows, actions, reason, ticket, duration, startedAt, notAfter } = found;
  const waits = found.state === 'pending approval';
  const because = 'Found again in Entra PIM, after the journal of this machine was lost';
  return {
    grantId,
    requestId: randomUUID() as RequestId,
    person,
    resource,
    role,
    allows,
    actions,
    duration,
    reason,
    ticket,
    decision: {
      outcome: waits ? 'needs approval' : 'granted',
      because,
      wouldChange: [],
      rules: [],
      policyVersion: 'Entra PIM',
      at: startedAt,
    },
    approvals: [],
    createdAt: startedAt,
    lapsesAt: startedAt + LAPSES_AFTER,
    phase: waits ? 'waiting' : 'assigned',
    notAfter,
    shown: !waits,
    confirmed: !waits,
    checks: 0,
    tries: 0,
    denials: 0,
    nextAt: now,
    next: waits ? 'poll' : 'check',
    alarmed: false,
  };
}

function decide(role: RoleOption | undefined, rules: SelfServiceRules, locks: string[], duration: number, now: number): Decision {
  const base = { rules: [rules.policyId], policyVersion: rules.policyId, at: now };
  const refused = (because: string, ...wouldChange: string[]): Decision => ({ ...base, outcome: 'refused', because, wouldChange });
  if (!role) return refused('Entra PIM has no eligible assignment of yours for this role here', 'An administrator makes you eligible');
  if (role.unavailable !== undefined) return refused(role.unavailable);
  if (locks.length > 0)
    return refused(`A resource lock would keep Azure from taking the right back: ${locks.join(', ')}`, 'The lock is removed first');
  if (duration > rules.longest) {
    const longest = Math.floor(rules.longest / MINUTE);
    return refused(`Entra PIM allows at most ${longest} min for this role`, `Ask for ${longest} min or less`);
  }
  if (rules.approvers)
    return { ...base, outcome: 'needs approval', because: 'The role settings in Entra PIM ask for approval', wouldChange: [] };
  return { ...base, outcome: 'granted', because: 'The role settings in Entra PIM allow this at once', wouldChange: [] };
}

function headline(decision: Decision, { approvers }: SelfServiceRules): string {
  if (decision.outcome === 'refused') return `Refused: ${decision.because}`.slice(0, 500);
  if (decision.outcome === 'granted' || !approvers) return 'Granted at once';
  const names = approvers.people.map(({ name }) => name).join(' or ');
  return `Needs approval by ${names || approvers.group || 'an approver'}`.slice(0, 500);
}

const wayOut = ({ wouldChange }: Decision): { wayOut?: string } => (wouldChange[0] === undefined ? {} : { wayOut: wouldChange[0] });

const notSignedIn = () => no('not-signed-in', 'You are not signed in to Azure', { wayOut: 'Sign in, then try again.' });
