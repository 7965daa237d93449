import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ClientParts } from '../../protocol/client.ts';

/** The cryptography that `protocol/` asks for. */
export const proof: Pick<ClientParts, 'hmac' | 'same' | 'nonce'> = {
  hmac: (secret, text) => createHmac('sha256', Buffer.from(secret, 'hex')).update(text, 'utf8').digest('hex'),
  same: (a, b) => {
    const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')];
    return left.length === right.length && timingSafeEqual(left, right);
  },
  nonce: () => randomBytes(32).toString('hex'),
};
