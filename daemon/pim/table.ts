import type { Transitions } from '../../protocol/lifecycle.ts';
import type { Phase } from './lease.ts';

const ENDS = { 'end wanted': 'releasing', 'due instant passed': 'releasing' } as const;

/** The life of an elevation through Entra PIM: phase, cause, phase. `step` moves by it alone, so what is not here cannot happen. */
export const PIM_LIFE = {
  intended: {
    activated: 'assigned',
    'approvers asked': 'waiting',
    'refused at once': 'failed',
    // The outcome is not known: it is taken back as if it had been given.
    'answer lost': 'releasing',
    ...ENDS,
  },
  waiting: { activated: 'assigned', 'taken back': 'cancelling', refused: 'failed', denied: 'denied', lapsed: 'lapsed' },
  cancelling: { activated: 'releasing', cancelled: 'cancelled', refused: 'failed', denied: 'denied', lapsed: 'lapsed' },
  assigned: { 'allowed by the cloud': 'usable', ...ENDS },
  usable: { 'denied before its end': 'releasing', ...ENDS },
  releasing: { 'end accepted': 'proving', 'nothing to end': 'proving', 'never given': 'gone' },
  proving: { 'end refused after all': 'releasing', 'denial proven': 'gone', 'absence proven': 'gone', 'never given': 'gone' },
  gone: {},
  failed: {},
  denied: {},
  cancelled: {},
  lapsed: {},
} as const satisfies Transitions<Phase>;

export type PimCause = { [From in Phase]: keyof (typeof PIM_LIFE)[From] }[Phase];

/** Where a cause leads; undefined when it moves nothing in this phase. */
export const next = (from: Phase, cause: PimCause): Phase | undefined => (PIM_LIFE[from] as Partial<Record<PimCause, Phase>>)[cause];
