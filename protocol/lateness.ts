import * as v from 'valibot';
import type { Instant } from './clock.ts';
import type { Grant } from './model.ts';

/** What the lateness of an end counts from: the due instant, or the moment at which an earlier end was asked for. */
export const LateAfter = v.picklist(['asked', 'due']);
export type LateAfter = v.InferOutput<typeof LateAfter>;

/** How the end of a grant began. Whoever asks after the due instant asks for what was due already. */
export const lateAfter = ({ endReason, endingAt, notAfter }: Pick<Grant, 'endReason' | 'endingAt' | 'notAfter'>): LateAfter =>
  endReason === 'expired' || (endingAt !== undefined && endingAt >= notAfter) ? 'due' : 'asked';

/** When an end that is seen now began. */
export const endBegan = (now: Instant, notAfter: Instant): Instant => Math.min(now, notAfter);

/** Goes on after a span of time: `4.6 s after it was asked for`. An older event does not say which. */
export function afterWords(after: LateAfter | undefined): string {
  if (after === undefined) return 'after its end began';
  return after === 'due' ? 'after its due instant' : 'after it was asked for';
}
