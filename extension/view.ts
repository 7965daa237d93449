import type { GrantId, ResourceId } from '../protocol/ids.ts';
import { hindrance, isOpen, mayStand } from '../protocol/lifecycle.ts';
import type { ElevationRequest, Grant, GrantState, Problem, ResourceRef } from '../protocol/model.ts';
import { type DaemonState, type SignIn, shownState } from '../protocol/state.ts';
import type { Link } from './link.ts';

/** Everything that the screens are drawn from. */
export interface View {
  link: Link;
  /** The last state known; while the link is not `connected` it is old news. */
  state: DaemonState | undefined;
  /** Revoked by a click of this window, before the daemon's event: less power is shown at once. */
  asked: ReadonlySet<GrantId>;
  /** Something was held when this editor last knew: before the window was reloaded, or before the daemon was another. */
  heldBefore: boolean;
}

/** A grant with the state that may honestly be shown of it. */
export interface ShownGrant {
  grant: Grant;
  shown: GrantState;
}

export function show(view: View, grant: Grant): ShownGrant {
  return { grant, shown: shownGrantState(view, grant) };
}

function shownGrantState(view: View, grant: Grant): GrantState {
  if (!mayStand(grant.state)) return grant.state;
  if (view.link.state !== 'connected') return 'unknown';
  if (view.asked.has(grant.id)) return 'revoking';
  if (!view.state) return grant.state;
  const shown = shownState(grant, view.state);
  return shown === 'assigned' && goesOn(grant, view.state) ? 'usable' : shown;
}

/** An extension prolongs the very right that was seen to work under the grant that it follows: it did not cease meanwhile. */
function goesOn({ follows }: Grant, { grants }: DaemonState): boolean {
  const followed = follows === undefined ? undefined : grants[follows];
  return followed?.endReason === 'superseded' && followed.usableAt !== undefined;
}

/** Why it cannot be revoked before somebody does something, as far as that is known now. */
export const stuckBy = ({ grant, shown }: ShownGrant): Problem | undefined => (shown === 'revoking' ? hindrance(grant) : undefined);

const byEnd = (a: ShownGrant, b: ShownGrant) => a.grant.notAfter - b.grant.notAfter || (a.grant.id < b.grant.id ? -1 : 1);
const byAge = (a: ElevationRequest, b: ElevationRequest) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);

/** What may still stand, soonest end first. */
export function standing(view: View): ShownGrant[] {
  const grants = Object.values(view.state?.grants ?? {});
  return grants
    .filter(({ state }) => mayStand(state))
    .map((grant) => show(view, grant))
    .sort(byEnd);
}

/** What I hold, or held until its absence is proven. */
export const mine = (view: View): ShownGrant[] => standing(view).filter(({ grant }) => grant.mine);

export const revocable = (view: View): ShownGrant[] => mine(view).filter(({ shown }) => shown !== 'revoking');

export const extendable = (view: View): ShownGrant[] =>
  mine(view).filter(({ grant, shown }) => grant.extendable.ok && (shown === 'usable' || shown === 'assigned'));

/** My requests that wait for a decision, oldest first. */
export const waiting = (view: View): ElevationRequest[] =>
  Object.values(view.state?.requests ?? {})
    .filter((request) => request.mine && isOpen(request.state))
    .sort(byAge);

/** Requests that wait for me, oldest first. */
export const deciding = (view: View): ElevationRequest[] =>
  Object.values(view.state?.requests ?? {})
    .filter((request) => request.mayDecide && isOpen(request.state))
    .sort(byAge);

/** Nothing is known for certain about what I hold. */
export function isUnknown(view: View): boolean {
  const held = mine(view);
  if (view.link.state !== 'connected') return view.heldBefore || held.length > 0 || waiting(view).length > 0;
  if (view.heldBefore || held.some(({ shown }) => shown === 'unknown')) return true;
  const { heldUnknown, unhealthy } = view.state ?? {};
  // A journal that was damaged comes back never: what was begun since is known.
  return heldUnknown !== undefined && (unhealthy !== undefined || held.length === 0);
}

export interface AccessHere {
  grants: ShownGrant[];
  requests: ElevationRequest[];
}

/** Access by resource id, for the rows of the tree: made once for each change, not once for each row. */
export const accessByResource = (view: View): Map<ResourceId, AccessHere> => gather(view, ({ id }) => id);

/** The same by balancer: what is held on a part shows on its balancer too. */
export const accessByBalancer = (view: View): Map<ResourceId, AccessHere> => gather(view, ({ balancerId }) => balancerId);

function gather(view: View, key: (resource: ResourceRef) => ResourceId): Map<ResourceId, AccessHere> {
  const found = new Map<ResourceId, AccessHere>();
  const at = (id: ResourceId): AccessHere => {
    const here = found.get(id) ?? { grants: [], requests: [] };
    found.set(id, here);
    return here;
  };
  for (const shown of standing(view)) at(key(shown.grant.resource)).grants.push(shown);
  for (const request of waiting(view)) at(key(request.resource)).requests.push(request);
  return found;
}

/** Balancers whose row differs between two views. Undefined: any may. */
export function changedBalancers(before: View, after: View): Set<ResourceId> | undefined {
  if (before.link.state !== after.link.state || !before.state !== !after.state) return undefined;
  if (before.state?.central.state !== after.state?.central.state || before.asked !== after.asked) return undefined;
  const changed = new Set<ResourceId>();
  for (const part of ['grants', 'requests'] as const) {
    const [old, now] = [before.state?.[part] ?? {}, after.state?.[part] ?? {}];
    if (old === now) continue;
    for (const id of new Set([...Object.keys(old), ...Object.keys(now)])) {
      const [was, is] = [old[id], now[id]];
      if (was !== is) for (const thing of [was, is]) if (thing) changed.add(thing.resource.balancerId);
    }
  }
  return changed;
}

/** A cloud before central: what a person holds is held there. The daemon tells them in the order in which they changed. */
const signIns = (view: View): SignIn[] =>
  (view.state?.signIns ?? []).toSorted((a, b) => Number(a.to === 'central') - Number(b.to === 'central'));

/** Where signing in is needed. */
export const signedOutOf = (view: View): SignIn[] => signIns(view).filter(({ state }) => state === 'signed out' || state === 'failed');

export const signedInTo = (view: View): SignIn[] => signIns(view).filter(({ state }) => state === 'signed in');
