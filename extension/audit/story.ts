import type { AuditEvent } from '../../protocol/audit.ts';
import type { GrantId, RequestId } from '../../protocol/ids.ts';
import type { Story, StoryOf } from '../../protocol/panel.ts';
import { type DaemonState, shownState } from '../../protocol/state.ts';
import { type AskDaemon, oldestFirst } from './record.ts';

/** A grant's story is short. What is longer is cut after about a thousand events. */
const LONGEST = 1_000;

/** All events of a grant and of the request it came from, and how both stand now. */
export async function readStory(ask: AskDaemon, of: StoryOf, state: DaemonState | undefined): Promise<Story> {
  const requests = Object.values(state?.requests ?? {});
  const known = requests.find((one) => ('grantId' in of ? one.grantId === of.grantId : one.id === of.requestId));
  let grantId = 'grantId' in of ? of.grantId : known?.grantId;
  let events = grantId ? await read(ask, { grantId }) : [];
  const requestId = known?.id ?? ('requestId' in of ? of.requestId : events.find((event) => event.requestId)?.requestId);
  if (!grantId && requestId) {
    events = await read(ask, { requestId });
    grantId = events.find((event) => event.grantId)?.grantId;
    if (grantId) events = await read(ask, { grantId });
  }
  const grant = grantId && state?.grants[grantId];
  return {
    events: events.filter((event) => belongs(event, grantId, requestId)),
    grant: grant && state ? { ...grant, state: shownState(grant, state) } : undefined,
    request: known,
  };
}

const belongs = (event: AuditEvent, grantId: GrantId | undefined, requestId: RequestId | undefined): boolean =>
  (grantId !== undefined && event.grantId === grantId) || (requestId !== undefined && event.requestId === requestId);

/** What is asked for a grant begins with the request it came from. */
async function read(ask: AskDaemon, filter: StoryOf): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for await (const page of oldestFirst(ask, filter)) {
    events.push(...page.events);
    if (events.length >= LONGEST) break;
  }
  return events;
}
