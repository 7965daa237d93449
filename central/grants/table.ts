import type { Transitions } from '../../protocol/lifecycle.ts';
import type { EndReason, GrantState } from '../../protocol/model.ts';

/** Every end of what was given begins in the same way. */
const ENDS = {
  expired: 'revoking',
  revoked: 'revoking',
  'lease lost': 'revoking',
  'daemon stopped': 'revoking',
  'window closed': 'revoking',
  superseded: 'revoking',
} as const satisfies Record<Exclude<EndReason, 'activation failed'>, GrantState>;

/** The life of a grant at central: state, cause, state. `step` moves by it alone, so what is not here cannot happen. */
export const GRANT_LIFE = {
  activating: {
    'given by the cloud': 'assigned',
    'refused by the cloud': 'failed',
    'never sent': 'failed',
    // The outcome is not known: it is taken back as if it had been given.
    'activation failed': 'revoking',
    ...ENDS,
  },
  assigned: { 'used by the holder': 'usable', 'not answered': 'unknown', vanished: 'revoking', ...ENDS },
  usable: { 'denied to the holder': 'unknown', 'not answered': 'unknown', vanished: 'revoking', ...ENDS },
  unknown: { 'still listed': 'assigned', vanished: 'revoking', ...ENDS },
  revoking: { 'denial proven': 'gone', 'absence proven': 'gone', 'taken over': 'gone' },
  gone: {},
  failed: {},
} as const satisfies Transitions<GrantState>;

type Causes<Table> = { [State in keyof Table]: keyof Table[State] }[keyof Table];
export type GrantCause = Causes<typeof GRANT_LIFE>;
