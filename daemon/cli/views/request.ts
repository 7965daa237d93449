import type { Approvers, ElevationRequest } from '../../../protocol/model.ts';
import { type Block, type Cell, fields, type Tone, table } from '../blocks.ts';
import { showDuration } from '../duration.ts';
import { resourceName, shortId } from './grant.ts';
import { clockTime, type Now } from './time.ts';

const TONES: Record<ElevationRequest['state'], Tone> = {
  requested: 'warn',
  'pending approval': 'warn',
  approved: 'good',
  denied: 'bad',
  cancelled: 'dim',
  expired: 'bad',
  failed: 'bad',
};

const requestState = (request: ElevationRequest): Cell => ({ text: request.state, tone: TONES[request.state] });

/** `Ben Okafor`, `2 of network-owners`, `1 of Ben Okafor, Carla Reyes`. */
export function approversWords(approvers: Approvers): string {
  const people = approvers.people.map(({ name }) => name).join(', ');
  const whom = approvers.group ?? people;
  if (!whom) return `${approvers.needed} ${approvers.needed === 1 ? 'person' : 'people'}`;
  return approvers.needed === 1 && !approvers.group && approvers.people.length === 1 ? whom : `${approvers.needed} of ${whom}`;
}

export function requestTable(requests: readonly ElevationRequest[], at: Now): Block {
  const rows = [...requests]
    .sort((a, b) => a.createdAt - b.createdAt)
    .map((request): Cell[] => [
      shortId(request.id),
      requestState(request),
      request.role.id,
      resourceName(request.resource),
      showDuration(request.duration),
      request.mine ? 'you' : request.requester.name,
      clockTime(request.createdAt, at),
      request.mayDecide
        ? 'yours to decide'
        : request.approvers && request.state === 'pending approval'
          ? `waits for ${approversWords(request.approvers)}`
          : '',
      { text: request.reason, tone: 'dim' },
    ]);
  return table(['REQUEST', 'STATE', 'ROLE', 'RESOURCE', 'FOR', 'ASKED BY', 'AT', '', 'REASON'], rows);
}

/** Exactly what is asked, for whoever decides. */
export function requestFields(request: ElevationRequest, at: Now): Block[] {
  const { approvers, decision } = request;
  return [
    fields([
      ['Request', request.id],
      ['State', requestState(request)],
      ['Asked by', `${request.requester.name}${request.requester.email ? ` <${request.requester.email}>` : ''}`],
      ['Role', `${request.role.title} (${request.role.id}, ${request.role.enforcement})`],
      ['Resource', resourceName(request.resource)],
      ['', { text: request.resource.id, tone: 'dim' }],
      ['For', showDuration(request.duration)],
      ['Reason', request.reason],
      ['Ticket', request.ticket],
      ['Asked at', clockTime(request.createdAt, at)],
      ['Lapses at', request.state === 'pending approval' ? clockTime(request.lapsesAt, at) : undefined],
      ['Approval', approvers ? approversWords(approvers) : undefined],
      ['Because', decision?.because],
      ['Rules', decision?.rules.join(', ')],
      ...request.allows.map((text, index): [string, Cell] => [index === 0 ? 'Allows' : '', text]),
      ...request.actions.map((text, index): [string, Cell] => [index === 0 ? 'Actions' : '', { text, tone: 'dim' }]),
      ...request.approvals.map((approval): [string, Cell] => [
        approval.verdict === 'approved' ? 'Approved by' : 'Denied by',
        `${approval.person.name}${approval.reason ? `: ${approval.reason}` : ''}`,
      ]),
      ['Problem', request.problem?.message],
    ]),
  ];
}
