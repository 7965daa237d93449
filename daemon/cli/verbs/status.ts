import { isOpen, mayStand } from '../../../protocol/lifecycle.ts';
import type { DaemonState } from '../../../protocol/state.ts';
import { type Block, fields, gap, line } from '../blocks.ts';
import { done, type Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';
import { believed, grantTable } from '../views/grant.ts';
import { requestTable } from '../views/request.ts';
import { placeName, signInWords } from '../views/sign-in.ts';
import type { Now } from '../views/time.ts';
import type { Verb } from './verb.ts';

export const status: Verb = (program, on) =>
  program
    .command('status')
    .description('show what you hold and wait for, and whether it is known')
    .option('--all', 'with what ended, and with what others hold')
    .action(on.daemon(tell));

async function tell(session: Session, options: { all?: boolean }): Promise<Outcome> {
  const { line: commandLine, state } = session;
  const shown = shownOf(state, options.all === true);
  const { daemon, signIns, central, unhealthy, heldUnknown } = state;
  return done(
    { daemon, signIns, central, unhealthy, heldUnknown, ...shown },
    statusBlocks(state, shown, { now: commandLine.clock.now(), zone: commandLine.zone }),
  );
}

type Shown = ReturnType<typeof shownOf>;

function shownOf(state: DaemonState, all: boolean) {
  return {
    grants: Object.values(state.grants)
      .filter((grant) => all || (grant.mine && mayStand(grant.state)))
      .map((grant) => believed(grant, state)),
    requests: Object.values(state.requests).filter((request) => all || (isOpen(request.state) && (request.mine || request.mayDecide))),
  };
}

function statusBlocks({ signIns, central, unhealthy, heldUnknown }: DaemonState, { grants, requests }: Shown, at: Now): Block[] {
  const rows = signIns
    .filter(({ state }) => state !== 'not used')
    .map((signIn): [string, string] => [`Sign-in, ${placeName(signIn.to)}`, signInWords(signIn)]);
  const blocks: Block[] = [fields(rows)];
  if (central.state === 'lost')
    blocks.push(line({ text: `Central cannot be reached${central.problem ? `: ${central.problem}` : ''}`, tone: 'bad' }));
  if (heldUnknown) blocks.push(line({ text: `What you held before is not known: ${heldUnknown}`, tone: 'bad' }));
  if (unhealthy) blocks.push(line({ text: `No new power can be given: ${unhealthy}`, tone: 'bad' }));
  blocks.push(
    gap,
    grants.length > 0 ? grantTable(grants, at) : line(heldUnknown ? 'You hold nothing that is known.' : 'You hold nothing.'),
  );
  if (requests.length > 0) blocks.push(gap, requestTable(requests, at));
  return blocks;
}
