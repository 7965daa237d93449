import type { AuditEvent, AuditFilter } from '../protocol/audit.ts';
import type { Instant } from '../protocol/clock.ts';
import { afterWords } from '../protocol/lateness.ts';
import type { Person } from '../protocol/model.ts';
import { duration, relative, type Times } from './times.ts';
import { visible } from './visible-text.ts';

export interface Field {
  name: string;
  /** Several are shown below each other. */
  values: string[];
  /** In a fixed-width font: ids and hashes. */
  code?: true | undefined;
  /** Shows only what has this in common. */
  filter?: AuditFilter | undefined;
}

/** Who, what, which resource, when, why, by which decision, on whose approval, how late, and its place in the record. */
export function fieldsOf(event: AuditEvent, times: Times, now: Instant): Field[] {
  const { person, resource, role, decision } = event;
  const fields: (Field | undefined)[] = [
    field('What', event.text),
    field('When', times.full(event.at), relative(event.at, now)),
    person && { ...field('Who', nameOf(person)), filter: { person: person.id } },
    resource && { ...field('Resource', resource.name, resource.kind) },
    resource && { ...field('Balancer', resource.balancerName), filter: { balancer: resource.balancerId } },
    role && field('Role', role.title, ROLE_WORDS[role.enforcement]),
    event.reason ? field('Why', event.reason) : undefined,
    event.ticket ? field('Ticket', event.ticket) : undefined,
    decision && field('Decision', OUTCOME_WORDS[decision.outcome], decision.because, ...decision.wouldChange),
    decision && decision.rules.length > 0 ? code('Rules', ...decision.rules) : undefined,
    decision && code('Policy version', decision.policyVersion),
    event.approvedBy && event.approvedBy.length > 0 ? field('Approved by', ...event.approvedBy.map(nameOf)) : undefined,
    event.lateBy === undefined ? undefined : field('How late', `${duration(event.lateBy)} ${afterWords(event.lateAfter)}`),
    ...Object.entries(event.data ?? {}).map(([name, value]) => field(visible(name), String(value))),
    event.grantId && { ...code('Grant', event.grantId), filter: { grantId: event.grantId } },
    event.requestId && { ...code('Request', event.requestId), filter: { requestId: event.requestId } },
    resource && code('Resource id', resource.id),
    person && code('Person id', person.id),
    code('Recorded by', `${event.source}, event ${event.seq}`),
    field('Since boot of that machine', duration(event.boot)),
    code('Chain hash', event.hash),
    code('Hash before it', event.prev),
  ];
  return fields.filter((one) => one !== undefined);
}

const ROLE_WORDS = { native: 'Native: the cloud enforces exactly this', guarded: 'Guarded: central makes each change itself' };
const OUTCOME_WORDS = { granted: 'Granted', 'needs approval': 'Needs approval', refused: 'Refused' };

const field = (name: string, ...values: string[]): Field => ({ name, values: values.filter(Boolean).map(visible) });
const code = (name: string, ...values: string[]): Field => ({ ...field(name, ...values), code: true });
const nameOf = ({ name, email }: Person): string => (email ? `${name} (${email})` : name);
