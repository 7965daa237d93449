import { parseDuration } from '../duration.ts';
import { outcomeOf } from '../elevation.ts';
import { findGrant } from '../names.ts';
import { type Outcome, UsageError } from '../outcome.ts';
import type { Session } from '../session.ts';
import type { Verb } from './verb.ts';

interface Options {
  for: string;
  reason?: string | undefined;
  ticket?: string | undefined;
  wait?: boolean | undefined;
  idempotencyKey?: string | undefined;
}

export const extend: Verb = (program, on) =>
  program
    .command('extend')
    .description('ask for a grant that follows on from one that you hold; policy decides anew')
    .argument('<grant>', 'id of the grant, or its beginning')
    .requiredOption('--for <duration>', 'how long: 15m, 1h, 90s, PT15M')
    .option('--reason <text>', 'why you need more time (default: the reason of the grant)')
    .option('--ticket <ticket>', 'ticket or change number (default: that of the grant)')
    .option('--wait', 'wait until the new grant can be used, or is refused')
    .option('--idempotency-key <uuid>', 'the same key asks only once, however often it is sent')
    .action(on.daemon(ask));

async function ask(session: Session, typed: string, options: Options): Promise<Outcome> {
  const duration = parseDuration(options.for);
  const grantId = findGrant(session.state.grants, typed);
  const grant = session.state.grants[grantId];
  const reason = options.reason ?? grant?.reason;
  if (reason === undefined) throw new UsageError('Say why you need more time', { wayOut: 'Give --reason TEXT.' });
  const ticket = options.ticket ?? grant?.ticket;
  const { requestId } = await session.want('extend', {
    grantId,
    duration,
    reason,
    ...(ticket === undefined ? {} : { ticket }),
    idempotencyKey: options.idempotencyKey ?? session.line.newKey(),
  });
  return outcomeOf(session, requestId, options.wait === true);
}
