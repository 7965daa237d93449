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

/** A backend pool of the balancer, with everything above it opened. */
export async function showPool(workbench: Workbench, where: InTree, pool: string) {
  await showBalancer(workbench, where);
  for (const above of [where.name, 'Backend pools']) await workbench.expand(above);
  const row = workbench.row(pool);
  await row.waitFor();
  await row.scrollIntoViewIfNeeded();
  return row;
}

/** Right-click, *Elevate…*, and every step up to the review. */
export async function review(workbench: Workbench, where: InTree, wish: Wish): Promise<void> {
  await workbench.contextMenu(await showBalancer(workbench, where), 'Elevate…', 'Choose a role');
  await answer(workbench, wish);
}

async function answer(workbench: Workbench, wish: Wish): Promise<void> {
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

/** The whole of it again, from the small icon on a backend pool. */
export async function elevatePool(workbench: Workbench, where: InTree, pool: string, wish: Wish): Promise<void> {
  await workbench.inlineAction(await showPool(workbench, where, pool), 'Elevate…');
  await answer(workbench, wish);
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

/** The status bar counts down what is left of it, as in `lb 9m`. */
export const counted = (workbench: Workbench, { name }: InTree, left: string): Promise<void> =>
  workbench
    .status('access')
    .filter({ hasText: `${name} ${left}` })
    .waitFor();

/** From the palette, until nothing is held. @param seen While it is being taken back. */
export async function revoke(workbench: Workbench, seen?: () => Promise<void>): Promise<void> {
  const status = workbench.status('access');
  await workbench.command('Portcullis: Revoke…');
  if (seen) {
    await status.filter({ hasText: /Revoking/ }).waitFor();
    await seen();
  }
  await status.waitFor({ state: 'detached' });
}

/** The kinds of event of a grant that ended, in the panel's words. */
export const GRANTED_AT_ONCE = ['Requested', 'Granted by policy', 'Usable', 'Revoking', 'Gone'];
export const GRANTED_BY_A_PERSON = ['Requested', 'Needs approval', 'Approved', 'Usable', 'Revoking', 'Gone'];

/** The panel says this. */
export const told = (workbench: Workbench, text: string | RegExp): Promise<void> => workbench.webview().getByText(text).first().waitFor();

/** The panel has each kind of event, and tells the grant whole. @param seen Before its story is opened. */
export async function readStory(workbench: Workbench, kinds: readonly string[], reason: string, seen = async () => {}): Promise<void> {
  await workbench.command('Portcullis: Show audit');
  const panel = workbench.webview();
  const event = (kind: string) => panel.locator('[role="row"]', { hasText: kind }).first();
  for (const kind of kinds) await event(kind).waitFor();
  await seen();
  await event('Gone').click();
  await panel.getByRole('button', { name: 'Story of this grant' }).click();
  await told(workbench, reason);
}
