import type { CommandLine } from '../command-line.ts';
import { type Outcome, UsageError } from '../outcome.ts';
import type { Verb } from './verb.ts';

/** Verbs whose work is done by another program; they print for themselves. */

export const demo: Verb = (program, on) =>
  program
    .command('demo')
    .description('everything on this machine with a simulated cloud, editor included (from a checkout of the sources)')
    .action(on.alone(runDemo));

async function runDemo(commandLine: CommandLine): Promise<Outcome> {
  if (!commandLine.demo) {
    throw new UsageError('The demo is part of the sources, not of this package', {
      wayOut: 'Clone the repository, then "npm ci && npm run demo".',
    });
  }
  return printed(await commandLine.demo());
}

/** Shown in the help; `handedToCentral` takes them before they are parsed here. */
export const centralVerbs: Verb = (program) => {
  program
    .command('policy')
    .description('check, test and explain policies: policy check DIR, test DIR, explain DIR CASE')
    .argument('[args...]');
  program.command('central').description('run the central policy service: central --config FILE').argument('[args...]');
};

/** Central's command line has its own options; undefined when this is none of its verbs. */
export function centralArguments(argv: readonly string[]): string[] | undefined {
  const [verb, ...rest] = argv;
  if (verb === 'central') return rest;
  return verb === 'policy' ? [...argv] : undefined;
}

/** @throws UsageError when this package does not contain central. */
export async function handToCentral(commandLine: CommandLine, argv: string[]): Promise<Outcome> {
  if (!commandLine.central) {
    throw new UsageError('This package does not contain central', {
      wayOut:
        'The editor\'s package carries the daemon only. Use a build from the sources: "npm ci && npm run build", then dist/portcullis.mjs.',
    });
  }
  return printed(await commandLine.central(argv));
}

const printed = (status: number): Outcome => ({ status, json: undefined, screen: [] });
