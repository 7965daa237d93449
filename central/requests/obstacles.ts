import type { Instant } from '../../protocol/clock.ts';
import type { GrantId } from '../../protocol/ids.ts';
import type { ProviderId } from '../../protocol/model.ts';
import { no, type RefusalCode } from '../../protocol/refusal.ts';
import { type GrantLife, isLive, rightKey } from '../grants/life.ts';
import type { Actor } from '../people/actor.ts';
import type { Reading } from '../store/store.ts';
import { isHolder } from '../views.ts';
import type { RequestLife } from './life.ts';
import { alreadyElevated } from './previews.ts';

/** One person has no more requests open at a time. */
const OPEN_AT_ONCE = 5;

export type Refused = { ok: false; refusal: { code: RefusalCode; message: string } };

export async function tooMany(tx: Reading, actor: Actor): Promise<Refused | undefined> {
  if ((await tx.openRequests(actor.person.id)) < OPEN_AT_ONCE) return undefined;
  return no('rate-limited', `You have ${OPEN_AT_ONCE} requests open`, { wayOut: 'Cancel one, or wait for a decision' });
}

/**
 * One right is held by one grant at a time; only a grant that follows on may overlap, with the one it follows.
 * @param inMemory A grant as it is driven now: the store lags behind while it takes nothing.
 */
export async function overlap(
  tx: Reading,
  request: RequestLife,
  provider: ProviderId,
  now: Instant,
  inMemory: (id: GrantId) => GrantLife | undefined,
): Promise<Refused | undefined> {
  const { requester, role, resource, follows, duration } = request;
  const references = await tx.references(rightKey({ principalId: requester.principals[provider] ?? '', role, resource }));
  const other = references.find(({ id }) => id !== follows);
  if (other) {
    const wayOut = isLive(other) ? 'Extend it instead' : 'Wait until it is gone';
    return no('already-elevated', alreadyElevated(isLive(other)), { wayOut });
  }
  if (!follows) return undefined;
  const kept = references.find(({ id }) => id === follows);
  const driven = inMemory(follows);
  // Of another central's grant what is in memory may be older than the store: it only ever says that something is over.
  return cannotFollow(requester, driven && !isLive(driven) ? driven : kept, now + duration);
}

function cannotFollow(requester: Actor, followed: GrantLife | undefined, until: Instant): Refused | undefined {
  const wayOut = 'Ask for access anew';
  if (!followed || !isHolder(requester, followed)) {
    return no('cannot-extend', 'The access to extend is over or not yours', { field: 'follows', wayOut });
  }
  if (followed.state !== 'assigned' && followed.state !== 'usable') {
    return no('cannot-extend', 'This access is not in use', { field: 'follows', wayOut });
  }
  if (until > followed.notAfter) return undefined;
  return no('cannot-extend', 'You already have it for longer than that', {
    field: 'duration',
    wayOut: 'Extend it later, or ask for more time',
  });
}
