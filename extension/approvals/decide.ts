import { ThemeIcon } from 'vscode';
import type { ElevationRequest } from '../../protocol/model.ts';
import type { Notices } from '../notices.ts';
import { pick } from '../quick/pick.ts';
import { reasonProblem, text } from '../quick/text.ts';
import type { Store } from '../store.ts';
import { deciding } from '../view.ts';
import { spelled } from '../words/time.ts';
import { approvalQuestion, whatIsAsked } from './text.ts';

export interface DecideParts {
  store: Store;
  notices: Notices;
  open(request: ElevationRequest): Promise<void>;
}

/** *Approve requests…*: which one, then what to do about it. */
export async function approveRequests(parts: DecideParts): Promise<void> {
  let chosen: ElevationRequest | undefined;
  await pick<ElevationRequest>({
    title: 'Requests that wait for you',
    placeholder: 'Which request to decide?',
    matchOnDetail: true,
    fill(list) {
      list.show(
        deciding(parts.store.view).map((request) => ({
          label: `${request.requester.name}: ${whatIsAsked(request)}`,
          description: spelled(request.duration),
          detail: request.reason,
          iconPath: new ThemeIcon('person'),
          value: request,
        })),
      );
    },
    accept(request) {
      chosen = request;
      return 'done';
    },
  });
  if (chosen) await decide(parts, chosen);
}

/** Shows exactly what is asked beside the choice. */
async function decide(parts: DecideParts, request: ElevationRequest): Promise<void> {
  await parts.open(request);
  let act: ((parts: DecideParts, request: ElevationRequest) => Promise<void>) | undefined;
  await pick<NonNullable<typeof act>>({
    title: `${request.requester.name}: ${whatIsAsked(request)}`,
    placeholder: 'Approve or deny? The document shows exactly what is asked',
    fill: (list) =>
      list.show([
        { label: 'Approve…', detail: `${spelled(request.duration)} · ${request.reason}`, iconPath: new ThemeIcon('check'), value: approve },
        { label: 'Deny…', detail: 'With a reason', iconPath: new ThemeIcon('close'), value: deny },
      ]),
    accept(value) {
      act = value;
      return 'done';
    },
  });
  await act?.(parts, request);
}

/** Asks for a word and then, in a modal that names everything, for the decision. */
export async function approve({ store, notices }: DecideParts, request: ElevationRequest): Promise<void> {
  let reason = '';
  const end = await text({
    title: `Approve · ${whatIsAsked(request)}`,
    placeholder: 'Why you approve (may stay empty)',
    prompt: 'It goes into the record. The next step asks you to confirm.',
    problem: (value) => (value.length > 1_000 ? 'At most 1,000 characters.' : undefined),
    accept: (value) => {
      reason = value;
    },
  });
  if (end !== 'next') return;
  const { message, detail } = approvalQuestion(request);
  if (!(await notices.confirmed(message, detail, 'Approve'))) return;
  const doing = `Approve ${whatIsAsked(request)}`;
  try {
    const answer = await store.ask('request.approve', { requestId: request.id, reason });
    if (!answer.ok) notices.refused(doing, answer.refusal);
  } catch (error) {
    notices.failed(doing, error);
  }
}

export async function deny({ store, notices }: DecideParts, request: ElevationRequest): Promise<void> {
  let reason = '';
  const end = await text({
    title: `Deny · ${whatIsAsked(request)}`,
    placeholder: 'Why you deny it',
    prompt: `${request.requester.name} reads it, and it goes into the record.`,
    problem: (value) => reasonProblem(value) && 'Say why, so that they know what to change.',
    accept: (value) => {
      reason = value;
    },
  });
  if (end !== 'next') return;
  const doing = `Deny ${whatIsAsked(request)}`;
  try {
    const answer = await store.ask('request.deny', { requestId: request.id, reason });
    if (!answer.ok) notices.refused(doing, answer.refusal);
  } catch (error) {
    notices.failed(doing, error);
  }
}
