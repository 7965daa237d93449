import type { Workbench } from './workbench.ts';

export interface Wish {
  /** Title of the role. */
  role: string;
  minutes: number;
  reason: string;
  ticket?: string | undefined;
}

/** Where a balancer hangs in the tree. */
export interface InTree {
  subscription: string;
  name: string;
}

export async function showBalancer(workbench: Workbench, { subscription, name }: InTree) {
  await workbench.expand(subscription);
  const row = workbench.row(name);
  await row.waitFor();
  await row.scrollIntoViewIfNeeded();
  return row;
}

/** Right-click, *Elevate…*, and every step up to the review. */
export async function review(workbench: Workbench, where: InTree, wish: Wish): Promise<void> {
  await workbench.contextMenu(await showBalancer(workbench, where), 'Elevate…');
  await workbench.choose('Choose a role', wish.role);
  await workbench.answerWith('How long?', String(wish.minutes));
  await workbench.answerWith('Reason, such as', wish.reason);
  if (wish.ticket) await workbench.answerWith('Ticket, such as', wish.ticket);
  await workbench.asking('Review, then request access').waitFor();
}

/** The whole of *Elevate…*, with the request at its end. */
export async function elevate(workbench: Workbench, where: InTree, wish: Wish): Promise<void> {
  await review(workbench, where, wish);
  await workbench.choose('Review, then request access', 'Request access');
}

/** A person looks at what is asked, and approves it. */
export async function approve(workbench: Workbench, request: string, reason: string): Promise<void> {
  await workbench.inlineAction(workbench.row(request), 'Approve');
  await workbench.answerWith('Why you approve', reason);
  await workbench.answer('Approve');
}

export async function deny(workbench: Workbench, request: string, reason: string): Promise<void> {
  await workbench.inlineAction(workbench.row(request), 'Deny');
  await workbench.answerWith('Why you deny', reason);
}
