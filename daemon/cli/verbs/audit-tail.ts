import type { AuditEvent, AuditFilter } from '../../../protocol/audit.ts';
import { line, render } from '../blocks.ts';
import { done, EXIT, type Outcome, problem, thrown, UsageError } from '../outcome.ts';
import { type FilterOptions, filterOf, newest } from '../record.ts';
import type { Session } from '../session.ts';
import { eventTable } from '../views/event.ts';
import { watch } from '../watch.ts';

interface Options extends FilterOptions {
  lines: string;
  follow?: boolean | undefined;
  json?: boolean | undefined;
}

/** At most this many come between two looks; more than that is a query, not a stream. */
const LOOK_BACK = 200;

export async function tail(session: Session, options: Options, command: { optsWithGlobals(): { json?: boolean } }): Promise<Outcome> {
  const count = Number(options.lines);
  if (!Number.isInteger(count) || count < 1) {
    throw new UsageError(`"${options.lines}" is no number of lines`, { wayOut: 'Write a whole number from 1.' });
  }
  if (options.follow && command.optsWithGlobals().json) {
    throw new UsageError('--follow is a stream, and --json is one document', { wayOut: 'Leave one of them out.' });
  }
  const filter = await filterOf(session, options);
  const events = await newest(session, filter, count);
  if (options.follow) return follow(session, events, filter);
  return done({ events }, [events.length > 0 ? eventTable(events, session.line.zone) : line('No events.')]);
}

/** A stream goes out as it comes. The daemon filters, so it is asked again after each change. */
async function follow(session: Session, first: readonly AuditEvent[], filter: AuditFilter): Promise<Outcome> {
  const { client, line: commandLine } = session;
  const rows = (events: readonly AuditEvent[]) => render([eventTable(events, commandLine.zone)], commandLine.colour.out);
  commandLine.out(rows(first));
  const seen = new Set(first.map(key));
  const look = async () => {
    const fresh = (await newest(session, filter, LOOK_BACK)).filter((event) => !seen.has(key(event)));
    for (const event of fresh) seen.add(key(event));
    if (fresh.length > 0) commandLine.out(withoutHead(rows(fresh)));
  };
  let failed: unknown;
  let asking = false;
  let again = false;
  const catchUp = async () => {
    again = true;
    if (asking) return;
    asking = true;
    try {
      while (again) {
        again = false;
        await look();
      }
    } catch (error) {
      failed = error;
    } finally {
      asking = false;
    }
  };
  const cancel = client.onChange((numbered) => {
    if (!numbered || numbered.change.type === 'audit') void catchUp();
  });
  const end = await watch(client, () => failed, { clock: commandLine.clock, onInterrupt: commandLine.onInterrupt });
  cancel();
  if (end.end === 'seen') return thrown(end.value);
  if (end.end === 'closed') return problem(EXIT.unreachable, { code: 'timed-out', message: `Lost the daemon: ${end.why}` });
  return done({}, []);
}

const key = ({ source, seq }: AuditEvent): string => `${source} ${seq}`;
const withoutHead = (text: string): string => text.slice(text.indexOf('\n') + 1);
