import type { AuditEvent } from '../../../protocol/audit.ts';
import { afterWords } from '../../../protocol/lateness.ts';
import { type Block, table } from '../blocks.ts';
import { resourceName, shortId } from './grant.ts';
import { fullTime, span } from './time.ts';

/** Oldest first, as they are given. */
export function eventTable(events: readonly AuditEvent[], zone: string): Block {
  return table(
    ['TIME', 'EVENT', 'PERSON', 'RESOURCE', 'GRANT', 'WHAT'],
    events.map((event) => [
      { text: fullTime(event.at, zone), tone: 'dim' },
      event.kind,
      event.person?.name ?? '',
      event.resource ? resourceName(event.resource) : '',
      event.grantId ? shortId(event.grantId) : '',
      told(event),
    ]),
  );
}

const told = ({ text, lateBy, lateAfter }: AuditEvent): string =>
  lateBy === undefined ? text : `${text} (${span(lateBy)} ${afterWords(lateAfter)})`;
