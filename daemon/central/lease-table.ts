import type { Transitions } from '../../protocol/lifecycle.ts';

/**
 * `holding`: it is renewed, and its end is armed · `asking`: central is asked to end it until it says yes · `accepted`: it has,
 * and does not show it yet · `ending`: central shows it on its way out · `over`: gone, or never given · `lost`: central does
 * not know it. The last two are remembered until the grant's own instant, so that nothing can bring them back.
 */
export type LeasePhase = 'holding' | 'asking' | 'accepted' | 'ending' | 'over' | 'lost';

/** What central may say at any time. */
const TOLD = { 'shown as ending': 'ending', 'shown as over': 'over', 'not known to central': 'lost' } as const;

/**
 * The life of this daemon's lease on a grant of central's: phase, cause, phase. It begins as `holding`. `lease-step.ts` moves
 * by it alone, so what is not here cannot happen.
 */
export const LEASE_LIFE = {
  holding: { 'end wanted': 'asking', 'due instant passed': 'asking', ...TOLD },
  asking: { 'end accepted': 'accepted', ...TOLD },
  accepted: { 'end refused after all': 'asking', ...TOLD },
  // Central has lost the end that it had shown, to a copy of yesterday perhaps: an end is never taken back.
  ending: { 'shown as over': 'over', 'not known to central': 'lost', 'shown alive after its end': 'asking' },
  over: { 'shown as ending': 'ending', 'shown alive after its end': 'asking' },
  lost: { 'known again': 'holding', 'known again, end wanted': 'asking', 'shown as ending': 'ending', 'shown as over': 'over' },
} as const satisfies Transitions<LeasePhase>;

type Life = typeof LEASE_LIFE;
export type LeaseCause = { [Phase in LeasePhase]: keyof Life[Phase] }[LeasePhase];
/** The phases in which a cause moves something, and where it leads. */
export type From<Cause extends LeaseCause> = { [Phase in LeasePhase]: Cause extends keyof Life[Phase] ? Phase : never }[LeasePhase];
export type To<Cause extends LeaseCause> = {
  [Phase in LeasePhase]: Cause extends keyof Life[Phase] ? Extract<Life[Phase][Cause], LeasePhase> : never;
}[LeasePhase];
