import type { Decision, EndReason } from './model.ts';

/** Sentences of the record that more than one process writes. */

const OUTCOMES: Record<Decision['outcome'], string> = { granted: 'Granted', 'needs approval': 'Needs approval', refused: 'Refused' };

export const decidedWords = ({ outcome, because }: Pick<Decision, 'outcome' | 'because'>): string => `${OUTCOMES[outcome]}: ${because}`;

const REASONS: Record<EndReason, string> = {
  expired: 'its time is up',
  revoked: 'it was revoked',
  'lease lost': 'its daemon has gone silent',
  'daemon stopped': 'its daemon was stopped',
  'window closed': 'the last window was closed',
  'activation failed': 'it is not known whether it was given',
  superseded: 'another grant goes on with it',
};

/** Why a grant ends; goes on after a colon. */
export const endWords = (reason: EndReason): string => REASONS[reason];

/** How the end of a grant was proven; goes on after a colon. */
export const proofWords = (proof: 'denied' | 'absent'): string =>
  proof === 'denied' ? 'the cloud denied access' : 'the cloud does not list it any more, and has had the time to enforce that';
