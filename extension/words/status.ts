import { type Instant, MINUTE, type Millis, SECOND } from '../../protocol/clock.ts';
import type { ElevationRequest } from '../../protocol/model.ts';
import { inFull } from '../../protocol/problem-words.ts';
import { isUnknown, mine, type ShownGrant, stuckBy, type View, waiting } from '../view.ts';
import { decidedBy } from './people.ts';
import { short, spelled, type TimeWords, ticking } from './time.ts';

export interface Status {
  text: string;
  /** Without a countdown, so that it is not rewritten while somebody reads it. */
  tooltip: string;
  background?: 'warning' | 'error' | undefined;
  /** For screen readers: changes at whole minutes only. */
  label: string;
  /** When it must be drawn again. Absent: not before the next change of state. */
  next?: Instant | undefined;
}

const WARN_WITHIN: Millis = 5 * MINUTE;
const CLICK = 'Select to see what you hold.';

/** The status bar item; undefined hides it. */
export function status(view: View, now: Instant, time: TimeWords): Status | undefined {
  const held = mine(view);
  if (isUnknown(view)) return unknown(view);
  const stands = stuck(held);
  if (stands) return stands;
  const usable = held.filter(({ shown }) => shown === 'usable');
  const [first] = usable;
  if (first) return counting(first, held, now, time);
  return busy(held, 'revoking', 'Revoking') ?? busy(held, 'activating', 'Activating') ?? pending(waiting(view));
}

function counting(first: ShownGrant, held: ShownGrant[], now: Instant, time: TimeWords): Status {
  const { resource, role, notAfter } = first.grant;
  const name = resource.balancerName;
  const others = held.length - 1;
  const left = notAfter - now;
  const tooltip = [`${role.title} on ${resource.name} until ${time.at(notAfter, now)}`, ...rest(held, first), CLICK].join('\n');
  const and = others > 0 ? `, and ${others} more` : '';
  if (left <= 0) {
    const label = `Access to ${resource.name} has run out and is being taken back${and}`;
    return { text: `$(sync~spin) Ending ${name}${plus(others)}`, tooltip, label };
  }
  const label = `Elevated on ${resource.name} as ${role.title}, ${spelled(left)} left${and}`;
  if (left <= WARN_WITHIN) {
    const text = `$(unlock) ${name} ${ticking(left)}${plus(others)}`;
    return { text, tooltip, background: 'warning', label, next: stepAfter(left, SECOND, notAfter) };
  }
  const next = Math.min(notAfter - WARN_WITHIN, stepAfter(left, MINUTE, notAfter));
  return { text: `$(unlock) ${name} ${short(left)}${plus(others)}`, tooltip, label, next };
}

/** The first instant at which fewer whole steps are left than now. */
function stepAfter(left: Millis, step: Millis, end: Instant): Instant {
  const whole = Math.floor(left / step);
  return whole === 0 ? end : end - whole * step + 1;
}

/** Before any countdown: here somebody must act. */
function stuck(held: ShownGrant[]): Status | undefined {
  const first = held.find(stuckBy);
  const problem = first && stuckBy(first);
  if (!problem) return undefined;
  const { resource } = first.grant;
  return {
    text: `$(warning) Cannot revoke ${resource.balancerName}${plus(held.length - 1)}`,
    tooltip: [inFull(problem), 'Portcullis goes on trying.', ...rest(held, first), CLICK].join('\n'),
    background: 'warning',
    label: `Access to ${resource.name} cannot be revoked: ${inFull(problem)}`,
  };
}

function busy(held: ShownGrant[], shown: 'revoking' | 'activating', verb: string): Status | undefined {
  const [first, ...others] = held.filter((one) => one.shown === shown || (shown === 'activating' && one.shown === 'assigned'));
  if (!first) return undefined;
  const name = first.grant.resource.balancerName;
  const what = first.grant.awaiting ?? first.grant.problem?.message;
  return {
    text: `$(sync~spin) ${verb} ${name}${plus(others.length)}`,
    tooltip: [what, CLICK].filter(Boolean).join('\n'),
    label: `${verb} access to ${first.grant.resource.name}${what ? `: ${what}` : ''}`,
  };
}

function pending([first, ...others]: ElevationRequest[]): Status | undefined {
  if (!first) return undefined;
  const who = decidedBy(first.approvers);
  return {
    text: `$(clock) Waiting for approval${plus(others.length)}`,
    tooltip: `${first.role.title} on ${first.resource.name}: waiting for ${who}\n${CLICK}`,
    label: `Your request for ${first.resource.name} waits for ${who}`,
  };
}

function unknown(view: View): Status {
  const why = whyUnknown(view);
  return {
    text: '$(warning) Access state unknown',
    tooltip: [why ?? 'The last news cannot be confirmed.', CLICK].join('\n'),
    background: 'error',
    label: `Access state unknown. ${why ?? 'The last news cannot be confirmed.'}`,
  };
}

function whyUnknown(view: View): string | undefined {
  if (view.link.state === 'absent') return `No daemon runs: ${view.link.problem}.`;
  if (view.link.state === 'connecting') return 'Connecting to the Portcullis daemon.';
  if (view.link.state !== 'connected') return 'Contact with the Portcullis daemon is lost.';
  if (view.state?.heldUnknown) return `${view.state.heldUnknown}.`;
  return view.state?.central.problem ?? mine(view).find(({ shown }) => shown === 'unknown')?.grant.problem?.message;
}

const plus = (others: number) => (others > 0 ? ` +${others}` : '');

const rest = (held: ShownGrant[], first: ShownGrant) =>
  held.filter((one) => one !== first).map(({ grant, shown }) => `${grant.role.title} on ${grant.resource.name}: ${shown}`);
