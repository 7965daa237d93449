import type { AuditEvent, AuditKind } from '../protocol/audit.ts';
import type { Instant, Millis } from '../protocol/clock.ts';
import { afterWords } from '../protocol/lateness.ts';
import { hindrance } from '../protocol/lifecycle.ts';
import type { ElevationRequest, Grant } from '../protocol/model.ts';
import type { Story } from '../protocol/panel.ts';
import { inFull } from '../protocol/problem-words.ts';
import { keyOf } from './event-pages.ts';
import { isKind, nameOf, type Tone } from './kinds.ts';
import { duration, left, type Times } from './times.ts';
import { oneLine, visible } from './visible-text.ts';

export interface Step {
  key: string;
  label: string;
  tone: Tone;
  time: string;
  text: string;
  /** Time since the step before, in words. */
  after?: string | undefined;
  event: AuditEvent;
}

export interface StoryModel {
  title: string;
  /** One line: state, and time left. It changes at minute steps only, so that it may be read aloud. */
  standing: string;
  /** What is waited for now; undefined when the story has ended. */
  awaiting?: string | undefined;
  /** In the person's own words, with the ticket. */
  reason?: string | undefined;
  facts: string[];
  steps: Step[];
}

/** How far each kind moves the story; what is further on decides how it stands, whichever clock wrote it. */
const STAGE: Partial<Record<AuditKind, number>> = {
  'request.created': 1,
  'request.decided': 2,
  'request.approved': 3,
  'grant.intended': 4,
  'grant.unknown': 5,
  'grant.assigned': 5,
  'grant.usable': 6,
  'grant.ending': 7,
  'request.denied': 8,
  'request.cancelled': 8,
  'request.expired': 8,
  'request.failed': 8,
  'grant.failed': 8,
  'grant.gone': 9,
};
const OVER = 8;

/** @param inContact Without contact to the daemon the last good news is no news: what has not ended is unknown. */
export function storyOf({ events, grant, request }: Story, times: Times, now: Instant, inContact = true): StoryModel {
  const ordered = [...events].sort((a, b) => a.at - b.at || stageOf(a) - stageOf(b) || a.seq - b.seq);
  const last = ordered.reduce<AuditEvent | undefined>(
    (far, event) => (stageOf(event) > 0 && stageOf(event) >= stageOf(far) ? event : far),
    undefined,
  );
  const over = stageOf(last) >= OVER;
  const lost = !inContact && !over;
  const awaiting = over ? undefined : lost ? 'Waiting for contact with the daemon' : awaited(last, grant, request, times);
  return {
    title: titleOf(ordered, grant, request),
    standing: lost ? GRANT_WORDS.unknown : standing(last, grant, request, now),
    awaiting: awaiting === undefined ? undefined : oneLine(awaiting),
    reason: reasonOf(ordered, grant ?? request),
    facts: factsOf(ordered),
    steps: toldOnce(ordered).map((event, index, told) => stepOf(event, told[index - 1], times)),
  };
}

function stageOf(event: AuditEvent | undefined): number {
  if (event?.kind === 'request.decided' && event.decision?.outcome === 'refused') return OVER;
  return event && isKind(event.kind) ? (STAGE[event.kind] ?? 0) : 0;
}

function titleOf(events: AuditEvent[], grant: Grant | undefined, request: ElevationRequest | undefined): string {
  const role = grant?.role ?? request?.role ?? events.find((event) => event.role)?.role;
  const resource = grant?.resource ?? request?.resource ?? events.find((event) => event.resource)?.resource;
  const person = grant?.holder ?? request?.requester ?? events.find((event) => event.kind === 'request.created')?.person;
  const what = [role?.title, resource?.name].filter(Boolean).join(' on ') || 'This grant';
  return oneLine(person ? `${what}, ${person.name}` : what);
}

function reasonOf(events: AuditEvent[], known: Pick<Grant, 'reason' | 'ticket'> | undefined): string | undefined {
  const reason = known?.reason ?? events.find((event) => event.reason)?.reason;
  const ticket = known?.ticket ?? events.find((event) => event.ticket)?.ticket;
  const words = [reason, ticket && `(${ticket})`].filter(Boolean).join(' ');
  return words === '' ? undefined : visible(words);
}

const GRANT_WORDS: Record<Grant['state'], string> = {
  activating: 'Activating',
  assigned: 'Assigned, not yet proven usable',
  usable: 'Usable',
  revoking: 'Revoking',
  gone: 'Gone',
  failed: 'Failed',
  unknown: 'Unknown',
};

