import { SECOND } from '../../../protocol/clock.ts';
import { LINGERS } from '../../../protocol/door.ts';
import { Fault } from '../../../protocol/fault.ts';
import { line } from '../blocks.ts';
import type { CommandLine } from '../command-line.ts';
import { done, type Outcome, UsageError } from '../outcome.ts';
import { slowly } from '../session.ts';
import { watch } from '../watch.ts';
import type { Verb } from './verb.ts';

/** It ends what it holds first. */
const STOPS_WITHIN = 15 * SECOND;

interface Options {
  detached?: boolean | undefined;
  stop?: boolean | undefined;
}

export const daemon: Verb = (program, on) =>
  program
    .command('daemon')
    .description('run the daemon here until Ctrl-C')
    .option('--detached', 'as the editor starts it: silent, with its secret on file descriptor 3')
    .option('--stop', 'end the daemon that runs, and what it holds')
    .addHelpText(
      'after',
      '\nExit status 2 when the enrolment file breaks a rule, 6 when a daemon runs already, 7 when it cannot run on this machine.',
    )
    .action(on.alone(runOrStop));

async function runOrStop(commandLine: CommandLine, options: Options): Promise<Outcome> {
  if (options.stop && options.detached) throw new UsageError('--stop and --detached exclude each other');
  if (options.stop) return stop(commandLine);
  const status = await commandLine.runDaemon({ detached: options.detached === true });
  return { ...done({ status }, []), status };
}

async function stop(commandLine: CommandLine): Promise<Outcome> {
  const client = await commandLine.connectIfRunning();
  if (!client) return done({ stopped: false }, [line('No daemon runs.')]);
  const { pid } = client.state.daemon;
  // The door may close before the answer is out; the closing is the answer then.
  const closed = watch(client, () => undefined, { clock: commandLine.clock, within: STOPS_WITHIN });
  await Promise.race([client.call('daemon.stop', {}).catch(() => undefined), closed]);
  const seen = await slowly(commandLine, 'Ending what the daemon holds', closed);
  client.close();
  if (seen.end === 'late')
    throw new Fault('timed-out', `The daemon (process ${pid}) has not stopped yet`, { wayOut: 'It goes on ending what it holds.' });
  if (seen.end === 'closed' && seen.why === LINGERS) {
    const held = Object.values(client.state.grants).filter(({ mine, state }) => mine && state === 'revoking');
    const what = held.map(({ role, resource, awaiting }) => line(`${role.title} on ${resource.name}: ${awaiting ?? 'being taken back'}`));
    return done({ stopped: false, pid, grants: held }, [line('The daemon takes nothing new, and stops when this is taken back:'), ...what]);
  }
  return done({ stopped: true, pid }, [line('The daemon has stopped.')]);
}
