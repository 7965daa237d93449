import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Hex HMAC-SHA-256 over a UTF-8 text. */
export const hmacOf = (key: Buffer, text: string): string => createHmac('sha256', key).update(text).digest('hex');

/** The same with a hex key. */
export const hmac = (secret: string, text: string): string => hmacOf(Buffer.from(secret, 'hex'), text);

/** Compares two hex strings in constant time. */
export function same(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')];
  return x.length === y.length && timingSafeEqual(x, y);
}

/** 32 random bytes in hex: a per-start secret, or a nonce. */
export const nonce = (): string => randomBytes(32).toString('hex');

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The 32 bytes of 64 hex digits, without a text in between; undefined for anything else. White space at the end is let pass. */
export function bytesOfHex(digits: Buffer): Buffer | undefined {
  const bytes = Buffer.allocUnsafeSlow(32);
  for (let at = 0; at < 64; at++) {
    const digit = nibble(digits[at]);
    if (digit === undefined) return undefined;
    bytes[at >> 1] = at % 2 === 0 ? digit << 4 : (bytes[at >> 1] ?? 0) | digit;
  }
  return digits.subarray(64).every((rest) => rest <= 0x20) ? bytes : undefined;
}

/** The hex digits of bytes, without a text in between. */
export function hexOfBytes(bytes: Buffer): Buffer {
  const digits = Buffer.allocUnsafeSlow(2 * bytes.length);
  for (const [at, byte] of bytes.entries()) {
    digits[2 * at] = DIGITS.charCodeAt(byte >> 4);
    digits[2 * at + 1] = DIGITS.charCodeAt(byte & 0x0f);
  }
  return digits;
}

const DIGITS = '0123456789abcdef';

const nibble = (code: number | undefined): number | undefined => {
  const digit = code === undefined ? -1 : DIGITS.indexOf(String.fromCharCode(code));
  return digit < 0 ? undefined : digit;
};
