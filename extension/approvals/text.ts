import type { Instant } from '../../protocol/clock.ts';
import type { ElevationRequest } from '../../protocol/model.ts';
import { ENFORCEMENT } from '../elevate/review.ts';
import { decidedBy, withMail } from '../words/people.ts';
import { spelled, type TimeWords } from '../words/time.ts';

/** `Backends editor on web of prod-edge`. */
export function whatIsAsked({ role, resource }: Pick<ElevationRequest, 'role' | 'resource'>): string {
  const on = resource.name === resource.balancerName ? resource.name : `${resource.name} of ${resource.balancerName}`;
  return `${role.title} on ${on}`;
}

/** Everything that a decision rests on, to be read before deciding. */
export function requestDocument(request: ElevationRequest, now: Instant, time: TimeWords): string {
  const { requester, resource, role, decision, approvals } = request;
  const fields: [string, string | undefined][] = [
    ['Who', withMail(requester)],
    ['Person id', requester.id],
    ['Role', `${role.title} (${role.id})`],
    ['Enforced', ENFORCEMENT[role.enforcement]],
    ['On', resource.name === resource.balancerName ? resource.name : `${resource.name} of ${resource.balancerName}`],
    ['Kind', resource.kind],
    ['Resource id', resource.id],
    ['How long', spelled(request.duration)],
    ['Why', request.reason],
    ['Ticket', request.ticket ?? 'none'],
    ['Asked at', time.exact(request.createdAt)],
    ['Lapses at', `${time.exact(request.lapsesAt)}${request.lapsesAt <= now ? ' (over)' : ''}`],
    ['State', request.state],
    ['Decided by', decidedBy(request.approvers)],
  ];
  return [
    `${requester.name} asks for ${whatIsAsked(request)}`,
    '',
    ...table(fields),
    ...list('What it allows', request.allows),
    ...list('What the cloud will really allow', request.actions),
    ...(decision
      ? [
          ...list('Why it needs a decision', [decision.because, ...decision.wouldChange]),
          '',
          ...table([
            ['Rules', decision.rules.join(', ')],
            ['Policy', decision.policyVersion],
          ]),
        ]
      : []),
    ...list(
      'Decisions so far',
      approvals.map(({ person, verdict, reason, at }) => `${person.name} ${verdict} at ${time.exact(at)}${reason ? `: ${reason}` : ''}`),
    ),
    '',
  ].join('\n');
}

/** The words of the modal dialog before an approval. */
export function approvalQuestion(request: ElevationRequest): { message: string; detail: string } {
  return {
    message: `Approve ${whatIsAsked(request)} for ${request.requester.name}?`,
    // One line for each, whatever somebody wrote into it.
    detail: [
      `Who: ${withMail(request.requester)}, ${request.requester.id}`,
      `How long: ${spelled(request.duration)}`,
      `Reason: ${request.reason}`,
      ...(request.ticket ? [`Ticket: ${request.ticket}`] : []),
      `Resource: ${request.resource.id}`,
      `What the cloud will allow: ${request.actions.join(', ')}`,
      ...(request.decision ? [`Rules: ${request.decision.rules.join(', ')}`] : []),
    ]
      .map((line) => line.replace(/\s+/g, ' '))
      .join('\n'),
  };
}

function table(fields: [string, string | undefined][]): string[] {
  const width = Math.max(...fields.map(([name]) => name.length)) + 2;
  // One line for each field, whatever somebody wrote into it: a reason must not look like another field.
  return fields.flatMap(([name, value]) => (value ? [`${name.padEnd(width)}${value.replace(/\s+/g, ' ')}`] : []));
}

const list = (heading: string, lines: readonly string[]): string[] =>
  lines.length > 0 ? ['', heading, ...lines.map((line) => `  - ${line.replace(/\s+/g, ' ')}`)] : [];
