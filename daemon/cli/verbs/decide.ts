import type { RequestId } from '../../../protocol/ids.ts';
import type { ElevationRequest } from '../../../protocol/model.ts';
import { type Block, type Cell, line } from '../blocks.ts';
import { HEARD_WITHIN } from '../elevation.ts';
import { findRequest } from '../names.ts';
import { done, type Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';
import { requestFields } from '../views/request.ts';
import { watch } from '../watch.ts';
import { refreshed } from './requests.ts';
import type { Verb } from './verb.ts';

export const approve: Verb = (program, on) =>
  program
    .command('approve')
    .description('approve a request of somebody else; see it first with "portcullis requests REQUEST"')
    .argument('<request>', 'id of the request, or its beginning')
    .option('--reason <text>', 'a word for the record', '')
    .action(
      on.daemon(async (session, typed: string, options: { reason: string }) => {
        await refreshed(session);
        const requestId = findRequest(session.state.requests, typed);
        const before = session.state.requests[requestId];
        await session.want('request.approve', { requestId, reason: options.reason });
        return decided(session, requestId, before, { text: 'Approved.', tone: 'good' });
      }),
    );

export const deny: Verb = (program, on) =>
  program
    .command('deny')
    .description('deny a request of somebody else')
    .argument('<request>', 'id of the request, or its beginning')
    .requiredOption('--reason <text>', 'why; the person who asked will read it')
    .action(
      on.daemon(async (session, typed: string, options: { reason: string }) => {
        await refreshed(session);
        const requestId = findRequest(session.state.requests, typed);
        const before = session.state.requests[requestId];
        await session.want('request.deny', { requestId, reason: options.reason });
        return decided(session, requestId, before, 'Denied.');
      }),
    );

export const cancel: Verb = (program, on) =>
  program
    .command('cancel')
    .description('take back a request of your own that waits')
    .argument('<request>', 'id of the request, or its beginning')
    .action(
      on.daemon(async (session, typed: string) => {
        const requestId = findRequest(session.state.requests, typed);
        const before = session.state.requests[requestId];
        await session.want('request.cancel', { requestId });
        return decided(session, requestId, before, 'Cancelled.');
      }),
    );

/** With what it came to, as soon as the daemon has heard of it. */
async function decided(session: Session, requestId: RequestId, before: ElevationRequest | undefined, head: Cell): Promise<Outcome> {
  const { client, line: commandLine } = session;
  await watch(client, ({ requests }) => requests[requestId] !== before || undefined, { clock: commandLine.clock, within: HEARD_WITHIN });
  const request = session.state.requests[requestId];
  const shown: Block[] = request ? requestFields(request, { now: commandLine.clock.now(), zone: commandLine.zone }) : [];
  return done({ requestId, request }, [line(head), ...shown]);
}
