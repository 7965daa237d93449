import { type AuditEvent, canonicalJson } from '../../protocol/audit.ts';
import type { Person } from '../../protocol/model.ts';

type Cell = string | number | undefined;

const COLUMNS: readonly (readonly [name: string, cell: (event: AuditEvent) => Cell])[] = [
  ['at', ({ at }) => utc(at)],
  ['kind', ({ kind }) => kind],
  ['text', ({ text }) => text],
  ['person', ({ person }) => person?.name],
  ['person_email', ({ person }) => person?.email],
  ['person_id', ({ person }) => person?.id],
  ['resource', ({ resource }) => resource?.name],
  ['resource_kind', ({ resource }) => resource?.kind],
  ['resource_id', ({ resource }) => resource?.id],
  ['balancer', ({ resource }) => resource?.balancerName],
  ['role', ({ role }) => role?.title],
  ['enforcement', ({ role }) => role?.enforcement],
  ['reason', ({ reason }) => reason],
  ['ticket', ({ ticket }) => ticket],
  ['decision', ({ decision }) => decision?.outcome],
  ['decision_because', ({ decision }) => decision?.because],
  ['rules', ({ decision }) => decision?.rules.join(' ')],
  ['policy_version', ({ decision }) => decision?.policyVersion],
  ['approved_by', ({ approvedBy }) => approvedBy?.map(named).join('; ')],
  ['late_by_ms', ({ lateBy }) => lateBy],
  ['request_id', ({ requestId }) => requestId],
  ['grant_id', ({ grantId }) => grantId],
  ['data', ({ data }) => data && canonicalJson(data)],
  ['source', ({ source }) => source],
  ['seq', ({ seq }) => seq],
  ['at_ms', ({ at }) => at],
  ['boot_ms', ({ boot }) => boot],
  ['hash', ({ hash }) => hash],
  ['prev', ({ prev }) => prev],
];

/** First line of the file. */
export const csvHead = (): string => line(COLUMNS.map(([name]) => name));

/** One event as one record of RFC 4180. */
export const csvRecord = (event: AuditEvent): string => line(COLUMNS.map(([, cell]) => cell(event)));

const line = (cells: readonly Cell[]): string => `${cells.map(field).join(',')}\r\n`;

/** What a spreadsheet would take for a formula, also behind spaces or in full-width form. */
const FORMULA = /^[\s\p{Cc}\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/u;

/** Text is always quoted, and an apostrophe keeps a spreadsheet from running it. Numbers of ours stand as they are. */
function field(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return String(cell);
  const text = cell.toWellFormed();
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

const named = ({ name, email }: Person): string => (email ? `${name} <${email}>` : name);

const FARTHEST = 8.64e15;
const utc = (at: number): string => (Math.abs(at) <= FARTHEST ? new Date(at).toISOString() : '');
