import { SECOND } from '../../protocol/clock.ts';
import type { RequestId } from '../../protocol/ids.ts';
import { line } from './blocks.ts';
import { type Progress, progressOf } from './follow.ts';
import { EXIT, type Outcome, problem } from './outcome.ts';
import type { Session } from './session.ts';
import { grantFields, shortId } from './views/grant.ts';
import { watch } from './watch.ts';

/** The reply says accepted; what it came to is told by the next change. */
export const HEARD_WITHIN = 2 * SECOND;

/** After a request was accepted: what it has come to, or with `wait` until it can be used or never will be. */
export async function outcomeOf(session: Session, requestId: RequestId, wait: boolean): Promise<Outcome> {
  const { client, line: commandLine } = session;
  const now = () => ({ now: commandLine.clock.now(), zone: commandLine.zone });
  const look = () => progressOf(client.state, requestId, now());
  if (!wait) {
    await watch(client, look, { clock: commandLine.clock, within: HEARD_WITHIN });
    return accepted(session, requestId, look());
  }
  let said = '';
  const seen = await watch(
    client,
    () => {
      const progress = look();
      // The end itself is the outcome, told once.
      if (progress && !progress.end && progress.said !== said) {
        said = progress.said;
        commandLine.err(`${said}\n`);
      }
      return progress?.end ? progress : undefined;
    },
    { clock: commandLine.clock, onInterrupt: commandLine.onInterrupt },
  );
  const progress = look();
  if (seen.end === 'seen') return accepted(session, requestId, seen.value);
  const wayOut = stillOpen(requestId, progress);
  if (seen.end === 'interrupted') return leftAlone(EXIT.interrupted, 'interrupted', 'No longer waiting.', wayOut, requestId, progress);
  const why = seen.end === 'closed' ? `Lost the daemon: ${seen.why}` : 'Lost the daemon';
  return leftAlone(EXIT.unreachable, 'timed-out', why, wayOut, requestId, progress);
}

function accepted(session: Session, requestId: RequestId, progress: Progress | undefined): Outcome {
  const json = { requestId, outcome: progress?.end ?? 'accepted', request: progress?.request, grant: progress?.grant };
  if (progress?.end === 'refused') {
    const cause = progress.grant?.problem ?? progress.request?.problem;
    const code = cause?.code ?? progress.request?.state ?? 'refused';
    const no = problem(EXIT.refused, { code, message: progress.said, wayOut: cause?.wayOut });
    return { ...no, json: { ...json, ...(no.json as object) } };
  }
  const at = { now: session.line.clock.now(), zone: session.line.zone };
  const head = line({ text: progress?.said ?? 'Requested', tone: progress?.end === 'usable' ? 'good' : 'warn' });
  const detail = progress?.grant ? grantFields(progress.grant, at) : line({ text: `Request ${requestId}`, tone: 'dim' });
  const next =
    progress?.end === 'usable'
      ? line({ text: `End it with "portcullis revoke ${shortId(progress.grant?.id ?? '')}".`, tone: 'dim' })
      : line({ text: 'See "portcullis status".', tone: 'dim' });
  return { status: EXIT.done, json, screen: [head, detail, next] };
}

function stillOpen(requestId: RequestId, progress: Progress | undefined): string {
  if (progress?.grant) return `The grant goes on. End it with "portcullis revoke ${shortId(progress.grant.id)}".`;
  return `The request stands. Cancel it with "portcullis cancel ${shortId(requestId)}".`;
}

function leftAlone(
  status: number,
  code: string,
  message: string,
  wayOut: string,
  requestId: RequestId,
  progress: Progress | undefined,
): Outcome {
  const left = problem(status, { code, message, wayOut });
  return { ...left, json: { requestId, request: progress?.request, grant: progress?.grant, ...(left.json as object) } };
}
