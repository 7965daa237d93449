import { ThemeIcon } from 'vscode';
import type { ElevationRequest } from '../../protocol/model.ts';
import { whatIsAsked } from '../approvals/text.ts';
import { pick } from '../quick/pick.ts';
import { decidedBy } from '../words/people.ts';
import type { ActParts } from './parts.ts';

/** *Cancel request*: at once when there is only one. */
export async function cancelRequest(parts: ActParts, among: ElevationRequest[]): Promise<void> {
  const [only, ...others] = among;
  if (!only) {
    parts.notices.told('No request of yours waits for a decision.');
    return;
  }
  if (others.length === 0) return cancel(parts, only);
  await pick<ElevationRequest>({
    title: 'Cancel request',
    placeholder: 'Which request to withdraw?',
    fill: (list) => list.show(among.map(requestChoice)),
    accept(request) {
      void cancel(parts, request);
      return 'done';
    },
  });
}

export const requestChoice = (request: ElevationRequest) => ({
  label: whatIsAsked(request),
  description: `waiting for ${decidedBy(request.approvers)}`,
  detail: request.reason,
  iconPath: new ThemeIcon('clock'),
  value: request,
});

export async function cancel({ store, notices }: ActParts, request: ElevationRequest): Promise<void> {
  const doing = `Cancel the request for ${whatIsAsked(request)}`;
  try {
    const answer = await store.ask('request.cancel', { requestId: request.id });
    if (!answer.ok) notices.refused(doing, answer.refusal);
  } catch (error) {
    notices.failed(doing, error);
  }
}
