import type { StepEnd, StepPlace } from './steps.ts';
import { text, ticketProblem } from './text.ts';

/** Asks for the ticket that the policy wants, and keeps it in the draft. */
export function ticketStep(draft: { ticket: string }, title: string, place: StepPlace): Promise<StepEnd> {
  return text({
    title,
    place,
    placeholder: 'Ticket, such as OPS-1234',
    prompt: 'The policy asks for a ticket here.',
    value: draft.ticket,
    problem: ticketProblem,
    accept: (ticket) => {
      draft.ticket = ticket;
    },
  });
}
