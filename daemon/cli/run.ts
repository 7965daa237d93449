import { Command, CommanderError } from 'commander';
import type { Client } from '../../protocol/client.ts';
import { SECOND } from '../../protocol/clock.ts';
import { render } from './blocks.ts';
import type { CommandLine } from './command-line.ts';
import { escapedJson } from './json-document.ts';
import { EXIT, type Outcome, problem, thrown } from './outcome.ts';
import { Session } from './session.ts';
import { audit } from './verbs/audit.ts';
import { daemon } from './verbs/daemon.ts';
import { approve, cancel, deny } from './verbs/decide.ts';
import { elevate } from './verbs/elevate.ts';
import { centralArguments, centralVerbs, demo, handToCentral } from './verbs/elsewhere.ts';
import { extend } from './verbs/extend.ts';
import { ls } from './verbs/ls.ts';
import { preview } from './verbs/preview.ts';
import { requests } from './verbs/requests.ts';
import { revoke } from './verbs/revoke.ts';
import { roles } from './verbs/roles.ts';
import { show } from './verbs/show.ts';
import { signIn, signOut } from './verbs/sign-in.ts';
import { status } from './verbs/status.ts';
import type { On, Verb } from './verbs/verb.ts';
import { watch } from './watch.ts';

/** In the order of the help. */
const VERBS: readonly Verb[] = [
  ls,
  show,
  roles,
  preview,
  elevate,
  status,
  revoke,
  extend,
  requests,
  approve,
  deny,
  cancel,
  signIn,
  signOut,
  audit,
  centralVerbs,
  daemon,
  demo,
];

/** A daemon that has just started needs a moment to find out who its person is. */
const JUST_STARTED = 15 * SECOND;
const SETTLES_WITHIN = 10 * SECOND;

/**
 * Does what was typed.
 * @returns the exit status.
 */
export async function run(argv: readonly string[], commandLine: CommandLine): Promise<number> {
  const toCentral = centralArguments(argv);
  const json = argv.includes('--json');
  let outcome: Outcome | undefined;
  try {
    if (toCentral) outcome = await handToCentral(commandLine, toCentral);
    else await program(commandLine, (came) => (outcome = came)).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    outcome = error instanceof CommanderError ? misread(error, argv) : thrown(error);
  }
  if (!outcome) return EXIT.done;
  print(outcome, json, commandLine);
  return outcome.status;
}

function program(commandLine: CommandLine, came: (outcome: Outcome) => void): Command {
  const root = new Command('portcullis')
    .description('The least power over one load balancer, for minutes, taken back for certain.')
    .version(commandLine.version)
    .option('--json', 'one JSON document on standard output')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: commandLine.out, writeErr: commandLine.err, outputError: () => {} })
    .exitOverride()
    .addHelpText('after', HELP);
  const on: On = {
    alone:
      (act) =>
      async (...args) =>
        came(await act(commandLine, ...args)),
    daemon:
      (act) =>
      async (...args) => {
        const client = await commandLine.connect();
        try {
          await settled(client, commandLine);
          came(await act(new Session(commandLine, client), ...args));
        } finally {
          client.close();
        }
      },
  };
  for (const verb of VERBS) verb(root, on);
  return root;
}

const HELP = `
RESOURCE is a name as "portcullis ls" shows it, "balancer/part", or an id.
Exit status: 0 done, 1 bug, 2 usage, 3 refused by policy or approver, 4 not reachable, 5 record does not verify.`;

async function settled(client: Client, { clock }: CommandLine): Promise<void> {
  if (clock.now() - client.state.daemon.startedAt > JUST_STARTED) return;
  await watch(
    client,
    ({ signIns, central }) => (central.state !== 'connecting' && signIns.every(({ state }) => state !== 'signing in')) || undefined,
    { clock, within: SETTLES_WITHIN },
  );
}

/** Help and version are printed already; anything else was not understood. */
function misread(error: CommanderError, argv: readonly string[]): Outcome | undefined {
  if (error.exitCode === 0) return undefined;
  if (error.code === 'commander.help')
    return { status: EXIT.usage, json: { error: { code: 'usage', message: 'Say what to do' } }, screen: [] };
  const verb = argv.find((word) => !word.startsWith('-'));
  return problem(EXIT.usage, {
    code: 'usage',
    message: error.message.replace(/^error: /, '').replace(/^./, (first) => first.toUpperCase()),
    wayOut: error.code === 'commander.unknownCommand' || !verb ? 'See "portcullis --help".' : `See "portcullis ${verb} --help".`,
  });
}

function print(outcome: Outcome, json: boolean, { out, err, colour }: CommandLine): void {
  if (json && outcome.json !== undefined) out(`${escapedJson(outcome.json, 2)}\n`);
  if (outcome.problem) err(render(outcome.screen, colour.err));
  else if (!json) out(render(outcome.screen, colour.out));
}
