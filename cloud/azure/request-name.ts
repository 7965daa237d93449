import { createHash } from 'node:crypto';
import type { Instant } from '../../protocol/clock.ts';
import { MINUTE } from '../../protocol/clock.ts';
import type { GrantId } from '../../protocol/ids.ts';

/** Namespace of every name that Portcullis derives for Azure. Changing it would forget all requests under way. */
const NAMESPACE = 'f832f18c-b6c0-41bf-9752-97270833ee2b';

/** RFC 9562 version 5: the same name in the same namespace is the same UUID. */
export function uuid5(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name, 'utf8')
    .digest();
  const bytes = hash.subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The request that starts a grant: one for ever, so that sending it twice is one grant. */
export const startName = (grantId: GrantId): string => uuid5(NAMESPACE, `${grantId}/start`);

/**
 * A request that ends a grant. Azure keeps the failed ones under their name, so each minute has a name of its own:
 * a retry at once is the same request, a later attempt is a new one.
 */
export const endName = (grantId: GrantId, now: Instant): string => uuid5(NAMESPACE, `${grantId}/end/${Math.floor(now / MINUTE)}`);
