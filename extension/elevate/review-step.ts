import { ThemeIcon } from 'vscode';
import type { Preview } from '../../protocol/model.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import { type Choice, type List, line, pick, separator } from '../quick/pick.ts';
import type { StepEnd, StepPlace } from '../quick/steps.ts';
import { type Draft, type ElevateParts, questionOf, title } from './elevate.ts';
import { type Chosen, type ReviewLine, review } from './review.ts';

type Act = Extract<ReviewLine, { kind: 'act' }>['act'];

/** The last step: the policy's answer to exactly this, and only then the request. A refusal is shown here, with its way out. */
export function reviewStep(parts: ElevateParts, draft: Draft, place: StepPlace): Promise<StepEnd> {
  const chosen = complete(draft);
  const question = questionOf(draft);
  return chosen && question ? reviewed(parts, draft, chosen, question, place) : Promise.resolve('back');
}

function reviewed(parts: ElevateParts, draft: Draft, chosen: Chosen, question: Question, place: StepPlace): Promise<StepEnd> {
  let preview: Preview | undefined;
  // One key for one review: a request that is sent again after a lost answer is the same request.
  const idempotencyKey = parts.newKey();

  async function fill(list: List<Act>): Promise<void> {
    list.busy(true);
    try {
      const answer = await parts.ask('preview', question);
      if (!answer.ok) return list.show(failed(answer.refusal.message, answer.refusal.wayOut));
      preview = answer.value;
      if (preview.ticketRequired && !draft.ticket) {
        // The policy has just said that it wants a ticket: that step comes first.
        draft.ticketRequired = true;
        return list.end('again');
      }
      draw(list);
    } catch (error) {
      list.show(failed(error instanceof Error ? error.message : 'The policy could not be asked'));
    } finally {
      list.busy(false);
    }
  }

  function draw(list: List<Act>, refusal?: Refusal): void {
    if (!preview) return;
    list.prompt(refusal ? `Not accepted: ${refusal.message}` : preview.headline);
    list.show(review(chosen, preview, parts.clock.now(), parts.time, refusal).map(row));
  }

  async function request(list: List<Act>): Promise<StepEnd | 'stay'> {
    list.busy(true);
    try {
      const ticket = chosen.ticket ? { ticket: chosen.ticket } : {};
      const answer = await parts.ask('request', { ...question, reason: chosen.reason, ...ticket, idempotencyKey });
      if (!answer.ok) {
        draw(list, answer.refusal);
        return 'stay';
      }
      parts.requested(answer.value.requestId);
      await parts.remembered.remember(question);
      return 'done';
    } catch (error) {
      const message = error instanceof Error ? error.message : 'The request could not be sent';
      draw(list, { code: 'unreachable', message, wayOut: 'Request again: the same request is never counted twice.' });
      return 'stay';
    } finally {
      list.busy(false);
    }
  }

  return pick<Act>({
    title: title(draft),
    place,
    placeholder: 'Review, then request access',
    fill,
    accept(act, list) {
      if (act === 'back') return 'back';
      if (act === 'request') return request(list);
      list.again();
      return 'stay';
    },
  });
}

type Question = NonNullable<ReturnType<typeof questionOf>>;

function complete({ resource, role, duration, reason, ticket }: Draft): Chosen | undefined {
  if (!resource || !role || duration === undefined) return undefined;
  return { resource, role, duration, reason, ticket: ticket || undefined };
}

const failed = (message: string, wayOut?: string): Choice<Act>[] => [
  { label: 'Retry', iconPath: new ThemeIcon('refresh'), value: 'again', alwaysShow: true },
  line(message, 'error', wayOut),
];

function row(entry: ReviewLine): Choice<Act> {
  switch (entry.kind) {
    case 'act':
      return {
        label: entry.label,
        detail: entry.detail,
        iconPath: new ThemeIcon(entry.act === 'request' ? 'unlock' : 'arrow-left'),
        value: entry.act,
        alwaysShow: true,
      };
    case 'heading':
      return separator(entry.label);
    case 'fact':
      return line(entry.label, entry.icon, entry.detail);
  }
}
