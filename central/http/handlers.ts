import type * as v from 'valibot';
import type { AuditEvent } from '../../protocol/audit.ts';
import type { CENTRAL } from '../../protocol/central-api.ts';
import { type Clock, HOUR, type Millis } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { GrantId } from '../../protocol/ids.ts';
import { mayStand } from '../../protocol/lifecycle.ts';
import { type Answer, no, yes } from '../../protocol/refusal.ts';
import { isLive } from '../grants/life.ts';
import type { GrantRunner } from '../grants/runner.ts';
import { type Actor, subject } from '../people/actor.ts';
import type { PolicyEngine } from '../policy/engine.ts';
import type { Deposits } from '../record/deposits.ts';
import type { Proofs } from '../record/proofs.ts';
import type { Previews } from '../requests/previews.ts';
import type { Requests } from '../requests/requests.ts';
import type { Store } from '../store/store.ts';
import { isHolder, type Views } from '../views.ts';

export type Endpoint = keyof typeof CENTRAL;
type Body<E extends Endpoint> = (typeof CENTRAL)[E]['body'] extends v.GenericSchema
  ? v.InferOutput<(typeof CENTRAL)[E]['body']>
  : undefined;
type Value<E extends Endpoint> = v.InferOutput<(typeof CENTRAL)[E]['value']>;

/** What a handler knows of a call: who, and what is in path and query. All of it checked. */
export interface Context {
  actor: Actor;
  id: string;
  after: number;
  limit: number;
  signal: AbortSignal;
}

export type Handlers = { [E in Endpoint]: (context: Context, body: Body<E>) => Promise<Answer<Value<E>>> };

export interface HandlerParts {
  store: Store;
  clock: Clock;
  policy: PolicyEngine;
  views: Views;
  requests: Requests;
  previews: Previews;
  runner: GrantRunner;
  deposits: Deposits;
  proofs: Proofs;
  grace: Millis;
}

/** How long what is over stays in the state of a person. */
const REMEMBERED: Millis = HOUR;

export function handlers({ store, clock, policy, views, requests, previews, runner, deposits, proofs, grace }: HandlerParts): Handlers {
  /** Of a grant that is not held: whether it has ended, or never was. While it stands in the store, nothing is known. */
  async function hasEnded(id: string): Promise<boolean> {
    const life = await store.grant(id);
    if (life && mayStand(life.state)) throw notKnown();
    return life !== undefined;
  }

  return {
    me: async ({ actor }) => yes({ person: actor.person, groups: [...actor.groups] }),
    eligibility: ({ actor, signal }, { resourceId }) => previews.eligibility(actor, resourceId, signal),
    preview: ({ actor, signal }, body) => previews.preview(actor, body, signal),
    request: ({ actor, signal }, body) => requests.create(actor, body, signal),
    cancel: ({ actor, id }) => requests.cancel(actor, id as Parameters<Requests['cancel']>[1]),
    approve: ({ actor, id, signal }, { reason }) => requests.approve(actor, id as Parameters<Requests['approve']>[1], reason, signal),
    deny: ({ actor, id }, { reason }) => requests.deny(actor, id as Parameters<Requests['deny']>[1], reason),

    async revoke({ actor, id }, { because }) {
      const life = runner.find(id as GrantId);
      if (!life) return (await hasEnded(id)) ? yes({}) : unknownGrant();
      const mine = isHolder(actor, life);
      if (!mine) {
        const target = (await store.request(life.requestId))?.target;
        const holder = { id: life.holder.id, groups: [] };
        if (!target || !policy.mayRevoke(subject(actor), { holder, role: life.role.id, target }))
          return no('not-yours', 'Only its holder can end this access');
      }
      // The daemon's clock may be ahead: before its instant an end is not an expiry.
      const expired = mine && because === 'expired' && clock.now() >= life.notAfter;
      const reason = mine && because !== 'expired' ? because : 'revoked';
      const after = await runner.send(life.id, expired ? { type: 'due' } : { type: 'end', reason, by: actor.person });
      // Ended in any case; but as long as only memory knows, a crash would forget it, and so it has to be asked again.
      if (after ? isLive(after) || !runner.isRecorded(life.id) : !(await hasEnded(id))) throw notKnown();
      return yes({});
    },

    async heartbeat({ actor, id }, { instance }) {
      const life = runner.find(id as GrantId);
      if (life && !isHolder(actor, life)) return notHolder();
      const after = life && isLive(life) ? await runner.send(life.id, { type: 'heartbeat', instance }) : undefined;
      if (after && isLive(after)) return yes({ holdUntil: Math.min(after.holdUntil, after.notAfter) });
      return life || (await hasEnded(id)) ? no('too-late', 'This access is ending or has ended') : unknownGrant();
    },

    async observed({ actor, id }, { access, at }) {
      const life = runner.find(id as GrantId);
      if (!life) return (await hasEnded(id)) ? yes({}) : unknownGrant();
      if (!isHolder(actor, life)) return notHolder();
      if (at > clock.now() + grace)
        return no('bad-input', 'at: lies in the future', { field: 'at', wayOut: 'Check the clock of this computer' });
      await runner.send(life.id, { type: 'observed', access, at });
      return yes({});
    },

    async state({ actor }) {
      // The position first: what comes after it is sent again, what came before is in here.
      const { seq } = await store.head();
      const since = clock.now() - REMEMBERED;
      const seesAll = views.seesAll(actor);
      const [asked, given] = [await store.requests(since), await store.grants(since)];
      const grants = given.flatMap((life) => views.grant(actor, life, seesAll) ?? []);
      return yes({
        seq,
        requests: asked.flatMap((request) => views.request(actor, request, seesAll) ?? []),
        grants: grants.filter(({ mine, state }) => mine || seesAll || mayStand(state)),
      });
    },

    checkpoint: ({ after }) => proofs.checkpoint(after),
    inclusion: (_, { seq, size }) => proofs.inclusion(seq, size),
    subtrees: (_, { ranges }) => proofs.subtrees(ranges),
    deposit: ({ actor }, { events }) => deposits.take(actor, events),

    async record({ actor, after, limit }) {
      const seesAll = views.seesAll(actor);
      const events: AuditEvent[] = [];
      let last = after;
      // A page is of what this person may see: a short one is the end of the record.
      for (;;) {
        const batch = await store.events(last, limit);
        for (const event of batch) {
          if (events.length === limit) return yes({ events, last });
          if (await views.maySee(actor, event, store, seesAll)) events.push(event);
          last = event.seq;
        }
        if (batch.length < limit) return yes({ events, last });
      }
    },
  };
}

const notKnown = () => new Fault('central-unreachable', 'Central cannot say yet how this access stands', { retryable: true });
const unknownGrant = () => no('not-found', 'There is no such grant');
const notHolder = () => no('not-yours', 'Somebody else holds this grant');
