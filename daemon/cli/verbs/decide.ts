import type { RequestId } from '../../../protocol/ids.ts';
import { type Block, line } from '../blocks.ts';
import { findRequest } from '../names.ts';
import { done, type Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';
import { requestFields } from '../views/request.ts';
import type { Verb } from './verb.ts';

export const approve: Verb = (program, on) =>
  program
    .command('approve')
    .description('approve a request of somebody else; see it first with "portcullis requests REQUEST"')
    .argument('<request>', 'id of the request, or its beginning')
    .option('--reason <text>', 'a word for the record', '')
    .action(
      on.daemon(async (session, typed: string, options: { reason: string }) => {
        const requestId = findRequest(session.state.requests, typed);
        await session.want('request.approve', { requestId, reason: options.reason });
        return decided(session, requestId, { text: 'Approved.', tone: 'good' });
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
        const requestId = findRequest(session.state.requests, typed);
        await session.want('request.deny', { requestId, reason: options.reason });
        return decided(session, requestId, 'Denied.');
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
        await session.want('request.cancel', { requestId });
        return decided(session, requestId, 'Cancelled.');
      }),
    );

function decided(session: Session, requestId: RequestId, head: Parameters<typeof line>[0]): Outcome {
  const { line: commandLine, state } = session;
  const request = state.requests[requestId];
  const shown: Block[] = request ? requestFields(request, { now: commandLine.clock.now(), zone: commandLine.zone }) : [];
  return done({ requestId, request }, [line(head), ...shown]);
}
