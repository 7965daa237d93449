import { type Asked, asking, choose } from '../asked.ts';
import { outcomeOf } from '../elevation.ts';
import type { Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';
import type { Verb } from './verb.ts';

interface Options extends Asked {
  reason: string;
  ticket?: string | undefined;
  wait?: boolean | undefined;
  idempotencyKey?: string | undefined;
}

export const elevate: Verb = (program, on) =>
  asking(program.command('elevate'))
    .description('ask for a role on a resource, for a while, for a reason')
    .requiredOption('--reason <text>', 'why you need it; others will read it')
    .option('--ticket <ticket>', 'ticket or change number')
    .option('--wait', 'wait until access works, or is refused')
    .option('--idempotency-key <uuid>', 'the same key asks only once, however often it is sent')
    .action(on.daemon(ask));

async function ask(session: Session, typed: string, options: Options): Promise<Outcome> {
  const chosen = await choose(session, typed, options);
  const { requestId } = await session.want('request', {
    ...chosen.ask,
    reason: options.reason,
    ...(options.ticket === undefined ? {} : { ticket: options.ticket }),
    idempotencyKey: options.idempotencyKey ?? session.line.newKey(),
  });
  return outcomeOf(session, requestId, options.wait === true);
}
