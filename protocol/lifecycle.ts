import type { FaultCode } from './fault.ts';
import type { Grant, GrantState, Problem, RequestState } from './model.ts';
import type { RefusalCode } from './refusal.ts';

/** The steps of one machine by name: state, cause, state. ARCHITECTURE.md draws them. */
export type Transitions<State extends string> = Readonly<Record<State, Readonly<Record<string, State>>>>;

/** Every legal step of a grant, whichever authority gave it. What is not here cannot happen. */
const GRANT_STEPS: Record<GrantState, readonly GrantState[]> = {
  activating: ['assigned', 'usable', 'revoking', 'failed', 'unknown'],
  assigned: ['usable', 'revoking', 'unknown'],
  usable: ['revoking', 'unknown'],
  // From unknown back to what was observed; an outcome that stays unknown is revoked.
  unknown: ['assigned', 'usable', 'revoking', 'failed'],
  revoking: ['gone'],
  gone: [],
  failed: [],
};

const REQUEST_STEPS: Record<RequestState, readonly RequestState[]> = {
  requested: ['pending approval', 'approved', 'denied', 'cancelled', 'failed'],
  'pending approval': ['approved', 'denied', 'cancelled', 'expired', 'failed'],
  approved: ['failed'],
  denied: [],
  cancelled: [],
  expired: [],
  failed: [],
};

export const mayGrantMove = (from: GrantState, to: GrantState): boolean => GRANT_STEPS[from].includes(to);
export const mayRequestMove = (from: RequestState, to: RequestState): boolean => REQUEST_STEPS[from].includes(to);

/** Power may stand in the cloud. `failed` means: known never to have been assigned. */
export const mayStand = (state: GrantState): boolean => state !== 'gone' && state !== 'failed';
export const isOpen = (state: RequestState): boolean => state === 'requested' || state === 'pending approval';

/** What does not pass by itself. */
const TO_MEND: ReadonlySet<string> = new Set<RefusalCode | FaultCode>([
  'locked',
  'not-eligible',
  'not-signed-in',
  'unsupported',
  'sign-in-failed',
  'configuration-invalid',
]);

/** Why a right cannot be taken back before somebody does something, such as removing a lock; undefined while time may do. */
export const hindrance = ({ state, problem }: Pick<Grant, 'state' | 'problem'>): Problem | undefined =>
  state === 'revoking' && problem && TO_MEND.has(problem.code) ? problem : undefined;
