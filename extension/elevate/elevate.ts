import type { Clock } from '../../protocol/clock.ts';
import type { RoleOption } from '../../protocol/model.ts';
import type { Ask } from '../daemon/ask.ts';
import { ask as askSteps, type Step } from '../quick/steps.ts';
import { reasonProblem, text } from '../quick/text.ts';
import { ticketStep } from '../quick/ticket-step.ts';
import type { TimeWords } from '../words/time.ts';
import { minutesStep } from './minutes-step.ts';
import type { Remembered } from './remembered.ts';
import { type Chosen, inShort, nameOf } from './review.ts';
import { reviewStep } from './review-step.ts';
import { roleStep } from './role-step.ts';
import { searchStep } from './search-step.ts';

export interface ElevateParts {
  ask: Ask;
  clock: Clock;
  time: TimeWords;
  remembered: Remembered;
  defaultMinutes(): number;
  newKey(): string;
  /** A request of this window was accepted: its answer is told here, when it comes. */
  requested(requestId: string): void;
}

/** What has been chosen so far. */
export interface Draft {
  resource?: Chosen['resource'] | undefined;
  role?: RoleOption | undefined;
  duration?: number | undefined;
  reason: string;
  ticket: string;
  ticketRequired: boolean;
}

/** *Elevate…*: resource (unless it is known), role, minutes, reason, ticket if asked, and a review before anything is requested. */
export async function elevate(parts: ElevateParts, resource?: Chosen['resource']): Promise<void> {
  const draft: Draft = { resource, reason: '', ticket: '', ticketRequired: false };
  const search: Step[] = resource ? [] : [(place) => searchStep(parts, draft, place)];
  await askSteps(() => [
    ...search,
    (place) => roleStep(parts, draft, place),
    (place) => minutesStep(parts, draft, place),
    (place) => reasonStep(parts, draft, place),
    ...(draft.ticketRequired ? ([(place) => ticketStep(draft, title(draft), place)] satisfies Step[]) : []),
    (place) => reviewStep(parts, draft, place),
  ]);
}

export const title = (draft: Draft): string => (draft.resource ? `Elevate · ${nameOf(draft.resource)}` : 'Elevate');

function reasonStep(parts: ElevateParts, draft: Draft, place: Parameters<Step>[0]): ReturnType<Step> {
  const prompt = 'Why you need it. It goes to the approver and into the record.';
  return text({
    title: title(draft),
    place,
    placeholder: 'Reason, such as: drain web-3 for the kernel update',
    prompt,
    value: draft.reason,
    problem: reasonProblem,
    onOpen: (say) =>
      void foretell(parts, draft).then((told) => told && say(`${told.words} · ${prompt}`, told.refused ? told.words : undefined)),
    accept: (reason) => {
      draft.reason = reason;
    },
  });
}

/** The answer before the question, as soon as role and minutes are known. Silence when it cannot be had: the review asks again. */
async function foretell(parts: ElevateParts, draft: Draft): Promise<{ words: string; refused: boolean } | undefined> {
  const question = questionOf(draft);
  if (!question) return undefined;
  try {
    const answer = await parts.ask('preview', question);
    if (!answer.ok) return { words: answer.refusal.message, refused: true };
    if (answer.value.ticketRequired) draft.ticketRequired = true;
    return { words: inShort(answer.value), refused: answer.value.outcome === 'refused' };
  } catch {
    return undefined;
  }
}

export function questionOf({ resource, role, duration }: Draft) {
  if (!resource || !role || duration === undefined) return undefined;
  return { resourceId: resource.id, roleId: role.id, authority: role.authority, duration };
}
