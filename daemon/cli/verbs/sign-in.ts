import { Argument } from 'commander';
import { MINUTE } from '../../../protocol/clock.ts';
import type { DaemonState, SignIn } from '../../../protocol/state.ts';
import { fields, line, plain } from '../blocks.ts';
import { done, EXIT, type Outcome, problem } from '../outcome.ts';
import type { Session } from '../session.ts';
import { placeName, signInWords } from '../views/sign-in.ts';
import { watch } from '../watch.ts';
import type { Verb } from './verb.ts';

type To = SignIn['to'];
/** Where signing in means something in this version. */
const PLACES: readonly To[] = ['azure', 'central'];
const SIGN_IN_WITHIN = 5 * MINUTE;

export const signIn: Verb = (program, on) =>
  program
    .command('sign-in')
    .description('sign in to the cloud or to central; without a name, wherever you are not')
    .addArgument(new Argument('[to]', 'where').choices(PLACES))
    .action(on.daemon(signInTo));

export const signOut: Verb = (program, on) =>
  program
    .command('sign-out')
    .description('forget the sign-in that the daemon holds; without a name, all')
    .addArgument(new Argument('[to]', 'where').choices(PLACES))
    .action(on.daemon(signOutOf));

async function signInTo(session: Session, to: To | undefined): Promise<Outcome> {
  const places = to
    ? [to]
    : used(session.state)
        .filter(({ state }) => state !== 'signed in')
        .map((place) => place.to);
  for (const place of places) {
    const problemMet = await signInOnce(session, place);
    if (problemMet) return problemMet;
  }
  return told(session);
}

/** Undefined when the person is signed in there at the end. */
async function signInOnce(session: Session, to: To): Promise<Outcome | undefined> {
  const { client, line: commandLine } = session;
  const before = client.state.signIns.find((place) => place.to === to);
  const { open } = await session.want('sign-in', { to });
  if (open !== undefined) {
    if (!mayOpen(open))
      return problem(EXIT.unreachable, {
        code: 'sign-in-failed',
        message: `The sign-in page of ${placeName(to)} is neither https nor on this machine`,
      });
    commandLine.err(`Open this page in a browser to sign in to ${placeName(to)}:\n${plain(open)}\n`);
  }
  // A failure that stood there before is no answer to this attempt.
  const seen = await watch(
    client,
    ({ signIns }) =>
      signIns.find((place) => place.to === to && (place.state === 'signed in' || (place.state === 'failed' && place !== before))),
    { clock: commandLine.clock, within: SIGN_IN_WITHIN, onInterrupt: commandLine.onInterrupt },
  );
  if (seen.end === 'seen' && seen.value.state === 'signed in') return undefined;
  if (seen.end === 'interrupted') return problem(EXIT.interrupted, { code: 'interrupted', message: 'No longer waiting for the sign-in.' });
  const why =
    seen.end === 'seen'
      ? (seen.value.problem ?? 'no reason was given')
      : seen.end === 'late'
        ? 'nobody signed in within 5 minutes'
        : 'lost the daemon';
  return problem(EXIT.unreachable, { code: 'sign-in-failed', message: `Not signed in to ${placeName(to)}: ${why}` });
}

/** A page that a person may be sent to. */
export function mayOpen(page: string): boolean {
  if (!URL.canParse(page)) return false;
  const { protocol, hostname } = new URL(page);
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname));
}

async function signOutOf(session: Session, to: To | undefined): Promise<Outcome> {
  const places = to
    ? [to]
    : used(session.state)
        .filter(({ state }) => state === 'signed in')
        .map((place) => place.to);
  for (const place of places) await session.want('sign-out', { to: place });
  return done({ signedOut: places }, [
    line(places.length > 0 ? `Signed out of ${places.map(placeName).join(' and ')}.` : 'You were not signed in.'),
  ]);
}

const used = ({ signIns }: DaemonState): SignIn[] => signIns.filter(({ state }) => state !== 'not used');

function told(session: Session): Outcome {
  const signIns = used(session.state);
  return done({ signIns }, [fields(signIns.map((signIn) => [placeName(signIn.to), signInWords(signIn)]))]);
}
