import type { AuditBody } from '../protocol/audit.ts';
import { MINUTE } from '../protocol/clock.ts';
import type { RequestId, RoleId } from '../protocol/ids.ts';
import { mayStand } from '../protocol/lifecycle.ts';
import type { Params, RequestParams } from '../protocol/messages.ts';
import type { AuthorityId, Grant, ResourceRef, RoleRef } from '../protocol/model.ts';
import { type Answer, no, yes } from '../protocol/refusal.ts';
import { isNewer } from '../protocol/version.ts';
import type { Authorities, Authority, Truth } from './authority.ts';
import type { Handlers } from './door/methods.ts';
import type { Inventory } from './inventory/inventory.ts';
import type { Journal } from './journal/journal.ts';
import type { LiveState } from './live-state.ts';
import type { CentralRecord } from './record/central-record.ts';
import type { Receipted } from './record/receipted.ts';

export interface SignIns {
  begin(to: Params<'sign-in'>['to']): Promise<Answer<{ open?: string; scopes?: string[] }>>;
  session(token: string, expiresAt: number): Promise<Answer<Record<never, never>>>;
  signOut(to: Params<'sign-out'>['to']): Promise<Answer<Record<never, never>>>;
}

export interface HandlerParts {
  live: LiveState;
  truth: Truth;
  authorities: Authorities;
  inventory: Inventory;
  /** The person wants to know what is true now, beside the list of load balancers. Resolves when it is, or after a while. */
  onRefresh(): Promise<void>;
  journal: Journal;
  /** Asked before anything that may give new power. */
  receipted: Receipted;
  /** Where there is a central. */
  centralRecord: CentralRecord | undefined;
  signIns: SignIns;
  /** Ends with the daemon. */
  signal: AbortSignal;
  onStop(): void;
  onHandOver(): void;
}

/** Every method of the door. Reading asks the cache; everything about power asks the authority that decides it. */
export function handlers(parts: HandlerParts): Handlers {
  const { live, authorities, inventory, journal, receipted, signIns, signal } = parts;
  const accepted = (answer: Answer<unknown>) => (answer.ok ? yes({}) : answer);
  const named = (answer: Answer<string>) => (answer.ok ? yes({ requestId: answer.value as never }) : answer);

  return {
    snapshot: () => live.snapshot(),

    'inventory.accounts': () => inventory.accounts(),
    'inventory.balancers': (params) => inventory.balancers(params),
    'inventory.parts': ({ resourceId }) => inventory.parts(resourceId, signal),
    'inventory.find': (params) => inventory.find(params),
    'inventory.resolve': ({ resourceId }) => inventory.resolve(resourceId, signal),
    'inventory.refresh': async () => {
      void inventory.refresh();
      await parts.onRefresh();
      return {};
    },

    eligibility: async ({ resourceId }) => {
      const resource = await inventory.resolve(resourceId, signal);
      if (!resource.ok) return resource;
      const roles = await authorities.eligibility(resource.value, signal);
      return roles.ok ? yes({ roles: roles.value }) : roles;
    },
    preview: async (ask) => {
      const to = authorities.of(ask.authority);
      if (!to) return notEnrolled(ask.authority);
      const resource = await inventory.resolve(ask.resourceId, signal);
      return resource.ok ? to.preview(ask, resource.value, signal) : resource;
    },
    request: async (params) => {
      const to = authorities.of(params.authority);
      if (!to) return notEnrolled(params.authority);
      const resource = await inventory.resolve(params.resourceId, signal);
      if (!resource.ok) return resource;
      const role = (await authorities.role(params.roleId, to, resource.value, signal)) ?? params.roleId;
      // Last: the daemon may have been told to stop meanwhile.
      const standing = mayAsk(live, journal);
      if (!standing.ok) return standing;
      await receipted.intend(intent(live, params, params.authority, resource.value, role), signal);
      return named(await to.request(params, resource.value, signal));
    },
    'request.cancel': async ({ requestId }) => {
      const to = deciding(authorities, live.now.requests[requestId]);
      return to.ok ? accepted(await to.value.cancel(requestId, signal)) : to;
    },
    'request.approve': async ({ requestId, reason }) => {
      const to = deciding(authorities, live.now.requests[requestId]);
      return to.ok ? accepted(await to.value.approve(requestId, reason, signal)) : to;
    },
    'request.deny': async ({ requestId, reason }) => {
      const to = deciding(authorities, live.now.requests[requestId]);
      return to.ok ? accepted(await to.value.deny(requestId, reason, signal)) : to;
    },
    extend: async (params) => {
      const grant = live.now.grants[params.grantId];
      const to = deciding(authorities, grant);
      if (!to.ok || !grant) return to.ok ? nothing() : to;
      if (!grant.mine) return no('not-yours', 'Only who holds a grant can extend it', { wayOut: 'Ask for access of your own.' });
      const standing = mayAsk(live, journal);
      if (!standing.ok) return standing;
      await receipted.intend({ ...intent(live, params, grant.authority, grant.resource, grant.role), grantId: grant.id }, signal);
      return named(await to.value.extend(params, grant, signal));
    },
    revoke: async ({ grantId }) => {
      const to = deciding(authorities, live.now.grants[grantId]);
      return to.ok ? accepted(await to.value.revoke(grantId, 'revoked', signal)) : to;
    },
    'revoke.all': async () => {
      const mine = Object.values(live.now.grants).filter(({ mine, state }) => mine && mayStand(state) && state !== 'revoking');
      const answers = await Promise.all(mine.map((grant) => revoked(authorities, grant, signal)));
      const refused = answers.filter((answer) => answer !== undefined);
      return { revoking: mine.length - refused.length, refused };
    },

    'audit.query': (params) => journal.query(params),
    'audit.chains': (params) => journal.chains(params),
    'audit.read': (params) => journal.read(params),
    'audit.signed': () => ({ lines: parts.centralRecord?.signed() ?? [] }),
    'audit.subtrees': async ({ source, ranges }) => {
      const hashes = source === 'central' ? await parts.centralRecord?.subtrees(ranges, signal) : journal.subtrees(source, ranges);
      return hashes ? { hashes } : {};
    },
    'audit.facets': () => journal.facets(),

    'sign-in': ({ to }) => signIns.begin(to),
    'sign-in.session': ({ token, expiresAt }) => signIns.session(token, expiresAt),
    'sign-out': ({ to }) => signIns.signOut(to),

    'daemon.stop': () => {
      parts.onStop();
      return {};
    },
    'daemon.hand-over': ({ version }) => {
      const { daemon } = live.now;
      if (!isNewer(version, daemon.version))
        return no('unsupported', `This daemon has version ${daemon.version}, and goes on`, { wayOut: 'Use this daemon, or stop it.' });
      parts.onHandOver();
      return yes({});
    },
  };
}

