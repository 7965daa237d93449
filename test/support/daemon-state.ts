import type { DaemonState } from '../../protocol/state.ts';

export const INSTANCE = '2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11';

/** Of a daemon that has just started and knows nothing yet. */
export const STATE: DaemonState = {
  daemon: { instance: INSTANCE, version: '1', pid: 1, startedAt: 0, stopping: false },
  signIns: [],
  central: { state: 'not used', since: 0 },
  requests: {},
  grants: {},
  inventory: { revision: 0, refreshing: false },
};
