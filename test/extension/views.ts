import type { View } from '../../extension/view.ts';
import type { GrantId } from '../../protocol/ids.ts';
import type { ElevationRequest, Grant } from '../../protocol/model.ts';
import type { DaemonState } from '../../protocol/state.ts';
import { byId, daemonState, grant, request } from '../daemon/cli/estate.ts';

/** What the editor knows, for tests of what it shows. */
export function view(grants: Grant[] = [], requests: ElevationRequest[] = [], more: Partial<View> & { state?: DaemonState } = {}): View {
  return {
    link: { state: 'connected' },
    state: daemonState({ grants: byId(...grants), requests: byId(...requests) }),
    asked: new Set(),
    heldBefore: false,
    ...more,
  };
}

export const grantNumber = (n: number, more: Partial<Grant> = {}): Grant =>
  grant({ id: `${String(n).padStart(8, '0')}-1111-4111-8111-111111111111` as GrantId, ...more });

export const pending = (more: Partial<ElevationRequest> = {}): ElevationRequest => request({ state: 'pending approval', ...more });