function standing(last: AuditEvent | undefined, grant: Grant | undefined, request: ElevationRequest | undefined, now: Instant): string {
  if (stageOf(last) >= OVER && last) return nameOf(last).label;
  if (grant) {
    const running = grant.state === 'usable' || grant.state === 'assigned' || grant.state === 'activating';
    return running ? `${GRANT_WORDS[grant.state]}, ${left(grant.notAfter, now)}` : GRANT_WORDS[grant.state];
  }
  if (request?.state === 'pending approval') return 'Pending approval';
  return last ? nameOf(last).label : 'Nothing is recorded yet';
}

const AWAITED: Partial<Record<AuditKind, string>> = {
  'request.created': 'Waiting for the decision',
  'request.approved': 'Waiting for the grant',
  'grant.intended': 'Waiting until the cloud has assigned the role',
  'grant.assigned': 'Waiting until the right is proven usable',
  'grant.usable': 'Waiting for its end',
  'grant.unknown': 'Waiting until it is known how the grant stands',
  'grant.ending': 'Waiting until the cloud denies access',
};

function awaited(
  last: AuditEvent | undefined,
  grant: Grant | undefined,
  request: ElevationRequest | undefined,
  times: Times,
): string | undefined {
  const kept = grant && hindrance(grant);
  if (kept) return inFull(kept);
  if (grant?.awaiting && (grant.state !== 'usable' || last?.kind === 'grant.usable')) return grant.awaiting;
  if (grant?.state === 'unknown') return AWAITED['grant.unknown'];
  if (grant?.state === 'revoking') return AWAITED['grant.ending'];
  if (grant?.state === 'usable') return `Ends at ${times.ofDay(grant.notAfter)}`;
  if (request?.state === 'pending approval' || (last?.kind === 'request.decided' && last.decision?.outcome === 'needs approval')) {
    const names = request?.approvers?.people.map(({ name }) => name) ?? [];
    const who = names.length > 0 ? names.join(', ') : (request?.approvers?.group ?? 'an approver');
    return `Waiting for approval by ${who}`;
  }
  if (last?.kind === 'request.decided') return AWAITED['request.approved'];
  return last && isKind(last.kind) ? AWAITED[last.kind] : undefined;
}

/** The spans that people ask for: how long it took, how long it was held, how late it ended. */
function factsOf(events: AuditEvent[]): string[] {
  const first = (kind: AuditKind) => events.find((event) => event.kind === kind)?.at;
  const gone = events.findLast(({ kind }) => kind === 'grant.gone');
  const span = (from: Instant | undefined, to: Instant | undefined): Millis | undefined =>
    from === undefined || to === undefined || to < from ? undefined : to - from;
  const toUse = span(first('request.created'), first('grant.usable'));
  const held = span(first('grant.usable'), gone?.at);
  const toEnd = span(first('grant.ending'), gone?.at);
  return [
    toUse === undefined ? undefined : `From request to usable: ${duration(toUse)}`,
    held === undefined ? undefined : `Usable until gone: ${duration(held)}`,
    toEnd === undefined || gone?.lateBy !== undefined ? undefined : `From revoking to gone: ${duration(toEnd)}`,
    gone?.lateBy === undefined ? undefined : `Gone ${duration(gone.lateBy)} ${afterWords(gone.lateAfter)}`,
  ].filter((fact) => fact !== undefined);
}

/** One hold is recorded on both sides, by the daemon that has it and by central that gave it: a step of its own says both. */
const BOTH_SIDES: readonly string[] = ['lease.taken', 'lease.resumed'] satisfies AuditKind[];
const SAME_HOLD: Millis = 60_000;

function toldOnce(events: AuditEvent[]): AuditEvent[] {
  const other = ({ kind, source, at }: AuditEvent, found: AuditEvent) =>
    BOTH_SIDES.includes(kind) &&
    found.kind === kind &&
    Math.abs(found.at - at) <= SAME_HOLD &&
    (found.source === 'central') !== (source === 'central');
  return events.flatMap((event, index) => {
    if (events.slice(0, index).some((before) => other(event, before))) return [];
    const twin = events.slice(index + 1).find((later) => other(event, later));
    if (!twin) return [event];
    const daemon = event.source === 'central' ? twin : event;
    return [{ ...event, text: `${daemon.text}, and central has it on record` }];
  });
}

function stepOf(event: AuditEvent, before: AuditEvent | undefined, times: Times): Step {
  const since = before === undefined ? undefined : event.at - before.at;
  return {
    key: keyOf(event),
    ...nameOf(event),
    time: times.row(event.at),
    text: visible(event.text),
    after: since === undefined ? undefined : since < 1 ? 'at once' : `${duration(since)} later`,
    event,
  };
}
