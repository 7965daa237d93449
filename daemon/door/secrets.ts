import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Hex HMAC-SHA-256 with a hex key over a UTF-8 text. */
export const hmac = (secret: string, text: string): string => createHmac('sha256', Buffer.from(secret, 'hex')).update(text).digest('hex');

/** Compares two hex strings in constant time. */
export function same(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')];
  return x.length === y.length && timingSafeEqual(x, y);
}

/** 32 random bytes in hex: a per-start secret, or a nonce. */
export const nonce = (): string => randomBytes(32).toString('hex');

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
