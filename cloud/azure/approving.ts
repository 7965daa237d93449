import * as v from 'valibot';
import { type Clock, MINUTE } from '../../protocol/clock.ts';
import { type PersonId, RequestId } from '../../protocol/ids.ts';
import { no } from '../../protocol/refusal.ts';
import type { Approving, WaitingRequest } from '../provider.ts';
import { type AzureApproval, azureApprovals } from './approvals.ts';
import { atMost } from './at-most.ts';
import { azureClients } from './clients.ts';
import { GRANT_MARK } from './elevation.ts';
import { wordsFor } from './eligibility.ts';
import { faultOf } from './errors.ts';
import { onlyAs } from './person.ts';
import { placeOf } from './place.ts';
import type { AzureSettings } from './settings.ts';
import type { SharedTokens } from './shared-tokens.ts';

/** The root of the tenant: one question for every subscription. Azure leaves out what the person may not decide. */
const EVERYWHERE = '';
/** Entra PIM throttles early, and does not say where. */
const ASKED_AT_ONCE = 4;

/** What waits in Entra PIM for the person, on load balancers and their parts; anything else is decided in the portal. */
export function azureApproving(tokens: SharedTokens, settings: AzureSettings, clock: Clock): Approving {
  const clients = azureClients(tokens, settings);
  const approvals = azureApprovals(tokens, settings, clock);

  async function understood(approval: AzureApproval, signal: AbortSignal): Promise<WaitingRequest[]> {
    const id = idOf(approval);
    const place = placeOf(approval.scope);
    const { asked } = approval;
    // Whoever decides must see exactly what is asked.
    if (!id || !place || asked?.duration === undefined) return [];
    const eligibility = { roleGuid: asked.roleGuid, roleName: asked.roleName, scope: approval.scope.slice(1) };
    const words = await wordsFor(clients, place.resource, eligibility, clock.now(), signal);
    if (!words) return [];
    const { id: roleId, title, enforcement, allows, actions } = words;
    return [
      {
        id,
        resource: place.ref,
        role: { id: roleId, title, enforcement },
        allows,
        actions,
        requester: asked.requester,
        // Our own requests name what is left of whole minutes when they are sent. Never less than what is asked.
        duration: Math.ceil(asked.duration / MINUTE) * MINUTE,
        reason: asked.reason.replace(GRANT_MARK, ''),
        ...(asked.ticket === undefined ? {} : { ticket: asked.ticket }),
        askedAt: asked.askedAt,
      },
    ];
  }

  const decide = (act: 'approve' | 'deny') => async (id: RequestId, reason: string, by: PersonId, signal: AbortSignal) => {
    const theirs = azureApprovals(onlyAs(tokens, by), settings, clock);
    // Read again: a decision is about what waits now, and about the stage that waits now.
    const approval = (await theirs.list(EVERYWHERE, signal)).find((one) => idOf(one) === id);
    if (!approval) return no('too-late', 'This request does not wait for you any more', { wayOut: 'Refresh the list.' });
    return theirs[act](approval, reason, signal);
  };

  return {
    async waiting(signal) {
      try {
        const found = await approvals.list(EVERYWHERE, signal);
        return (await atMost(ASKED_AT_ONCE, found, (approval) => understood(approval, signal))).flat();
      } catch (error) {
        throw faultOf(error, clock.now());
      }
    },
    approve: decide('approve'),
    deny: decide('deny'),
  };
}

function idOf({ id }: AzureApproval): RequestId | undefined {
  const parsed = v.safeParse(RequestId, id.slice(id.lastIndexOf('/') + 1).toLowerCase());
  return parsed.success ? parsed.output : undefined;
}
