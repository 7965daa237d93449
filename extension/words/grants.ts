import type { Instant } from '../../protocol/clock.ts';
import type { Grant } from '../../protocol/model.ts';
import { type ShownGrant, stuckBy } from '../view.ts';
import type { TimeWords } from './time.ts';

/** `web of prod-edge`, or `prod-edge` when the balancer itself is meant. */
export const onWhat = ({ resource }: Pick<Grant, 'resource'>): string =>
  resource.name === resource.balancerName ? resource.name : `${resource.name} of ${resource.balancerName}`;

/** How a grant stands, in a few words: `until 14:32`, `revoking: Azure allows release at 14:20:10`. */
export function standingWords(held: ShownGrant, now: Instant, time: TimeWords): string {
  const { grant, shown } = held;
  const { awaiting, problem, notAfter } = grant;
  const stuck = stuckBy(held);
  if (stuck) return `cannot be revoked: ${stuck.message}`;
  const more = awaiting ?? problem?.message;
  switch (shown) {
    case 'usable':
      return `until ${time.at(notAfter, now)}`;
    case 'activating':
    case 'assigned':
      return more ? `activating: ${more}` : 'activating…';
    case 'revoking':
      return more ? `revoking: ${more}` : 'revoking…';
    case 'unknown':
      return more ? `state unknown: ${more}` : 'state unknown';
    case 'gone':
      return grant.endReason === 'expired' ? 'ended' : 'revoked';
    case 'failed':
      return more ? `failed: ${more}` : 'failed';
  }
}
