import type { Instant, Millis } from '../../protocol/clock.ts';
import type { Preview, ResourceRef, RoleOption } from '../../protocol/model.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import { decidedBy } from '../words/people.ts';
import { spelled, type TimeWords } from '../words/time.ts';

/** Everything that a person has chosen before they commit. */
export interface Chosen {
  resource: Pick<ResourceRef, 'id' | 'name' | 'balancerName'>;
  role: RoleOption;
  duration: Millis;
  reason: string;
  ticket?: string | undefined;
}

/** One line of the review. `act` lines can be chosen; the others only tell. */
export type ReviewLine =
  | { kind: 'act'; act: 'request' | 'again' | 'back'; label: string; detail: string }
  | { kind: 'heading'; label: string }
  | { kind: 'fact'; label: string; icon: string; detail?: string | undefined };

export const ENFORCEMENT: Record<RoleOption['enforcement'], string> = {
  native: 'Native: the cloud itself enforces exactly this',
  guarded: 'Guarded: Portcullis makes the change for you and refuses anything outside this role',
};

const CHANGE: ReviewLine & { kind: 'act' } = { kind: 'act', act: 'back', label: 'Change what you ask', detail: 'Role, minutes or reason' };

const ICONS: Record<Preview['outcome'], string> = { granted: 'pass', 'needs approval': 'person', refused: 'circle-slash' };

/** The whole review, in reading order: what happens, why, what it allows, who else, what to know. */
export function review(chosen: Chosen, preview: Preview, now: Instant, time: TimeWords, refusal?: Refusal | undefined): ReviewLine[] {
  const { role, duration, resource } = chosen;
  const what = `${role.title} on ${nameOf(resource)} for ${spelled(duration)}`;
  return [
    ...(refusal ? refused(refusal) : []),
    ...commit(preview, what, now + duration, now, time, refusal !== undefined),
    ...(refusal && preview.outcome !== 'refused' ? [CHANGE] : []),
    { kind: 'heading', label: 'The answer' },
    { kind: 'fact', label: preview.headline, icon: ICONS[preview.outcome], detail: preview.decision.because },
    ...preview.decision.wouldChange.map((change) => fact(change, 'lightbulb')),
    ...rulesOf(preview),
    { kind: 'heading', label: 'What you ask' },
    fact(what, 'unlock', ENFORCEMENT[role.enforcement]),
    fact(chosen.reason, 'comment'),
    ...(chosen.ticket ? [fact(chosen.ticket, 'tag')] : []),
    ...section(
      'What it allows',
      role.allows.map((allowed) => fact(allowed, 'check')),
    ),
    ...section(
      'What the cloud will really allow',
      // Long names on lines of their own: the heading would cover the end of the first.
      preview.actions.length > 0
        ? [fact(preview.actions.length === 1 ? 'One action' : `${preview.actions.length} actions`, 'key'), ...preview.actions.map(detail)]
        : [],
    ),
    ...section(
      'Who is elevated here now',
      preview.elevatedHere.map(({ holder, role: title, notAfter }) =>
        fact(`${holder.name} until ${time.at(notAfter, now)}`, 'account', title),
      ),
    ),
    ...section(
      'Good to know',
      preview.warnings.map((warning) => fact(warning, 'warning')),
    ),
  ];
}

export const nameOf = ({ name, balancerName }: Chosen['resource']): string => (name === balancerName ? name : `${name} of ${balancerName}`);

function commit(preview: Preview, what: string, end: Instant, now: Instant, time: TimeWords, again: boolean): ReviewLine[] {
  const label = again ? 'Request access again' : 'Request access';
  switch (preview.outcome) {
    case 'granted':
      return [{ kind: 'act', act: 'request', label, detail: `${what}, at once, until about ${time.at(end, now)}` }];
    case 'needs approval':
      return [{ kind: 'act', act: 'request', label, detail: `${what}, after approval by ${decidedBy(preview.approvers)}` }];
    case 'refused':
      return [{ ...CHANGE, detail: 'As it stands, the policy refuses it' }];
  }
}

const refused = ({ message, wayOut }: Refusal): ReviewLine[] => [
  { kind: 'heading', label: 'Not accepted' },
  fact(message, 'error', wayOut),
];

function rulesOf({ decision }: Preview): ReviewLine[] {
  if (decision.rules.length === 0) return [];
  return [fact(`Decided by ${decision.rules.join(', ')}`, 'law', `Policy ${decision.policyVersion.slice(0, 16)}`)];
}

const fact = (label: string, icon: string, detail?: string | undefined): ReviewLine => ({ kind: 'fact', label, icon, detail });

const detail = (label: string): ReviewLine => fact(label, 'blank');

const section = (label: string, lines: ReviewLine[]): ReviewLine[] => (lines.length > 0 ? [{ kind: 'heading', label }, ...lines] : []);

/** One line about a preview, for where there is room for no more. */
export const inShort = ({ headline, decision, outcome }: Preview): string =>
  outcome === 'refused' ? `${headline} ${decision.wouldChange[0] ?? ''}`.trim() : headline;
