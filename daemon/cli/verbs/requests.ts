import { isOpen } from '../../../protocol/lifecycle.ts';
import { line } from '../blocks.ts';
import { findRequest } from '../names.ts';
import { done, type Outcome, Refused } from '../outcome.ts';
import type { Session } from '../session.ts';
import { requestFields, requestTable } from '../views/request.ts';
import type { Verb } from './verb.ts';

export const requests: Verb = (program, on) =>
  program
    .command('requests')
    .description('list requests that wait for you or for others, or show exactly what one asks')
    .argument('[request]', 'id of a request, or its beginning')
    .option('--all', 'with those that are decided')
    .action(on.daemon(list));

/** Under Entra PIM nobody tells the daemon what waits for a person: it asks, and is waited for. What is known is shown when that fails. */
export async function refreshed(session: Session): Promise<void> {
  const { signIns } = session.state;
  if (signIns.some(({ to, state }) => to !== 'central' && state === 'signed in'))
    await session.ask('inventory.refresh', {}).catch(() => {});
}

async function list(session: Session, typed: string | undefined, options: { all?: boolean }): Promise<Outcome> {
  await refreshed(session);
  const { line: commandLine, state } = session;
  const at = { now: commandLine.clock.now(), zone: commandLine.zone };
  if (typed === undefined) {
    const found = Object.values(state.requests).filter((request) => options.all || isOpen(request.state));
    return done({ requests: found }, [found.length > 0 ? requestTable(found, at) : line('No requests are open.')]);
  }
  const request = state.requests[findRequest(state.requests, typed)];
  if (!request)
    throw new Refused({
      code: 'not-found',
      message: `There is no request ${typed}`,
      wayOut: 'Ended ones are kept for an hour; see "portcullis audit tail".',
    });
  return done({ request }, requestFields(request, at));
}
