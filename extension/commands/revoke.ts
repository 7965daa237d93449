import { ThemeIcon } from 'vscode';
import type { Grant } from '../../protocol/model.ts';
import { pick } from '../quick/pick.ts';
import { revocable, type ShownGrant, stuckBy } from '../view.ts';
import { onWhat, standingWords } from '../words/grants.ts';
import type { ActParts } from './parts.ts';

/** *Revoke…*: at once when there is only one, otherwise the person says which. */
export async function revoke(parts: ActParts, among: ShownGrant[]): Promise<void> {
  const [only, ...others] = among;
  if (!only) {
    parts.notices.told('You hold nothing that could be revoked.');
    return;
  }
  if (others.length === 0) return revokeGrant(parts, only.grant);
  await pick<Grant>({
    title: 'Revoke',
    placeholder: 'Which access to take back now?',
    fill: (list) => list.show(among.map((shown) => grantChoice(parts, shown))),
    accept(grant) {
      void revokeGrant(parts, grant);
      return 'done';
    },
  });
}

export const grantChoice = (parts: Pick<ActParts, 'clock' | 'time'>, shown: ShownGrant) => ({
  label: onWhat(shown.grant),
  description: standingWords(shown, parts.clock.now(), parts.time),
  detail: `${shown.grant.role.title} · ${shown.grant.reason}`,
  iconPath: new ThemeIcon(iconOf(shown)),
  value: shown.grant,
});

function iconOf(held: ShownGrant): string {
  if (held.shown === 'usable') return 'unlock';
  return held.shown === 'unknown' || stuckBy(held) ? 'warning' : 'sync';
}

/** Shows *Revoking…* at once; a refusal takes that back and says why. */
export async function revokeGrant({ store, notices }: ActParts, grant: Grant): Promise<void> {
  const undo = store.askedToRevoke([grant.id]);
  const doing = `Revoke ${onWhat(grant)}`;
  try {
    const answer = await store.ask('revoke', { grantId: grant.id });
    if (answer.ok) return;
    undo();
    notices.refused(doing, answer.refusal);
  } catch (error) {
    undo();
    notices.failed(doing, error);
  }
}

/** *Revoke all*: one modal that names everything. */
export async function revokeAll({ store, clock, time, notices }: ActParts): Promise<void> {
  const held = revocable(store.view);
  if (held.length === 0) {
    notices.told('You hold nothing that could be revoked.');
    return;
  }
  const lines = held.map((shown) => `${shown.grant.role.title} on ${onWhat(shown.grant)}, ${standingWords(shown, clock.now(), time)}`);
  const sure = await notices.confirmed(`Revoke everything you hold (${held.length})?`, lines.join('\n'), 'Revoke all');
  if (!sure) return;
  const undo = store.askedToRevoke(held.map(({ grant }) => grant.id));
  try {
    const { refused } = await store.ask('revoke.all', {});
    if (refused.length === 0) return;
    undo();
    notices.refused('Revoke all', { code: 'unreachable', message: refused.join('; '), wayOut: 'Try again.' });
  } catch (error) {
    undo();
    notices.failed('Revoke all', error);
  }
}
