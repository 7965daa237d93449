import type { AuditEvent } from '../protocol/audit.ts';
import { keyOf } from './event-pages.ts';
import { nameOf, type Tone } from './kinds.ts';
import type { Times } from './times.ts';
import { oneLine } from './visible-text.ts';

export interface Row {
  key: string;
  time: string;
  kind: string;
  tone: Tone;
  person: string;
  resource: string;
  text: string;
  /** What a screen reader says. */
  label: string;
}

export const COLUMNS = ['Time', 'Event', 'Person', 'Balancer', 'What happened'] as const;

export function rowOf(event: AuditEvent, times: Times): Row {
  const time = times.row(event.at);
  const { label: kind, tone } = nameOf(event);
  const person = oneLine(event.person?.name ?? '');
  const resource = event.resource ? whole(event.resource) : '';
  const text = oneLine(event.text);
  return {
    key: keyOf(event),
    time,
    kind,
    tone,
    person,
    resource,
    text,
    label: [kind, resource, person, text, time].filter(Boolean).join(', '),
  };
}

/** A part is named with its balancer: `prod-edge › web`. */
function whole({ id, name, balancerId, balancerName }: NonNullable<AuditEvent['resource']>): string {
  return oneLine(id === balancerId ? name : `${balancerName} › ${name}`);
}
