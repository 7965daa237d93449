import type { GrantId } from '../../../protocol/ids.ts';
import { mayStand } from '../../../protocol/lifecycle.ts';
import type { Grant } from '../../../protocol/model.ts';
import type { DaemonState } from '../../../protocol/state.ts';
import { line } from '../blocks.ts';
import { findGrant } from '../names.ts';
import { done, EXIT, type Outcome, problem, UsageError } from '../outcome.ts';
import type { Session } from '../session.ts';
import { believed, grantNote, grantTable } from '../views/grant.ts';
import { watch } from '../watch.ts';
import type { Verb } from './verb.ts';

interface Options {
  all?: boolean | undefined;
  wait?: boolean | undefined;
}

export const revoke: Verb = (program, on) =>
  program
    .command('revoke')
    .description('end a grant now')
    .argument('[grant]', 'id of the grant, or its beginning')
    .option('--all', 'everything that you hold')
    .option('--wait', 'wait until the end is proven')
    .action(on.daemon(end));

async function end(session: Session, typed: string | undefined, options: Options): Promise<Outcome> {
  if ((typed === undefined) === (options.all !== true))
    throw new UsageError('Say which grant to end', { wayOut: 'Give one grant, or --all.' });
  if (typed === undefined) return endAll(session, options.wait === true);
  const grantId = findGrant(session.state.grants, typed);
  await session.want('revoke', { grantId });
  return ended(session, [grantId], options.wait === true);
}

async function endAll(session: Session, wait: boolean): Promise<Outcome> {
  const held = Object.values(session.state.grants)
    .filter((grant) => grant.mine && mayStand(grant.state))
    .map(({ id }) => id);
  const { revoking, refused } = await session.ask('revoke.all', {});
  if (refused.length > 0) {
    const no = problem(EXIT.refused, {
      code: 'not-revoked',
      message: `${refused.length} of ${refused.length + revoking} could not be ended: ${refused.join('; ')}`,
      wayOut: 'What is refused ends at its own time at the latest. Try again, or ask an approver to end it.',
    });
    return { ...no, json: { revoking, refused, ...(no.json as object) } };
  }
  if (held.length === 0) return done({ revoking, refused, grants: [] }, [line('You hold nothing.')]);
  return ended(session, held, wait);
}

/** Accepted is not ended: it says so until denial was observed. */
async function ended(session: Session, ids: readonly GrantId[], wait: boolean): Promise<Outcome> {
  const { client, line: commandLine } = session;
  const at = () => ({ now: commandLine.clock.now(), zone: commandLine.zone });
  if (wait) {
    let said = '';
    const seen = await watch(
      client,
      (state) => {
        const open = grantsOf(state, ids).filter(({ state: now }) => mayStand(now));
        const says = open.map((grant) => `Revoking ${grant.resource.name}${grantNote(grant) ? `: ${grantNote(grant)}` : ''}`).join('\n');
        if (says && says !== said) commandLine.err(`${says}\n`);
        said = says;
        return open.length === 0 || undefined;
      },
      { clock: commandLine.clock, onInterrupt: commandLine.onInterrupt },
    );
    if (seen.end !== 'seen') {
      const lost = seen.end === 'interrupted';
      return problem(lost ? EXIT.interrupted : EXIT.unreachable, {
        code: lost ? 'interrupted' : 'timed-out',
        message: lost ? 'No longer waiting.' : 'Lost the daemon.',
        wayOut: 'The revocation goes on. See "portcullis status".',
      });
    }
  }
  const grants = grantsOf(client.state, ids);
  const over = grants.every(({ state }) => !mayStand(state));
  const head = over
    ? line({ text: 'Ended, and proven.', tone: 'good' })
    : line({ text: 'Revoking. It is over when denial is proven.', tone: 'warn' });
  return done({ grants }, [head, grantTable(grants, at())]);
}

const grantsOf = (state: DaemonState, ids: readonly GrantId[]): Grant[] =>
  ids.flatMap((id) => {
    const grant = state.grants[id];
    return grant ? [believed(grant, state)] : [];
  });
