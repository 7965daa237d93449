import type { AuditEvent, AuditFilter, AuditKind } from '../../protocol/audit.ts';
import type { GrantId } from '../../protocol/ids.ts';
import { QUERY_ROWS } from '../../protocol/messages.ts';
import { findGrant, findResource } from './names.ts';
import { type Session, slowly } from './session.ts';

/** The filters of `audit tail` and `audit export`, as typed. */
export interface FilterOptions {
  person?: string | undefined;
  balancer?: string | undefined;
  grant?: string | undefined;
  kind?: AuditKind | undefined;
  text?: string | undefined;
}

export async function filterOf(session: Session, options: FilterOptions): Promise<AuditFilter> {
  const filter: AuditFilter = {};
  if (options.person !== undefined) filter.person = options.person;
  if (options.balancer !== undefined) filter.balancer = (await findResource(session, options.balancer)).ref.balancerId;
  if (options.grant !== undefined) filter.grantId = grantOf(session, options.grant);
  if (options.kind !== undefined) filter.kind = options.kind;
  if (options.text !== undefined) filter.text = options.text;
  return filter;
}

const grantOf = (session: Session, typed: string): GrantId => findGrant(session.state.grants, typed);

/** The newest `most` events that match, oldest first. */
export async function newest(session: Session, filter: AuditFilter, most: number): Promise<AuditEvent[]> {
  return slowly(session.line, 'Reading the record', collect(session, filter, most));
}

async function collect(session: Session, filter: AuditFilter, most: number): Promise<AuditEvent[]> {
  const events = new Map<string, AuditEvent>();
  for (let offset = 0; offset < most; ) {
    const page = await session.ask('audit.query', { filter, offset, limit: Math.min(QUERY_ROWS, most - offset) });
    for (const event of page.events) events.set(`${event.source} ${event.seq}`, event);
    offset += page.events.length;
    if (page.events.length === 0 || offset >= page.total) break;
  }
  return [...events.values()].reverse();
}