/** What goes to the record before anybody is asked for power. */
function intent(
  live: LiveState,
  { duration, reason, ticket, idempotencyKey }: Pick<RequestParams, 'duration' | 'reason' | 'ticket' | 'idempotencyKey'>,
  authority: AuthorityId,
  resource: ResourceRef,
  role: RoleRef | RoleId,
): Omit<AuditBody, 'at' | 'boot'> {
  const { id, known } = typeof role === 'string' ? { id: role } : { id: role.id, known: role };
  const [to, whom] = authority === 'central' ? (['central', 'central'] as const) : (['azure', 'Entra PIM'] as const);
  return {
    kind: 'request.intended',
    text: `Asks ${whom} for ${known?.title ?? id} on ${resource.name} for ${Math.round(duration / MINUTE)} min`,
    person: live.now.signIns.find((signIn) => signIn.to === to)?.person,
    resource,
    role: known,
    requestId: idempotencyKey as RequestId,
    reason,
    ticket,
    data: { role: id, duration, authority },
  };
}

function deciding(authorities: Authorities, known: { authority: AuthorityId } | undefined): Answer<Authority> {
  const authority = known && authorities.of(known.authority);
  return authority ? yes(authority) : nothing();
}

/** No durable record, no new power; and a daemon that stops takes nothing new. */
function mayAsk(live: LiveState, journal: Journal): Answer<undefined> {
  if (live.now.daemon.stopping) return no('unreachable', 'The daemon is stopping', { wayOut: 'Try again in a few seconds.' });
  if (journal.unhealthy !== undefined)
    return no('unhealthy', `No durable record is possible: ${journal.unhealthy}`, {
      wayOut: 'Free disk space or mend the state folder. Ending access still works.',
    });
  return yes(undefined);
}

/** Undefined when it is being revoked; otherwise why not. */
async function revoked(authorities: Authorities, grant: Grant, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await authorities.of(grant.authority)?.revoke(grant.id, 'revoked', signal);
    return answer?.ok ? undefined : `${grant.resource.name}: ${answer ? answer.refusal.message : 'its authority is not enrolled any more'}`;
  } catch (error) {
    return `${grant.resource.name}: ${error instanceof Error ? error.message : 'unknown'}`;
  }
}

const nothing = () => no('not-found', 'There is no such request or grant here', { wayOut: 'Look at the list again.' });

const notEnrolled = (authority: AuthorityId) =>
  no(
    'unsupported',
    authority === 'central' ? 'This machine is not enrolled with a central service' : 'This machine is not enrolled for Entra PIM',
    {
      field: 'authority',
      wayOut: 'Choose a role that is offered, or change the enrolment file.',
    },
  );
