import { afterWords, lateAfter } from '../../../protocol/lateness.ts';
import { hindrance } from '../../../protocol/lifecycle.ts';
import type { Grant, ResourceRef } from '../../../protocol/model.ts';
import { inFull } from '../../../protocol/problem-words.ts';
import { type DaemonState, shownState } from '../../../protocol/state.ts';
import { type Block, type Cell, fields, type Tone, table } from '../blocks.ts';
import { clockTime, type Now, remaining, span } from './time.ts';

/** Enough of an id to name it among one's own. */
export const shortId = (id: string): string => id.slice(0, 8);

/** `prod-edge`, `prod-edge/web`. */
export const resourceName = (resource: ResourceRef): string =>
  resource.id === resource.balancerId ? resource.balancerName : `${resource.balancerName}/${resource.name}`;

/** As it may be believed now: good news of an authority that cannot be reached is no news. */
export function believed(grant: Grant, state: Pick<DaemonState, 'central'>): Grant {
  const shown = shownState(grant, state);
  return shown === grant.state ? grant : { ...grant, state: shown, awaiting: 'Contact with central is lost' };
}

const TONES: Record<Grant['state'], Tone> = {
  activating: 'warn',
  assigned: 'warn',
  usable: 'good',
  revoking: 'warn',
  gone: 'dim',
  failed: 'bad',
  unknown: 'bad',
};

export const grantState = (grant: Grant): Cell => ({ text: grant.state, tone: TONES[grant.state] });

/** What is worth knowing beside the state: what is awaited, what went wrong, how it ended. */
export function grantNote(grant: Grant): string {
  if (grant.problem && grant.state !== 'gone') return hindrance(grant) ? inFull(grant.problem) : grant.problem.message;
  if (grant.awaiting && grant.state !== 'gone') return grant.awaiting;
  if (grant.state === 'gone') return grant.endReason ?? '';
  return '';
}

/** Grants in order of their end. */
export function grantTable(grants: readonly Grant[], at: Now): Block {
  const rows = [...grants]
    .sort((a, b) => a.notAfter - b.notAfter)
    .map((grant): Cell[] => [
      shortId(grant.id),
      grantState(grant),
      grant.role.id,
      resourceName(grant.resource),
      grant.mine ? 'you' : grant.holder.name,
      clockTime(grant.notAfter, at),
      grant.state === 'gone' || grant.state === 'failed' ? '' : remaining(grant.notAfter, at.now),
      { text: grantNote(grant), tone: 'dim' },
    ]);
  return table(['GRANT', 'STATE', 'ROLE', 'RESOURCE', 'HELD BY', 'UNTIL', 'LEFT', ''], rows);
}

export function grantFields(grant: Grant, at: Now): Block {
  return fields([
    ['Grant', grant.id],
    ['State', grantState(grant)],
    ['Role', `${grant.role.title} (${grant.role.id}, ${grant.role.enforcement})`],
    ['Resource', resourceName(grant.resource)],
    ['Until', clockTime(grant.notAfter, at)],
    ['Ended', grant.goneAt === undefined ? undefined : `${clockTime(grant.goneAt, at)}${lateWords(grant)}${proofWords(grant)}`],
    ['Note', grantNote(grant)],
  ]);
}

function lateWords(grant: Grant): string {
  if (grant.goneAt === undefined || grant.endingAt === undefined) return '';
  return `, ${span(Math.max(0, grant.goneAt - grant.endingAt))} ${afterWords(lateAfter(grant))}`;
}

function proofWords(grant: Grant): string {
  if (grant.proof === 'denied') return ', your access was denied when tried';
  return grant.proof === 'absent' ? ', no longer assigned and past the time the cloud needs' : '';
}
